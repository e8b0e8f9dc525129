"""Each cause stands once: on the pages of a grid, of a NodeUnit and of a Service, and over REST."""

import re
from html import unescape

import pytest

from sgportal.core.text import say
from sgportal.core.traffic.proof.proof import NodeProof
from sgportal.dashboard.grids.reach import by_site, gravest_first
from sgportal.models import GridUnit, Node
from sgportal.queries.remedies import remedies

from ... import builders


@pytest.fixture
def grid(db):
    """Four of six NodeUnits are unhealthy, for two reasons."""
    builders.nodes(6, "zone", 6)
    units = {f"unit-{number:03}": "Degraded" if number < 3 else "Ready" for number in range(5)} | {
        "unit-005": "Blocked"
    }
    grid = builders.observed(builders.a_grid(), units)
    image = say("pod %(pod)s: %(message)s", pod="x", message="ImagePullBackOff").to_json()
    GridUnit.objects.filter(state="Degraded").update(reason="ImagePullBackOff", message=image)
    builders.news()
    return grid


def causes(text: str) -> list[tuple[str, str]]:
    found = re.findall(r'class="reason" href="([^"]*)"><i[^>]*></i>([^<]*)<', text)
    return [(unescape(href), name) for href, name in found]


def read(client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.mark.parametrize("section", ["", "events/", "yaml/"])
def test_each_page_of_a_grid_tells_its_causes_apart(viewer, grid, section):
    text = read(viewer, f"/grids/{grid.path}/{section}")
    assert [name for _, name in causes(text)] == ["TemplateNotFound", "ImagePullBackOff"]
    assert "4 of 6 units" not in text


def test_a_cause_leads_to_the_units_that_it_concerns(viewer, grid):
    (_, second) = causes(read(viewer, f"/grids/{grid.path}/"))
    _, _, rows = read(viewer, second[0]).partition("<tbody>")  # below the causes, which link an example of each
    units = re.findall(r'units/([\w-]+)/"', rows)
    assert sorted(set(units)) == ["unit-000", "unit-001", "unit-002"]


def test_a_unit_tells_why_its_grids_are_unhealthy(viewer, grid):
    address = "/unit/?key=zone&unit="
    assert [name for _, name in causes(read(viewer, address + "unit-001"))] == ["ImagePullBackOff"]
    assert causes(read(viewer, address + "unit-004")) == []


def test_rest_lists_causes_of_a_group_a_grid_and_a_unit(viewer, grid):
    def asked(query: str) -> list[tuple[str, int, int]]:
        return [
            (each["reason"], each["cells"], each["nodes"])
            for each in viewer.get(f"/api/v1/causes?{query}").json()["items"]
        ]

    Node.objects.filter(name="node-0004").update(ready="NotReady")
    assert asked("group=zone") == [("TemplateNotFound", 1, 0), ("NodeNotReady", 0, 1), ("ImagePullBackOff", 3, 0)]
    assert asked(f"group=zone&grid={grid.path}") == [("TemplateNotFound", 1, 0), ("ImagePullBackOff", 3, 0)]
    assert asked("group=zone&unit=unit-001") == [("ImagePullBackOff", 1, 0)]
    assert asked("group=zone&grid=pods/x/y") == []
    assert asked("group=nowhere") == []


def a_proof(node: str, unit: str, reason: str = "UnitWithoutEndpoint", state: str = "refusing") -> NodeProof:
    return NodeProof(node, unit, "strict", state, reason, say("NodeUnit “%(unit)s” has no ready endpoint", unit=unit))


def test_a_service_is_shown_by_site_with_each_button_and_each_sentence_once(grid):
    service = builders.a_service()
    for unit in "ab":
        builders.a_node(f"of-{unit}", zone=unit)
    proofs = gravest_first(
        [a_proof("n1", "b"), a_proof("n2", "a", state="closed"), a_proof("n3", "b"), a_proof("n4", "a")]
    )
    sites = by_site(proofs, remedies(service, [(each.reason, each.unit) for each in proofs]))
    assert [(site.unit, [row.proof.node for row in site.rows]) for site in sites] == [
        ("a", ["n4", "n2"]),
        ("b", ["n1", "n3"]),
    ]
    assert [site.counts for site in sites] == [[("refusing", 1), ("closed", 1)], [("refusing", 2)]]
    assert [len(site.buttons) for site in sites] == [1, 1]
    assert [len(site.sentences) for site in sites] == [1, 1]


def test_the_matrix_finds_a_site_by_its_node(viewer, grid):
    text = read(viewer, "/matrix/?group=zone&search=ODE-0003")
    assert re.findall(r"unit=(unit-\d+)\"", text) == ["unit-003"]


def test_a_unit_shows_the_pods_on_each_of_its_nodes(viewer, grid):
    for number in range(3):
        builders.a_pod(
            grid, "unit-001", "node-0001", number, ready=number > 0, reason="" if number else "CrashLoopBackOff"
        )
    builders.a_pod(grid, "unit-002", "node-0002")
    text = read(viewer, "/unit/?key=zone&unit=unit-001")
    inside = text.partition('<ul class="inside">')[2].partition("</ul>")[0]
    assert re.findall(r'<li class="s-(\w+)"', inside) == ["Degraded", "Ready", "Ready"]
    assert "echo-unit-001-0: CrashLoopBackOff" in inside
    assert "unit-002" not in inside
