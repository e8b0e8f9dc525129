"""The reads that both doors share: the matrix, plans, endpoints, the impact of labels, how fresh the news is.

They ask our rows, never the cluster. Each takes a constant number of queries, however many rows there are.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from ..core.desired import Owner
from ..core.grid import GridSpec, parse
from ..core.names import child_name
from ..core.plan import Plan, Step, World, plan
from ..core.selector import parse_selector
from ..core.text import Sentence
from ..core.units import NodeView, Unit, UnitChange, relabelled, unit_changes
from .intent import Grid, GridUnit
from .mirror import Child, Mirror, Node, NodeLabel
from .reaching import can_for, emptied

Say = Callable[[Sentence], str]
_NOISE = Q(key__contains="kubernetes.io/") & ~Q(key__startswith="topology.kubernetes.io/")


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the news is. `observed_at` is when the cluster was last heard (None: never), `unreachable_since` is set
    while it cannot be reached, `stale` says that the news is older than the setting allows."""

    observed_at: datetime | None
    unreachable_since: datetime | None
    error: str
    stale: bool


def freshness() -> Freshness:
    """How fresh the mirror as a whole is: as old as its oldest part."""
    rows = list(Mirror.objects.filter(served=True))
    heard = [row.heard_at for row in rows if row.heard_at]
    failing = [row for row in rows if row.failing_since]
    observed = min(heard, default=None) if len(heard) == len(rows) else None
    limit = timezone.now() - timedelta(seconds=settings.SGPORTAL_STALE_SECONDS)
    since = min((row.failing_since for row in failing if row.failing_since), default=None)
    return Freshness(observed, since, failing[0].error if failing else "", observed is None or observed < limit)


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


def select_nodes(
    label_selector: str = "", group: str = "", unit: str = "", ready: str = "", search: str = ""
) -> "QuerySet[Node]":
    """The nodes that meet every given filter. Raises Invalid for a bad selector."""
    nodes = Node.objects.selected(parse_selector(label_selector))
    if group:
        nodes = nodes.carrying(group)
    if group and unit:
        nodes = nodes.filter(pk__in=NodeLabel.objects.filter(key=group, value=unit).values("node"))
    if ready:
        nodes = nodes.filter(ready=ready)
    if search:
        labelled = NodeLabel.objects.filter(Q(key__icontains=search) | Q(value__icontains=search)).values("node")
        nodes = nodes.filter(Q(name__icontains=search) | Q(pk__in=labelled))
    return nodes


def spec_of(grid: Grid) -> GridSpec:
    """A stored grid as the core knows it. Raises Invalid where a custom resource holds what we would refuse."""
    return parse(grid.source())


def owner_of(grid: Grid) -> Owner:
    """Whom the grid's children belong to."""
    return Owner(grid.cluster_uid or str(grid.uid), bool(grid.cluster_uid), str(grid.uid))


def plan_of(grid: Grid) -> Plan:
    """The steps that would run now, by what was last seen. Raises Invalid as `spec_of` does."""
    return plan_for(spec_of(grid), grid, deleting=bool(grid.deleting_since))


def plan_for(spec: GridSpec, grid: Grid | None, deleting: bool = False, recreate: Collection[str] = ()) -> Plan:
    """The steps that would run if the grid were `spec` (`grid` is its row, if it has one), by what was last seen;
    `recreate` are units whose child would be replaced."""
    units = list(NodeLabel.objects.filter(key=spec.key).exclude(value="").values_list("value", flat=True).distinct())
    seen = world(spec, grid, units, last_seen(spec, units), deleting)
    return plan(spec, replace(seen, recreate=[*seen.recreate, *recreate]))


def last_seen(spec: GridSpec, units: Iterable[str]) -> list[dict[str, Any]]:
    """The objects that matter to a grid, by what the watch last saw."""
    names = [child_name(spec.name, spec.kind.child_kind, unit) for unit in units] or [f"{spec.name}-svc"]
    children = Child.objects.filter(kind=spec.kind.child_kind, namespace=spec.namespace)
    return list(children.filter(Q(grid_name=spec.name) | Q(name__in=names)).values_list("body", flat=True))


def world(
    spec: GridSpec, grid: Grid | None, units: Collection[str], live: Sequence[Mapping[str, Any]], deleting: bool = False
) -> World:
    """What a plan is made from, where `live` are the objects that there are."""
    remarkable = Q(gone_since__isnull=False) | Q(recreate=True)
    rows = list(grid.units.filter(remarkable).only("name", "gone_since", "recreate")) if grid else []
    return World(
        units=units,
        live=live,
        owner=owner_of(grid) if grid else Owner("", True),
        now=timezone.now().timestamp(),
        gone_since={row.name: row.gone_since.timestamp() for row in rows if row.gone_since},
        grace=settings.SGPORTAL_ORPHAN_GRACE_SECONDS,
        recreate=[row.name for row in rows if row.recreate],
        deleting=deleting,
        can=can_for(spec, grid, live),
    )


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change of labels would do: to units, to grids (path and step), and which ServiceGrids (path) would have
    no endpoint left in which unit."""

    units: tuple[UnitChange, ...]
    steps: tuple[tuple[str, Step], ...]
    services: tuple[tuple[str, str], ...]


def label_impact(names: Iterable[str], changes: Mapping[str, str | None]) -> Impact:
    """What changing these labels (None removes) on these nodes would do."""
    before = Node.objects.views()
    after = relabelled(before, names, changes)
    moved = unit_changes(before, after, changes)
    grids = list(Grid.objects.filter(key__in=list(changes)).exclude(spec={}))
    services = [each for each in grids if each.kind == "ServiceGrid"]
    steps = [(grid.path, step) for grid in grids if grid not in services for step in _label_steps(grid, moved)]
    losing = [(grid.path, unit) for grid in services for unit in emptied(grid, before, after)]
    return Impact(moved, tuple(steps), tuple(losing))


def _label_steps(grid: Grid, moved: Iterable[UnitChange]) -> Iterable[Step]:
    kind = grid.grid_kind.child_kind
    for change in moved:
        if change.key == grid.key and change.verb != "changes":
            verb, sentence = _UNIT_VERBS[change.verb]
            name = child_name(grid.name, kind, change.unit)
            reason = Sentence(sentence, (("unit", change.unit),))
            yield Step(verb, kind, grid.namespace, name, change.unit, reason)  # type: ignore[arg-type]


_UNIT_VERBS = {
    "appears": ("create", "NodeUnit “%(unit)s” appears"),
    "vanishes": ("delete", "NodeUnit “%(unit)s” loses its last node; after the grace time its workload goes"),
}


def step_json(step: Step, say: Say = str) -> dict[str, Any]:
    """A step as REST, the audit trail and pages show it."""
    return {
        "verb": step.verb,
        "kind": step.kind,
        "namespace": step.namespace,
        "name": step.name,
        "unit": step.unit,
        "reason": say(step.reason),
        "changes": [{"path": change.path, "old": change.old, "new": change.new} for change in step.changes],
    }


def plan_json(planned: Plan, say: Say = str) -> dict[str, Any]:
    """A plan as REST, the audit trail and pages show it: `{steps, findings}`."""
    findings = [{"unit": each.unit, "reason": each.reason, "message": say(each.sentence)} for each in planned.findings]
    return {"steps": [step_json(step, say) for step in planned.steps], "findings": findings}
