"""The banner while everything stops, and the page on which a person decides."""

import pytest

from sgportal.models import Grid, ManagedCluster
from sgportal.reconciler.fleet import halt

from .addresses import GRID

BANNER = "Nothing is written to the cluster and nothing is forgotten."


@pytest.fixture
def halted(fleet):
    """Another cluster answers, whose uid is hostile text."""
    halt.begin("another-cluster", {"uid": "here", "seen": "<b>there</b>", "grids": 3})
    ManagedCluster.objects.update(uid="here")
    return fleet


def text(client, address):
    return client.get(address).content.decode()


def test_every_page_says_that_everything_stops_and_why(viewer, halted):
    for address in ("/", "/nodes/", GRID, "/cluster/banner/"):
        page = text(viewer, address)
        assert BANNER in page
        assert "&lt;b&gt;there&lt;/b&gt;" in page
    halt.end("another-cluster")
    assert BANNER not in text(viewer, "/")
    assert "Nothing waits for a decision" in text(viewer, "/decisions/")


def test_the_page_shows_choices_to_those_who_may_choose(viewer, operator, halted):
    assert "Restore everything here …" not in text(viewer, "/decisions/")
    page = text(operator, "/decisions/")
    assert "Restore everything here …" in page
    assert "Follow the cluster …" in page
    assert viewer.post("/decisions/halt/", {"choice": "follow"}).status_code == 403


def test_a_choice_is_shown_first_and_holds_for_what_was_shown(operator, halted):
    row = ManagedCluster.now()
    asked = operator.post("/decisions/halt/", {"choice": "follow"}).content.decode()
    assert "Follow the cluster?" in asked
    assert row.halt_id in asked
    stale = operator.post("/decisions/halt/", {"choice": "follow", "halt": "0", "confirm": "1"}, follow=True)
    assert "What was shown is no longer so" in stale.content.decode()
    assert ManagedCluster.now().halt
    done = operator.post("/decisions/halt/", {"choice": "follow", "halt": row.halt_id, "confirm": "1"}, follow=True)
    assert "The portal writes to the cluster again." in done.content.decode()
    assert Grid.objects.filter(may_be_forgotten=False).count() == 0


def test_nothing_to_decide_or_an_unknown_choice_leads_back(operator, fleet):
    for fields in ({}, {"choice": "follow"}, {"choice": "\0", "halt": "\0", "confirm": "1"}):
        assert operator.post("/decisions/halt/", fields).headers["Location"] == "/decisions/"
    assert operator.get("/decisions/halt/").headers["Location"] == "/decisions/"


def test_a_write_gets_a_page_with_the_reason(operator, halted):
    answer = operator.post(GRID + "delete/", {"step": "confirm", "expect": halted.etag})
    assert answer.status_code == 409
    assert "another cluster" in answer.content.decode()
