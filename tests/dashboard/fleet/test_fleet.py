"""The first page: causes, heat map, the last 24 hours; a card for each NodeUnit; the incidents."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.core.health import STATES
from sgportal.core.text import say
from sgportal.dashboard.fleet.heatmap import _SHAPES
from sgportal.models import GridEvent, GridUnit, Node
from sgportal.queries.fleet.heat import LETTERS, MOST_UNITS

from ... import builders

SERVICE = "/grids/servicegrids/default/front/"


@pytest.fixture
def sites(db):
    """Six sites of two nodes: one blocked, two with a bad image, one whose nodes are not heard of; and a Service."""
    for number in range(12):
        builders.a_node(
            f"n{number}", ready="Unknown" if number % 6 == 5 else "Ready", site=f"s{number % 6}", area=f"a{number % 2}"
        )
    grid = builders.a_grid("echo", "site")
    builders.observed(
        grid, {"s0": "Ready", "s1": "Degraded", "s2": "Degraded", "s3": "Blocked", "s4": "Ready", "s5": "Offline"}
    )
    image = say("pod %(pod)s: %(message)s", pod="x", message="ImagePullBackOff")
    GridUnit.objects.filter(name__in=["s1", "s2"]).update(reason="ImagePullBackOff", message=image.to_json())
    front = builders.a_service("front", "site")
    builders.observed(front, [f"s{number}" for number in range(6)])
    builders.news()
    return grid


def page(client, address="/?group=site") -> str:
    return client.get(address).content.decode()


def causes(text: str) -> list[tuple[str, str]]:
    return [
        (unescape(href), name) for href, name in re.findall(r'class="reason" href="([^"]*)"><i[^>]*></i>([^<]*)<', text)
    ]


def columns(text: str) -> dict[str, str]:
    """By NodeUnit its letters, in order of the page."""
    return dict(re.findall(r'<a href="[^"]*unit=([^"]*)" aria-label="[^"]*"><svg [^>]*><use href="#h-(\w+)"', text))


def test_each_cause_stands_once_the_worst_on_top_and_leads_to_what_it_concerns(viewer, sites):
    found = causes(page(viewer))
    assert [name for _, name in found] == ["TemplateNotFound", "NodeUnknown", "ImagePullBackOff"]
    nodes = viewer.get(found[1][0]).content.decode()
    assert re.findall(r'href="/nodes/(n\d+)/"', nodes) == ["n11", "n5"]
    matrix = viewer.get(found[2][0]).content.decode()
    assert re.findall(r"unit=(\w+)\"", matrix) == ["s1", "s2"]


def test_what_cells_suffer_because_of_their_nodes_is_no_cause_of_its_own(viewer, sites):
    assert "NodesUnreachable" not in [name for _, name in causes(page(viewer))]
    Node.objects.update(ready="Ready")
    assert "NodesUnreachable" in [name for _, name in causes(page(viewer))]


def test_a_cause_of_one_grid_has_its_remedy_for_those_who_may(viewer, operator, sites):
    assert 'href="/grids/deploymentgrids/default/echo/edit/"' in page(operator)
    assert 'href="/grids/deploymentgrids/default/echo/edit/"' not in page(viewer)


def test_a_healthy_fleet_says_so(viewer, sites):
    Node.objects.update(ready="Ready")
    GridUnit.objects.update(state="Ready", severity=STATES.index("Ready"))
    text = page(viewer)
    assert causes(text) == []
    assert "All NodeUnits of this NodeGroup are healthy." in text


def test_every_site_is_a_column_with_a_letter_for_its_nodes_and_each_grid(viewer, sites):
    assert columns(page(viewer)) == {"s3": "RBR", "s5": "OOR", "s1": "RDR", "s2": "RDR", "s0": "RRR", "s4": "RRR"}
    assert list(columns(page(viewer, "/?group=site&search=s1"))) == ["s1"]
    GridUnit.objects.filter(name="s4", grid=sites).delete()
    assert columns(page(viewer))["s4"] == "R_R"


def test_sites_are_grouped_by_a_label(viewer, sites):
    text = page(viewer, "/?group=site&by=area")
    assert re.findall(r'<span class="mono">(\w+)</span>', text) == ["a1", "a0"]
    assert list(columns(text)) == ["s3", "s5", "s1", "s2", "s0", "s4"]


def test_no_two_states_look_alike_without_colour():
    shapes = {letter: _SHAPES[letter](0) for letter in LETTERS}
    same = [(a, b) for a in LETTERS for b in LETTERS if a < b and shapes[a] == shapes[b]]
    assert same == [("G", "U"), ("L", "T")]  # both without nodes; both ready but for pods that are kept back on purpose
    assert len(LETTERS) == len(STATES)


def test_the_card_says_what_the_cells_are_about(viewer, sites):
    text = page(viewer, "/fleet/card/?key=site&unit=s1")
    assert "pod x: ImagePullBackOff" in text
    assert f'data-row="{SERVICE}" class="fine"' in text
    assert viewer.get("/fleet/card/?key=site&unit=nowhere").status_code == 404
    assert viewer.get("/fleet/card/").status_code == 404


def test_the_last_day_counts_warnings_by_hour_and_each_hour_leads_to_them(viewer, sites):
    now = timezone.now()
    for hours, kind in ((0, "Warning"), (3, "Warning"), (3, "Warning"), (3, "Normal"), (30, "Warning")):
        message = say("all pods are ready").to_json()
        GridEvent.objects.create(
            path=sites.path, unit="s1", type=kind, reason="R", message=message, last_at=now - timedelta(hours=hours)
        )
    text = page(viewer)
    assert re.findall(r"<b>(\d+)</b>\s*<svg", text) == ["2", "1"]
    hour = unescape(re.findall(r'href="(/events/[^"]*)"', text)[0])
    assert page(viewer, hour).count("s1</td>") == 2
    assert page(viewer, "/events/?search=nowhere").count("s1</td>") == 0
    assert page(viewer, "/events/?hour=yesterday").count("s1</td>") == 4


def test_the_number_of_queries_does_not_hang_on_the_number_of_sites_or_causes(viewer, sites):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(viewer, "/?group=site&by=area")
        return len(captured)

    few = queries()
    builders.nodes(300, "site", units=300)
    for number in range(4):
        builders.observed(builders.a_grid(f"more-{number}", "site"), {f"unit-{n:03}": "Degraded" for n in range(300)})
    assert queries() == few


def test_more_sites_than_fit_are_said_to_be_elsewhere(viewer, sites):
    builders.nodes(MOST_UNITS, "site", units=MOST_UNITS)
    text = page(viewer)
    assert len(columns(text)) == MOST_UNITS
    assert list(columns(text))[:4] == ["s3", "s5", "s1", "s2"]
    assert f"{MOST_UNITS} of {MOST_UNITS + 6} NodeUnits, the worst first." in text


def test_what_is_last_known_is_hatched(viewer, sites):
    builders.news(unreachable=60)
    assert 'class="heat size-24 hatched"' in page(viewer)
