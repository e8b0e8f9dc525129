"""A wall screen: the pages that it turns, how often, and where it is left."""

import json
import re
from html import unescape

import pytest

from ... import builders


@pytest.fixture(autouse=True)
def sites(db):
    for number in range(3):
        builders.a_node(f"n{number}", site=f"s{number}", area="a")
    builders.news()


def wall(client, address):
    """What the wall's strip says: its pages, the place among them, the seconds, and the way out."""
    text = client.get(address).content.decode()
    found = re.search(r'id="wall"[^>]*data-pages="([^"]*)" data-here="(\d+)" data-turn="(\d+)"', text)
    leave = re.search(r'data-leave href="([^"]*)"', text)
    return json.loads(unescape(found[1])), int(found[2]), int(found[3]), unescape(leave[1])


def test_every_page_of_a_wall_knows_the_others_and_its_own_place(viewer):
    pages, here, _, _ = wall(viewer, "/?kiosk=1&group=site&by=area")
    assert here == 0
    assert len(pages) > 2
    for number, page in enumerate(pages):
        again, here, _, _ = wall(viewer, page)
        assert (again, here) == (pages, number), "and all of them go round"


def test_a_page_that_is_none_of_them_is_the_first(viewer):
    pages, here, _, _ = wall(viewer, "/nodes/?kiosk=1&ready=Ready")
    assert (pages[here], here) == ("/nodes/?kiosk=1&ready=Ready", 0)
    assert pages[1] == "/?kiosk=1"


@pytest.mark.parametrize(("asked", "seconds"), [("", 20), ("5", 5), ("0", 0), ("99999", 3600), ("x", 20), ("٣", 20)])
def test_how_often_it_turns_is_in_the_address(viewer, asked, seconds):
    assert wall(viewer, f"/matrix/?kiosk=1&turn={asked}")[2] == seconds


def test_it_is_left_for_the_same_page_with_everything_around_it(viewer):
    assert wall(viewer, "/matrix/?kiosk=1&turn=5&unhealthy=1")[3] == "/matrix/?unhealthy=1"
    assert wall(viewer, "/?kiosk=1")[3] == "/"


def test_no_other_page_has_a_wall(viewer):
    text = viewer.get("/?kiosk=2").content.decode()
    assert 'id="wall"' not in text
    assert "kiosk.js" not in text
