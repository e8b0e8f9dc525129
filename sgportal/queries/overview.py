"""The matrix of a NodeGroup: its units against its grids, and the NodeGroups themselves."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from ..core.health import is_unhealthy, severity, worst
from ..core.names import NODE_RESTRICTION
from ..core.text import Sentence
from ..core.units import NodeView, Unit
from ..models.cache import NodeLabel
from ..models.intent import Grid, GridUnit
from .freshness import Freshness, freshness

_NOISE = (
    Q(key__contains="kubernetes.io/")
    & ~Q(key__startswith="topology.kubernetes.io/")
    & ~Q(key__contains=f"{NODE_RESTRICTION}/")
)


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A NodeUnit with its nodes and pods counted over all grids of its key. `node_state` is that of its nodes alone;
    `state` the worst of that and of what each grid has there."""

    group: str
    name: str
    nodes: int
    ready_nodes: int
    node_state: str
    state: str
    pods_desired: int = 0
    pods_ready: int = 0

    @property
    def unhealthy(self) -> bool:
        """Whether somebody should look at it."""
        return is_unhealthy(self.state)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one grid has in one unit; `grid` is the grid's path. `desired` and `ready` count pods; of a ServiceGrid
    `nodes` and `served` count the unit's nodes and those whose traffic goes as asked."""

    unit: str
    grid: str
    desired: int
    ready: int
    nodes: int
    served: int
    state: str
    reason: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Overview:
    """The matrix of a NodeGroup: its units (worst first), the grids bound to it, and a cell for each pair."""

    key: str
    units: tuple[UnitRow, ...]
    grids: tuple[Grid, ...]
    cells: tuple[Cell, ...]
    totals: Mapping[str, int]
    freshness: Freshness


def default_key() -> str:
    """The NodeGroup to show first: that of the most grids, else the first key of any node, else ""."""
    keys = list(Grid.objects.exclude(key="").values_list("key", flat=True))
    if keys:
        return max(sorted(set(keys)), key=keys.count)
    return NodeLabel.objects.exclude(_NOISE).order_by("key").values_list("key", flat=True).first() or ""


def overview(key: str | None = None) -> Overview:
    """The matrix of a NodeGroup (None: `default_key`)."""
    key = default_key() if key is None else key
    grids = tuple(Grid.objects.filter(key=key))
    paths = {grid.pk: grid.path for grid in grids}
    # Values, not instances: a matrix has thousands of cells, and a page is to stay below a tenth of a second.
    fields = ("name", "grid_id", "desired", "ready", "nodes", "served", "state", "reason", "message")
    rows = list(GridUnit.objects.filter(grid__key=key).exclude(name="").values(*fields))
    cells = tuple(_cell(row, paths[row["grid_id"]]) for row in rows if row["grid_id"] in paths)
    units = sorted(_unit_rows(key, rows), key=lambda unit: (severity(unit.state), unit.name))
    return Overview(key, tuple(units), grids, cells, _totals(units, cells), freshness())


def _cell(row: Mapping[str, Any], grid: str) -> Cell:
    observed = (row["desired"], row["ready"], row["nodes"], row["served"], row["state"], row["reason"])
    return Cell(row["name"], grid, *observed, Sentence.from_json(row["message"]))


def _totals(units: Sequence[UnitRow], cells: Sequence[Cell]) -> dict[str, int]:
    return {
        "units": len(units),
        "nodes": sum(unit.nodes for unit in units),
        "readyNodes": sum(unit.ready_nodes for unit in units),
        "podsDesired": sum(cell.desired for cell in cells),
        "podsReady": sum(cell.ready for cell in cells),
        "unhealthy": sum(unit.unhealthy for unit in units),
    }


def node_units(key: str) -> tuple[UnitRow, ...]:
    """The NodeUnits of a NodeGroup in order of name, each with its pods over all grids."""
    fields = ("name", "desired", "ready", "state")
    return _unit_rows(key, GridUnit.objects.filter(grid__key=key).exclude(name="").values(*fields))


def _unit_rows(key: str, rows: Iterable[Mapping[str, Any]]) -> tuple[UnitRow, ...]:
    cells: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        cells.setdefault(row["name"], []).append(row)
    nodes = {each["value"]: each for each in NodeLabel.objects.units(key)}
    return tuple(_unit_row(key, name, nodes.get(name), cells.get(name, ())) for name in sorted({*nodes, *cells}))


def _unit_row(key: str, name: str, nodes: Mapping[str, int] | None, cells: Collection[Mapping[str, Any]]) -> UnitRow:
    """A NodeUnit of the counts of its nodes (None: it has none any more) and of what the grids have there."""
    node_state = _node_state(nodes) if nodes else "Gone"
    return UnitRow(
        group=key,
        name=name,
        nodes=nodes["nodes"] if nodes else 0,
        ready_nodes=nodes["ready_nodes"] if nodes else 0,
        node_state=node_state,
        state=worst([node_state, *(each["state"] for each in cells)]),
        pods_desired=sum(each["desired"] for each in cells),
        pods_ready=sum(each["ready"] for each in cells),
    )


def _node_state(counts: Mapping[str, int]) -> str:
    """`core.units.Unit.state`, from counts alone."""
    states = ["Ready"] * counts["ready_nodes"] + ["Unknown"] * counts["unknown_nodes"]
    states += ["NotReady"] * (counts["nodes"] - len(states))
    return Unit("", tuple(NodeView("", ready=state) for state in states)).state  # type: ignore[arg-type]


def node_groups(everything: bool = False) -> list[dict[str, Any]]:
    """`{key, units, nodes, ready_nodes}` of each NodeGroup. Kubernetes' own keys, which would be noise, are left out
    unless a grid is bound to them or `everything` is asked."""
    rows = NodeLabel.objects.all()
    if not everything:
        rows = rows.filter(~_NOISE | Q(key__in=Grid.objects.values("key")))
    return [dict(each) for each in rows.groups()]
