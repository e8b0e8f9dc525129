"""What a change of node labels would do to units, grids and Services."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q

from ..core.disruptions import Refusal
from ..core.names import child_name, front_name, front_name_problem
from ..core.node_jobs import Action, Changes
from ..core.plans.plan import Step, Verb, plan
from ..core.plans.preview.binding import digest, plan_id
from ..core.text import Invalid, Sentence, say
from ..core.units import NodeView, UnitChange, relabelled, unit_changes, units_of
from ..models.cache import Child, Node, Pod
from ..models.intent import Grid
from .endpoints import emptied
from .leaving import would_wait
from .plans import last_seen, spec_of, world
from .policy import closed


@dataclass(frozen=True, slots=True)
class Eviction:
    """A pod that would be evicted from a node, and its grid (path)."""

    node: str
    namespace: str
    pod: str
    grid: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change of labels would do: to units, to grids (path and step), and which ServiceGrids (path) would have
    no endpoint left in which unit. `held`: the grids (path) whose workloads would not be deleted without a person.
    `evictions`: pods that would be evicted first; `refusals` are those of them that a PodDisruptionBudget would not
    allow now, and `unknown` is why that is not known. `asked` is what was asked for. `under_way`: another job changes
    these nodes now, and so which pods are there."""

    units: tuple[UnitChange, ...]
    steps: tuple[tuple[str, Step], ...]
    services: tuple[tuple[str, str], ...]
    held: tuple[str, ...] = ()
    evictions: tuple[Eviction, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unknown: Sentence | None = None
    asked: tuple[Any, ...] = ()
    under_way: bool = False

    @property
    def id(self) -> str:
        """Names exactly what was asked for and all that it would do. What budgets allow is not part of it: it is
        waited for. Nor are the names of pods, which another takes at any time: it is how many of which grids."""
        units = [[each.key, each.unit, each.verb, each.joining, each.leaving] for each in self.units]
        pods = [] if self.under_way else sorted((each.node, each.grid) for each in self.evictions)
        steps = plan_id(step for _, step in self.steps)
        return digest(self.asked, units, steps, self.services, self.held, pods)


def label_impact(names: Iterable[str], changes: Mapping[str, str | None]) -> Impact:
    """What changing these labels (None removes) on these nodes would do."""
    return impact_of(dict.fromkeys(names, changes))


def impact_of(
    changes_of: Mapping[str, Changes], moving: bool = False, expected: Mapping[str, Changes] | None = None
) -> Impact:
    """What giving each of these nodes its labels would do; with `moving` also which pods would be evicted. Nodes are
    taken to have the labels that are `expected` of them."""
    before = Node.objects.views()
    if expected:
        before = _with(before, expected)
    after = _with(before, changes_of)
    keys = {key for changes in changes_of.values() for key in changes}
    moved = unit_changes(before, after, keys)
    grids = list(Grid.objects.filter(Q(key__in=keys) | Q(reads_labels=True)).exclude(spec={}))
    services = [each for each in grids if each.kind == "ServiceGrid"]
    workloads = [grid for grid in grids if grid not in services and not closed(grid.namespace)]
    waiting = would_wait(moved)
    steps = [(grid.path, step) for grid in workloads for step in _label_steps(grid, moved, grid.pk in waiting)]
    steps += [(grid.path, step) for grid in workloads if _is_choosy(grid) for step in _other_steps(grid, after)]
    steps += [(grid.path, step) for grid in services if not closed(grid.namespace) for step in _fronts(grid, moved)]
    losing = [(grid.path, unit) for grid in services for unit in emptied(grid, before, after)]
    held = tuple(grid.path for grid in workloads if grid.pk in waiting)
    going = {name for change in moved for name in change.leaving} if moving else set()
    asked = ("move" if moving else "label", {name: dict(changes) for name, changes in changes_of.items()})
    return Impact(moved, tuple(steps), tuple(losing), held, evictions(going, keys), asked=asked)


def _with(nodes: Iterable[NodeView], changes_of: Mapping[str, Changes]) -> tuple[NodeView, ...]:
    return tuple(each for node in nodes for each in relabelled((node,), [node.name], changes_of.get(node.name, {})))


def scheduling_impact(names: Iterable[str], action: Action) -> Impact:
    """What cordoning, uncordoning or draining these nodes would do."""
    names = sorted(set(names))
    return Impact((), (), (), (), evictions(names) if action == "drain" else (), asked=(action, names))


def evictions(nodes: Collection[str], keys: Collection[str] | None = None) -> tuple[Eviction, ...]:
    """The pods of grids, or of those that are bound to one of these keys, on these nodes, by what was last seen."""
    if not nodes:
        return ()
    pods = Pod.objects.filter(node__in=nodes, terminating=False).exclude(child="")
    pods = pods.exclude(phase__in=("Succeeded", "Failed")).order_by("node", "namespace", "name")
    grids = Grid.objects.workloads().filter(**({} if keys is None else {"key__in": keys})).briefly()
    bound = {(grid.grid_kind.child_kind, grid.namespace, grid.name): grid.path for grid in grids}
    children = Child.objects.of_grids().filter(name__in=pods.values("child")).exclude(kind="Service")
    paths = {
        (kind, space, name): bound[kind, space, grid]
        for kind, space, name, grid in children.values_list("kind", "namespace", "name", "grid_name")
        if (kind, space, grid) in bound
    }
    rows = pods.values_list("node", "namespace", "name", "child_kind", "child")
    return tuple(
        Eviction(node, namespace, name, paths[kind, namespace, child])
        for node, namespace, name, kind, child in rows
        if (kind, namespace, child) in paths
    )


def _label_steps(grid: Grid, moved: Iterable[UnitChange], waits: bool) -> Iterable[Step]:
    kind = grid.grid_kind.child_kind
    for change in moved:
        if change.key == grid.key and change.verb in (("vanishes",) if _is_choosy(grid) else ("appears", "vanishes")):
            verb, sentence = _UNIT_VERBS["waits" if waits and change.verb == "vanishes" else change.verb]
            name = child_name(grid.name, kind, change.unit)
            yield Step(verb, kind, grid.namespace, name, change.unit, sentence.having(unit=change.unit))


def _fronts(grid: Grid, moved: Iterable[UnitChange]) -> Iterable[Step]:
    """The plain Services of single NodeUnits that come and go."""
    for change in moved if grid.spec.get("front") == "perUnit" else ():
        if change.key == grid.key and change.verb != "changes" and not front_name_problem(grid.name, change.unit):
            verb, sentence = _FRONT_VERBS[change.verb]
            name = front_name(grid.name, change.unit)
            yield Step(verb, "Service", grid.namespace, name, change.unit, sentence.having(unit=change.unit))


def _is_choosy(grid: Grid) -> bool:
    """Whether more hangs on the labels of nodes than which units there are."""
    return grid.reads_labels or any(grid.spec.get(name) is not None for name in ("placement", "totalReplicas"))


def _other_steps(grid: Grid, after: Iterable[NodeView]) -> Iterable[Step]:
    """What would be written for a grid if the nodes were like this: children that come, and those that have other
    overrides, variables or shares then."""
    try:
        spec = spec_of(grid)
    except Invalid:  # nothing is written for it
        return ()
    there = units_of(after, spec.key)
    its = spec.its(there)
    seen = world(spec, grid, its, last_seen(spec, its), its)
    return plan(spec, replace(seen, left_out=there.keys() - its.keys())).steps


_UNIT_VERBS: Mapping[str, tuple[Verb, Sentence]] = {
    "appears": ("create", say("NodeUnit “%(unit)s” is added")),
    "vanishes": (
        "delete",
        say("NodeUnit “%(unit)s” loses its last node; its workload is deleted after the grace time"),
    ),
    "waits": (
        "delete",
        say(
            "NodeUnit “%(unit)s” loses its last node; too many workloads would be deleted: after the grace "
            "time, somebody has to decide"
        ),
    ),
}
_FRONT_VERBS: Mapping[str, tuple[Verb, Sentence]] = {
    "appears": _UNIT_VERBS["appears"],
    "vanishes": (
        "delete",
        say("NodeUnit “%(unit)s” loses its last node; its Service is deleted after the grace time"),
    ),
}
