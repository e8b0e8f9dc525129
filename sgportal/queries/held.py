"""What waits for a person: one item for each grid and kind."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from django.db.models import Count, QuerySet, Value

from ..core.fleet import halt
from ..core.fleet.halt import FOLLOW, RESTORE
from ..core.fleet.held import CHILD_DELETION, DELETE, GRID_GONE, Choice, Kind, choices, outcome, why
from ..core.grids.kinds import CHILD_KINDS
from ..core.plans.plan import Step, Verb
from ..core.plans.preview.binding import digest, plan_id
from ..core.plans.retirement import HELD
from ..core.shards import Shard
from ..core.text import Sentence
from ..models import Child, Grid, GridUnit, ManagedCluster


@dataclass(frozen=True, slots=True)
class Held:
    """`grid` is the grid concerned (its row), `units` those of its units whose child waits, `since` when it began.
    `id` names exactly what a person was shown: it changes with what it stands for."""

    id: str
    kind: Kind
    grid: Grid
    since: datetime
    units: tuple[str, ...] = ()

    @property
    def sentence(self) -> Sentence:
        """Why it waits."""
        return why(self.kind)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What a person may choose."""
        return choices(self.kind)


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """What deciding about some items comes to: the steps of each grid (path and step), by what is known now."""

    id: str
    steps: tuple[tuple[str, Step], ...]


def plan_of_decision(choice: Choice, decided: Sequence[Held]) -> HeldPlan:
    """What a choice for these items would do. One query."""
    children: dict[int, list[tuple[str, str]]] = defaultdict(list)
    if choice == DELETE:
        rows = GridUnit.objects.filter(grid__in=[each.grid.pk for each in decided], retirement=HELD).order_by("name")
        for grid, unit, child in rows.values_list("grid", "name", "child"):
            children[grid].append((unit, child))
    steps = tuple((each.grid.path, step) for each in decided for step in _steps(choice, each, children[each.grid.pk]))
    items = sorted([each.id, *each.units] for each in decided)
    return HeldPlan(digest(choice, items, plan_id(step for _, step in steps)), steps)


def plan_of_halt(row: ManagedCluster, choice: halt.Choice) -> HeldPlan:
    """What a choice after a halt would do: the grids that are created or go, or the children that are created. Two
    queries at most."""
    reason = halt.outcome(cast(halt.Reason, row.halt), choice)
    verb: Verb = "create" if choice == RESTORE else "delete"
    if row.halt == halt.CHILDREN_GONE:
        lost = _lost(CHILD_KINDS[row.facts["resource"]], Shard.read(row.facts.get("shard", "")))
        steps = [(path, Step(verb, *where, "", reason)) for path, where in lost]
    else:
        grids = _GRIDS_OF.get(row.halt, Grid.objects.none)().order_by("kind", "namespace", "name").briefly()
        steps = [(each.path, Step(verb, each.kind, each.namespace, each.name, "", reason)) for each in grids]
    return HeldPlan(digest(choice, row.halt_id, plan_id(step for _, step in steps)), tuple(steps))


_GRIDS_OF: Mapping[str, Callable[[], Any]] = {
    halt.ANOTHER_CLUSTER: lambda: Grid.objects.all(),
    halt.DEFINITIONS_GONE: lambda: Grid.objects.missing(),
    halt.GRIDS_GONE: lambda: Grid.objects.missing(),
}


def _lost(kind: str, shard: Shard) -> Iterable[tuple[str, tuple[str, str, str]]]:
    """The path of its grid, kind, namespace and name of each child of this kind and shard that was seen last."""
    grids = Grid.objects.briefly()
    paths = {(each.namespace, each.name): each.path for each in grids if each.grid_kind.child_kind == kind}
    rows = Child.objects.of_grids().filter(kind=kind).order_by("namespace", "name")
    for namespace, name, grid in rows.values_list("namespace", "name", "grid_name"):
        if (namespace, grid) in paths and shard.owns(f"{namespace}/{name}"):
            yield paths[namespace, grid], (kind, namespace, name)


def _steps(choice: Choice, each: Held, children: Iterable[tuple[str, str]]) -> Iterable[Step]:
    grid, reason = each.grid, outcome(each.kind, choice)
    if choice in (RESTORE, FOLLOW):
        verb: Verb = "create" if choice == RESTORE else "delete"
        yield Step(verb, grid.kind, grid.namespace, grid.name, "", reason)
    elif choice == DELETE:
        for unit, child in children:
            if unit in each.units:
                yield Step("delete", grid.grid_kind.child_kind, grid.namespace, child, unit, reason, asked=True)


def held() -> list[Held]:
    """All that waits, in order of the grids' paths."""
    children = groupby(_children().select_related("grid").order_by("grid", "name"), lambda row: row.grid)
    found = [*map(_gone, _gone_grids()), *(_leaving(grid, list(rows)) for grid, rows in children)]
    return sorted(found, key=lambda each: (each.grid.path, each.kind))


def held_counts() -> dict[Kind, int]:
    """How many grids, or children, of each kind wait; kinds of which none does are left out. One query."""
    gone, leaving = _counted(_gone_grids(), GRID_GONE), _counted(_children(), CHILD_DELETION)
    return {row["what"]: row["n"] for row in gone.union(leaving, all=True) if row["n"]}


def _counted(rows: "QuerySet[Any]", kind: Kind) -> Any:
    return rows.order_by().values(what=Value(kind)).annotate(n=Count("pk"))


def _gone_grids() -> "QuerySet[Grid]":
    return Grid.objects.missing().filter(missing_held=True)


def _children() -> "QuerySet[GridUnit]":
    return GridUnit.objects.filter(retirement=HELD, grid__deleting_since=None, grid__missing_since=None)


def _gone(grid: Grid) -> Held:
    since = grid.missing_since or grid.updated_at
    return Held(_id(GRID_GONE, grid, [grid.cluster_uid, since.isoformat()]), GRID_GONE, grid, since)


def _leaving(grid: Grid, rows: Sequence[GridUnit]) -> Held:
    since = min(row.held_since or grid.updated_at for row in rows)
    units = tuple(row.name for row in rows)
    return Held(_id(CHILD_DELETION, grid, units), CHILD_DELETION, grid, since, units)


def _id(kind: Kind, grid: Grid, what: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps([kind, str(grid.uid), *what]).encode()).hexdigest()[:16]
