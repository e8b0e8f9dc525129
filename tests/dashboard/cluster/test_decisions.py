"""The banner while everything stops, and the page on which a person decides."""

import re

import pytest
from django.utils import timezone

from sgportal.models import Grid, ManagedCluster
from sgportal.queries.held import held
from sgportal.reconciler.fleet import halt

from ..addresses import GRID
from ..conftest import browser, hidden

BANNER = "Writes to the cluster are stopped, and no grid is deleted."


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
    assert "No pending decisions" in text(viewer, "/decisions/")


def test_the_page_shows_choices_to_those_who_may_choose(viewer, operator, halted):
    assert "Restore all grids …" not in text(viewer, "/decisions/")
    page = text(operator, "/decisions/")
    assert "Restore all grids …" in page
    assert "Accept the cluster's state …" in page
    assert viewer.post("/decisions/halt/", {"choice": "follow"}).status_code == 403


def test_a_choice_is_shown_first_and_holds_for_what_was_shown(operator, halted):
    row = ManagedCluster.now()
    asked = operator.post("/decisions/halt/", {"choice": "follow"})
    assert "Accept the cluster's state?" in asked.content.decode()
    fields = hidden(asked)
    assert fields["halt"] == row.halt_id
    stale = operator.post("/decisions/halt/", {**fields, "halt": "0"}, follow=True)
    assert "The situation has changed" in stale.content.decode()
    Grid.objects.filter(pk=halted.pk).delete()
    moved = operator.post("/decisions/halt/", fields)
    assert "The plan has changed since it was shown." in moved.content.decode()
    assert ManagedCluster.now().halt
    done = operator.post("/decisions/halt/", hidden(moved), follow=True)
    assert "Writes to the cluster are enabled again." in done.content.decode()
    assert Grid.objects.filter(may_be_forgotten=False).count() == 0


def test_nothing_to_decide_or_an_unknown_choice_leads_back(operator, fleet):
    for fields in ({}, {"choice": "follow"}, {"choice": "\0", "halt": "\0", "confirm": "1"}):
        assert operator.post("/decisions/halt/", fields).headers["Location"] == "/decisions/"
    assert operator.get("/decisions/halt/").headers["Location"] == "/decisions/"


def test_a_write_gets_a_page_with_the_reason(operator, halted):
    answer = operator.post(GRID + "delete/", {"step": "confirm", "expect": halted.etag})
    assert answer.status_code == 409
    assert "another cluster" in answer.content.decode()


HELD = "The custom resource of 1 grid is missing from the cluster; the grid is kept."


@pytest.fixture
def gone(fleet):
    """The custom resource of the grid is gone, with many others."""
    Grid.objects.filter(pk=fleet.pk).update(cluster_uid="u", missing_since=timezone.now(), missing_held=True)
    return fleet


def test_every_page_says_that_grids_wait(viewer, gone):
    for address in ("/", "/nodes/", GRID, "/cluster/banner/"):
        assert HELD in text(viewer, address)
    page = text(viewer, "/decisions/")
    assert "Grids missing from the cluster" in page
    assert "Recreate …" not in page
    assert "Operators and administrators can decide." in page


def test_a_person_decides_for_one_grid_after_being_asked(viewer, operator, gone):
    (item,) = held()
    assert "Recreate …" in text(operator, "/decisions/")
    fields = {"choice": "follow", "items": item.id}
    assert viewer.post("/decisions/held/", fields).status_code == 403
    shown = operator.post("/decisions/held/", fields)
    asked = shown.content.decode()
    assert "Decide for 1 grid?" in asked
    assert "default/echo" in asked
    assert HELD in text(operator, "/")
    done = operator.post("/decisions/held/", hidden(shown), follow=True).content.decode()
    assert "Decided for 1 grid." in done
    assert Grid.objects.get(pk=gone.pk).may_be_forgotten
    assert HELD not in text(operator, "/")


