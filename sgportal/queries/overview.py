"""The matrix of a NodeGroup: its units against its grids, and the NodeGroups themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from ..core.text import Sentence
from ..core.units import NodeView, Unit
from ..models.intent import Grid, GridUnit
from ..models.mirror import NodeLabel
from .freshness import Freshness, freshness

_NOISE = Q(key__contains="kubernetes.io/") & ~Q(key__startswith="topology.kubernetes.io/")


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A NodeUnit with its nodes and pods counted over all grids of its key."""

    group: str
    name: str
    nodes: int
    ready_nodes: int
    state: str
    pods_desired: int = 0
    pods_ready: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """What one grid has in one unit; `grid` is the grid's path."""

    unit: str
    grid: str
    desired: int
    ready: int
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
    grids = tuple(Grid.objects.workloads().filter(key=key))
    paths = {grid.pk: grid.path for grid in grids}
    # Values, not instances: a matrix has thousands of cells, and a page is to stay below a tenth of a second.
    fields = ("name", "grid_id", "desired", "ready", "state", "reason", "message", "severity")
    rows = list(GridUnit.objects.filter(grid__in=list(paths)).exclude(name="").values(*fields))
    cells = tuple(_cell(row, paths[row["grid_id"]]) for row in rows)
    severity: dict[str, int] = {}
    for row in rows:
        severity[row["name"]] = min(severity.get(row["name"], row["severity"]), row["severity"])
    units = sorted(_unit_rows(key, rows), key=lambda unit: (severity.get(unit.name, 9), unit.name))
    return Overview(key, tuple(units), grids, cells, _totals(units, cells), freshness())


def _cell(row: Mapping[str, Any], grid: str) -> Cell:
    observed = (row["desired"], row["ready"], row["state"], row["reason"])
    return Cell(row["name"], grid, *observed, Sentence.from_json(row["message"]))


def _totals(units: Sequence[UnitRow], cells: Sequence[Cell]) -> dict[str, int]:
    return {
        "units": len(units),
        "nodes": sum(unit.nodes for unit in units),
        "readyNodes": sum(unit.ready_nodes for unit in units),
        "podsDesired": sum(cell.desired for cell in cells),
        "podsReady": sum(cell.ready for cell in cells),
        "troubled": sum(cell.state not in ("Ready", "Progressing") for cell in cells),
    }


def node_units(key: str) -> tuple[UnitRow, ...]:
    """The NodeUnits of a NodeGroup in order of name, each with its pods over all grids."""
    return _unit_rows(key, GridUnit.objects.filter(grid__key=key).exclude(name="").values("name", "desired", "ready"))


def _unit_rows(key: str, rows: Iterable[Mapping[str, Any]]) -> tuple[UnitRow, ...]:
    pods: dict[str, tuple[int, int]] = {}
    for row in rows:
        wanted, ready = pods.get(row["name"], (0, 0))
        pods[row["name"]] = (wanted + row["desired"], ready + row["ready"])
    found = {
        each["value"]: UnitRow(
            key, each["value"], each["nodes"], each["ready_nodes"], _unit_state(each), *pods.get(each["value"], (0, 0))
        )
        for each in NodeLabel.objects.units(key)
    }
    gone = {name: UnitRow(key, name, 0, 0, "Gone", *counts) for name, counts in pods.items() if name not in found}
    return tuple(row for _, row in sorted({**found, **gone}.items()))


def _unit_state(counts: Mapping[str, int]) -> str:
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
