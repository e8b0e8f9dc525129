"""The picture of the closed loops on the page of a NodeUnit: a box for each Service that its nodes call."""

import re
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sgportal.core.health import severity
from sgportal.core.text import say
from sgportal.core.traffic.proof.calls import call_of, calls_of
from sgportal.core.traffic.proof.picture import SHOWN
from sgportal.dashboard.page.parts.loop_picture import ROW, TALL, WIDTH, drawn_unit
from sgportal.models import Grant, Grid, GridUnit

from ... import builders

PAGE = "/unit/?key=zone&unit=ham"


@pytest.fixture
def ham(db):
    """A NodeUnit of three nodes."""
    for number in range(3):
        builders.a_node(f"ham-{number}", zone="ham")


def a_cell(name, reason, served, state="Degraded", unit="ham", **judged):
    """A ServiceGrid with its cell in a NodeUnit of three nodes."""
    grid = builders.a_service(name)
    grid.status = {"nodes": judged}
    grid.save()
    place = severity(state)
    why = say("because").to_json()
    GridUnit.objects.create(
        grid=grid, name=unit, state=state, severity=place, reason=reason, message=why, nodes=3, served=served
    )


def figure(client, address=PAGE, **headers):
    answer = client.get(address, **headers)
    assert answer.status_code == 200
    return re.search(r'<figure class="loop">.*?</figure>', answer.text, re.S)


def drawing(client):
    """The drawing, which is XML by itself."""
    return ElementTree.fromstring(re.search(r'<svg viewBox="0 -2 360.*?</svg>', figure(client)[0], re.S)[0])


def lines(root):
    return sorted(each.get("class").removeprefix("flow ") for each in root.iter("path"))


@pytest.mark.parametrize(
    ("reason", "served", "judged", "drawn", "text"),
    [
        ("OwnUnitOnly", 3, {"closed": 3}, ["kept"], "3/3 nodes reach it"),
        ("UnitWithoutEndpoint", 0, {"refusing": 3}, ["cross", "refused"], "0/3 nodes reach it"),
        ("TooManyNodes", 1, {"refusing": 2, "closed": 1}, ["cross", "kept"], "2 nodes"),
        ("EndpointOfAnotherUnit", 2, {"leaking": 1, "closed": 2}, ["kept", "leaks"], "2/3 nodes reach it"),
        ("AsAsked", 3, {"open": 3}, ["open"], "3/3 nodes reach it"),
        ("ProxyVersionUnknown", 0, {"unknown": 3}, ["unknown"], "0/3 nodes reach it"),
    ],
)
def test_each_kind_of_line(viewer, ham, reason, served, judged, drawn, text):
    a_cell("front", reason, served, "Ready" if served == 3 else "Degraded", **judged)
    root = drawing(viewer)
    assert lines(root) == drawn
    assert {each.text for each in root.iter("text")} >= {"ham", "3 nodes", "front", text}


def test_each_box_leads_to_what_the_nodes_of_this_unit_reach(viewer, ham):
    a_cell("front", "UnitWithoutEndpoint", 0, refusing=3)
    (box,) = drawing(viewer).iter("a")
    assert box.get("href") == "/grids/servicegrids/default/front/?search=ham"
    assert box.find("title").text == "default/front: Refusing"
    assert viewer.get(box.get("href")).status_code == 200


def test_it_stands_between_grids_and_nodes_under_the_words_of_the_service(viewer, ham):
    a_cell("front", "OwnUnitOnly", 3, "Ready", closed=3)
    assert re.findall(r"<h2>(.*?)</h2>", viewer.get(PAGE).text) == ["Grids", "Closed loop", "Nodes"]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_picture_has_a_name_in_the_readers_language(viewer, ham, language):
    a_cell("front", "OwnUnitOnly", 3, "Ready", closed=3)
    found = figure(viewer, headers={"accept-language": language})[0]
    root = ElementTree.fromstring(re.search(r"<svg.*?</svg>", found, re.S)[0])
    named = {each.get("id"): each.text for each in root.iter() if each.get("id")}
    (image,) = (each for each in root.iter() if each.get("role") == "img")
    assert all(named[each] for each in image.get("aria-labelledby").split())
    assert ("Who calls whom" in named.values()) is (language == "en")
    assert not list(image.iter("a")), "what is within an image cannot be followed"
    ids = re.findall(r'\sid="([^"]+)"', viewer.get(PAGE).text)
    assert len(ids) == len({*ids})


def test_without_a_service_there_is_no_picture(viewer, ham):
    builders.observed(builders.a_grid(), ["ham"])
    a_cell("elsewhere", "OwnUnitOnly", 3, "Ready", unit="lyo", closed=3)
    text = viewer.get(PAGE).text
    assert "<h2>Grids</h2>" in text
    assert '<figure class="loop">' not in text
    assert "<h2>Closed loop</h2>" not in text


def test_where_no_node_is_nobody_calls(viewer, db):
    a_cell("front", "UnitGone", 0, "UnitGone")
    assert figure(viewer) is None


def cost(client):
    """How many statements the page asks of the database."""
    with CaptureQueriesContext(connection) as seen:
        client.get(PAGE)
    return len(seen)


def test_the_gravest_are_drawn_and_the_others_counted_for_as_many_statements(viewer, ham):
    a_cell("front", "OwnUnitOnly", 3, "Ready", closed=3)
    cost(viewer)  # what is kept in memory is read once
    before = cost(viewer)
    for number in range(SHOWN + 3):
        a_cell(f"svc-{number:02}", "OwnUnitOnly", 3, "Ready", closed=3)
    assert cost(viewer) == before
    a_cell("worst", "EndpointOnNoNode", 0, leaking=3)
    found = figure(viewer)[0]
    names = [each.find("title").text for each in drawing(viewer).iter("a")]
    assert (names[0], len(names)) == ("default/worst: Leaking", SHOWN)
    assert "5 more Services:" in found


def test_no_line_leaves_the_drawing():
    reasons = ("OwnUnitOnly", "EndpointOnNoNode", "TooManyNodes", "ServiceNotFound", "AsAsked")
    found = drawn_unit("ham", calls_of(call_of("default", each, each, 3, 1, {}) for each in reasons))
    assert (found.height, found.whole) == (5 * ROW, 4 * ROW + TALL)
    for line in (each for row in found.rows for each in row.lines):
        (begin, y, end) = map(int, re.fullmatch(r"M(\d+) (\d+)H(\d+)", line.path).groups())
        tip = [tuple(map(int, each.split(","))) for each in line.tip.split()]
        assert all(0 <= x <= WIDTH and 0 <= y <= found.height for x, y in [(begin, y), (end, y), *tip])
    assert [row.cross != "" for row in found.rows] == [False, False, True, False, False]


@pytest.mark.parametrize("reason", ["ProxyIgnoresHints", "ProxyVersionUnknown"])
def test_who_may_read_a_nodeunit_alone_learns_nothing_of_what_becomes_of_calls_elsewhere(client, ham, reason):
    """How many nodes are in which state is counted over all NodeUnits of a ServiceGrid."""
    served = 3 if reason == "ProxyVersionUnknown" else 1
    a_cell("front", reason, served)
    sam = builders.a_person("sam", "")
    Grant.objects.create(user=sam, role="viewer", key="zone", units="ham")
    client.force_login(sam)
    seen = set()
    for elsewhere in ({}, {"leaking": 9}, {"refusing": 9}, {"open": 9}):
        Grid.objects.update(status={"nodes": elsewhere})
        seen.add(figure(client)[0])
    assert len(seen) == 1