def test_a_person_decides_for_all_that_were_shown(operator, gone):
    fields = hidden(operator.post("/decisions/held/", {"choice": "restore", "kind": "grid-gone"}))
    assert fields["items"] == held()[0].id
    stale = operator.post("/decisions/held/", {**fields, "items": "0"}, follow=True)
    assert "The situation has changed" in stale.content.decode()
    operator.post("/decisions/held/", fields)
    assert Grid.objects.get(pk=gone.pk).cluster_uid == ""


def test_what_cannot_be_chosen_leads_back(operator, gone):
    nothing = {"choice": "restore", "plan": "0" * 32}  # as of a form whose items were lost on the way
    others = ({"choice": "burn", "kind": "grid-gone"}, {"choice": "\0", "items": "\0"}, {"kind": "x"})
    for fields in ({}, *others, nothing, {**nothing, "items": " "}):
        assert operator.post("/decisions/held/", fields).headers["Location"] == "/decisions/"
    assert operator.get("/decisions/held/").headers["Location"] == "/decisions/"


WAITS = "The deletion of 1 workload waits for approval; it keeps running."


@pytest.fixture
def leaving(fleet):
    """A workload of the grid is not wanted any more, like many others; its site has a hostile name."""
    fleet.units.filter(name="lyo").update(retirement="held", held_since=timezone.now(), name="<i>lyo")
    return fleet


def test_every_page_says_that_deletions_wait_and_where_to_decide(viewer, operator, leaving):
    for address in ("/", "/nodes/", GRID, "/cluster/banner/", "/decisions/"):
        page = text(viewer, address)
        assert WAITS in page
        assert "<i>lyo" not in page
    assert 'href="/decisions/"' in text(viewer, "/")
    assert "custom resource" not in text(viewer, "/")
    page = text(operator, "/decisions/")
    assert "Workload deletions waiting for approval" in page
    assert "Keep …" in page
    assert "Delete all …" in page


def test_workloads_are_kept_or_deleted_after_being_asked(operator, leaving):
    (item,) = held()
    shown = operator.post("/decisions/held/", {"choice": "delete", "items": item.id})
    asked = shown.content.decode()
    assert "1 workload" in asked
    assert "&lt;i&gt;lyo" in asked
    fields = hidden(shown)
    operator.post("/decisions/held/", {**fields, "choice": "restore"})
    operator.post("/decisions/held/", {**fields, "choice": "keep"})  # whose plan was not shown
    assert held()
    operator.post("/decisions/held/", fields)
    assert leaving.units.get(name="<i>lyo").retirement == "approved"
    assert WAITS not in text(operator, "/")
    assert 'href="/decisions/"' not in text(operator, "/")


def test_of_one_grids_workloads_those_in_some_units_are_chosen(operator, leaving):
    leaving.units.exclude(name="<i>lyo").update(retirement="held", held_since=timezone.now())
    chosen, *others = leaving.units.filter(retirement="held").values_list("name", flat=True)
    assert others
    (item,) = held()
    fields = {"choice": "delete", "items": item.id}
    shown = operator.post("/decisions/held/", fields)
    asked = shown.content.decode()
    assert asked.count('name="units"') == len(others) + 1
    assert "<i>lyo" not in asked
    none = operator.post("/decisions/held/", hidden(shown), follow=True).content.decode()
    assert "name at least one NodeUnit" in none
    fewer = operator.post("/decisions/held/", {**hidden(shown), "units": [chosen]})  # shown before it is done
    assert fewer.content.decode().count(" checked") == 1
    assert "The plan has changed" not in fewer.content.decode()
    assert not leaving.units.filter(retirement="approved").exists()
    operator.post("/decisions/held/", {**hidden(fewer), "units": [chosen]})
    assert list(leaving.units.filter(retirement="approved").values_list("name", flat=True)) == [chosen]
    assert list(held()[0].units) == sorted(others)


@pytest.mark.parametrize(("language", "stop"), [("en", "."), ("zh-hans", "。")])
def test_a_sentence_ends_with_the_full_stop_of_its_language(halted, language, stop):
    page = text(browser("viewer", django_language=language), "/decisions/")
    endings = re.findall(r"<p>([^<]+)</p>", page)
    assert len(endings) >= 2
    assert {each.strip()[-1] for each in endings} == {stop}
