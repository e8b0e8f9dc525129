"""NodeUnits by SQL are what the rules of the core make of the same nodes and cells; filters, order, pages agree."""

import itertools
import random

import pytest

from sgportal.core.health import STATES, WORKLOAD_STATES, is_unhealthy, severity, worst
from sgportal.core.units import NodeView, Unit
from sgportal.models import Grid, GridUnit, Node, NodeLabel
from sgportal.queries.matrix.node_groups import default_key, group_keys, node_groups
from sgportal.queries.matrix.units import UnitFilter, UnitRow, place, unit_page

pytestmark = pytest.mark.django_db
READINESS = ("Ready", "NotReady", "Unknown")


class Fleet:
    """NodeUnits with the readiness of their nodes and the states of their cells, stored and as the core judges them."""

    def __init__(self) -> None:
        self.grids = [
            Grid.objects.create(kind="DeploymentGrid", namespace="n", name=name, key="site") for name in "abc"
        ]
        other = Grid.objects.create(kind="DeploymentGrid", namespace="n", name="d", key="other")
        self._cell(other, "u-elsewhere", "Blocked")
        self._node("in-another-group", "other", "u-elsewhere", "Unknown")
        self._node("in-none", "site", "", "Unknown")
        self.expected: list[UnitRow] = []

    def add(self, name: str, readiness: tuple[str, ...], states: tuple[str, ...]) -> None:
        for number, ready in enumerate(readiness):
            self._node(f"{name}-{number}", "site", name, ready)
        for grid, state in zip(self.grids, states, strict=False):
            self._cell(grid, name, state)
        views = tuple(NodeView("", ready=ready) for ready in readiness)
        node_state = Unit(name, views).state if views else "Gone"
        state = worst([node_state, *states])
        counts = len(readiness), readiness.count("Ready")
        self.expected.append(UnitRow("site", name, *counts, node_state, state, 3 * len(states), 2 * len(states)))

    def _node(self, name: str, key: str, value: str, ready: str) -> None:
        node = Node.objects.create(name=name, uid=name, ready=ready)
        NodeLabel.objects.create(node=node, key=key, value=value)

    def _cell(self, grid: Grid, unit: str, state: str) -> None:
        counts = {"desired": 3, "ready": 2, "severity": severity(state)}
        GridUnit.objects.create(grid=grid, name=unit, state=state, **counts)

    def wanted(self, key, **filters) -> list[UnitRow]:
        return sorted((each for each in self.expected if _matches(each, **filters)), key=key)


def _matches(unit: UnitRow, search: str = "", unhealthy: bool | None = None, only: str = "") -> bool:
    healthy = unhealthy is None or is_unhealthy(unit.state) == unhealthy
    names = [unit.name, *(f"{unit.name}-{number}" for number in range(unit.nodes))]  # its own and those of its nodes
    return healthy and any(search.lower() in name.lower() for name in names) and only in ("", unit.name)


@pytest.fixture
def fleet() -> Fleet:
    """Every mixture of up to three nodes, each with cells in some states, and units whose nodes are gone."""
    found, chance = Fleet(), random.Random(7)
    mixtures = [each for n in range(1, 4) for each in itertools.combinations_with_replacement(READINESS, n)]
    for number, readiness in enumerate(mixtures):
        for cells in range(3):
            states = tuple(chance.choice(WORKLOAD_STATES) for _ in range(cells))
            found.add(f"Unit_{number:02}.{cells}", readiness, states)
    for number, state in enumerate(WORKLOAD_STATES):
        found.add(f"gone-{number:02}", (), (state, "Ready"))
    for number, state in enumerate(WORKLOAD_STATES):
        found.add(f"one-{number:02}", ("Ready",), (state,))
    return found


def by_name(unit: UnitRow):
    return unit.name


def test_units_are_as_the_core_judges_them(fleet):
    page = unit_page("site")
    assert list(page.units) == fleet.wanted(by_name)
    assert {unit.state for unit in page.units} == set(STATES)
    assert not page.more


@pytest.mark.parametrize("unhealthy", [None, True, False])
@pytest.mark.parametrize("search", ["", "UNIT", "_0", "%", "1.", "!", "'", '"', "\\", "ö", "nothing"])
def test_filters_search_and_count_agree_with_the_rows(fleet, search, unhealthy):
    page = unit_page("site", UnitFilter(search=search, unhealthy=unhealthy))
    assert list(page.units) == fleet.wanted(by_name, search=search, unhealthy=unhealthy)
    assert page.count == len(page.units)


@pytest.mark.parametrize("search", ["", "0"])
def test_the_worst_come_first_page_by_page(fleet, search):
    wanted, filtered = fleet.wanted(place, search=search), UnitFilter(search=search)
    for start in range(0, len(wanted) + 7, 7):
        page = unit_page("site", filtered, "worst", start=start, limit=7)
        assert list(page.units) == wanted[start : start + 7]
        assert (page.count, page.more) == (len(wanted), len(wanted) > start + 7)
    found, after, more = [], None, True
    while more:
        page = unit_page("site", filtered, "worst", after=after, limit=7)
        found, more = [*found, *page.units], page.more
        after = place(found[-1])
    assert found == wanted


def test_totals_are_of_all_whatever_the_filter(fleet):
    whole = unit_page("site").totals
    assert whole == unit_page("site", UnitFilter(search="nothing", unhealthy=True), limit=1).totals
    assert whole == {
        "units": len(fleet.expected),
        "nodes": sum(unit.nodes for unit in fleet.expected),
        "readyNodes": sum(unit.ready_nodes for unit in fleet.expected),
        "podsDesired": sum(unit.pods_desired for unit in fleet.expected),
        "podsReady": sum(unit.pods_ready for unit in fleet.expected),
        "unhealthy": sum(unit.unhealthy for unit in fleet.expected),
    }


def test_one_unit_alone(fleet):
    assert [unit.name for unit in unit_page("site", UnitFilter(only="one-03")).units] == ["one-03"]
    assert unit_page("site", UnitFilter(only="none")).units == ()


def test_a_group_of_nothing():
    page = unit_page("site", order="worst", limit=3)
    assert (page.units, page.count, page.more) == ((), 0, False)
    assert set(page.totals.values()) == {0}


def test_the_keys_are_those_of_the_groups(fleet):
    node = Node.objects.get(name="in-none")
    hostile = [
        "kubernetes.io/hostname",
        "a.kubernetes.io/x",
        "topology.kubernetes.io/zone",
        "'; --",
        "Ünïcode",
        "empty",
    ]
    hostile += ["node-restriction.kubernetes.io/site", "x.node-restriction.kubernetes.io/site"]
    for key in hostile:
        NodeLabel.objects.create(node=node, key=key, value="" if key == "empty" else "v")
    assert group_keys() == [each["key"] for each in node_groups()]
    Grid.objects.create(kind="DeploymentGrid", namespace="n", name="e", key="a.kubernetes.io/x")
    assert group_keys() == [each["key"] for each in node_groups()]
    assert "a.kubernetes.io/x" in group_keys()
    assert default_key() == "site"
