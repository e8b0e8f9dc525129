"""Who is concerned by what changed in the mirror: grids are woken, pages are told. Nothing is decided here."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from ...core.grids.kinds import KINDS
from ...core.names import MAX_LABEL, SERVICE_SUFFIX, refusing_number
from ...models import Child, Grid
from ..grids.status import publish
from ..queue import change_log, due_cells, workqueue
from ..queue.due_cells import Cell

_GRID_KIND_OF = {kind.child_kind: kind.kind for kind in KINDS.values()}
_OF_A_GRID = ("kind", "namespace", "name", "key")


@dataclass(frozen=True, slots=True)
class ChildRef:
    """A child, and whose it says it is: the name of a grid by label, the uid of one by owner reference or mark."""

    kind: str
    namespace: str
    name: str
    grid_name: str
    owner_uid: str


@dataclass
class Changes:
    """What a batch changed. `nodes`: names. `moved` and `readiness`: (label key, value) of NodeUnits that changed
    members, or whose members changed readiness; `relabelled`: all labels that nodes have of which one changed.
    `children`: those that came, went or changed. `above_pods`: (kind,
    namespace, name) of workloads above changed pods. `strangers`: (kind, namespace) in which an object that is no
    grid's changed. `services`: (namespace, name) of Services whose slices changed. `proxies`: what decides about
    traffic to any Service changed: a node, its zone, what carries traffic there. `pods`: how some stand, or where."""

    nodes: set[str] = field(default_factory=set)
    moved: set[tuple[str, str]] = field(default_factory=set)
    readiness: set[tuple[str, str]] = field(default_factory=set)
    relabelled: set[tuple[str, str]] = field(default_factory=set)
    children: set[ChildRef] = field(default_factory=set)
    above_pods: set[tuple[str, str, str]] = field(default_factory=set)
    strangers: set[tuple[str, str]] = field(default_factory=set)
    services: set[tuple[str, str]] = field(default_factory=set)
    proxies: bool = False
    pods: bool = False

    def child_changed(self, child: Child) -> None:
        """A child came, went or changed."""
        if child.owner_uid or child.grid_name:
            self.children.add(ChildRef(child.kind, child.namespace, child.name, child.grid_name, child.owner_uid))
        else:
            self.strangers.add((child.kind, child.namespace))


def enqueue(changes: Changes) -> None:
    """Enqueue every cell concerned, or every grid where that is not a matter of cells, and note in the journal what
    changed, each thing once; at most eight queries besides those of `workqueue.enqueue`."""
    _add_children_above_pods(changes)
    labels = {label for label, _ in changes.moved | changes.readiness}
    by_key, reading = _of_labels(labels, {key for key, _ in changes.relabelled})
    pairs = grids_of_children(changes.children)
    going = {grid for _, grid in pairs if grid.deleting_since or grid.missing_since}
    by_child = [(grid, _unit_of(child, grid)) for child, grid in pairs if grid not in going]
    waiting = _waiting_for_a_name(changes.strangers)
    touched = [*(grid for _, grid in pairs), *waiting, *_serving(changes)]
    cells = {Cell(grid.key, grid.pk, unit) for grid, unit in by_child if unit}
    cells.update(_cells_of_units(changes, {grid.key for grid in by_key if _has_cells(grid)}))
    cells.update(_reading_labels(changes, reading))
    whole = {grid for grid in (*touched, *by_key) if grid not in going and not _has_cells(grid)}
    whole.update((grid for grid, unit in by_child if not unit), waiting, _without_children(going))
    due_cells.enqueue(cells, {grid.path for grid in whole})
    change_log.record_all(
        {
            "node": sorted(changes.nodes),
            "unit": sorted(label for label in labels if _is_of_interest(label, by_key)),
            "grid": sorted({grid.path for grid in touched}),
            change_log.PODS: [""] if changes.pods else [],
        }
    )


def _without_children(going: Collection[Grid]) -> Iterable[Grid]:
    """Of grids that are being deleted those whose last child has gone. Until then there is nothing to do for any that
    goes: a grid waits for all of them, and looks for them itself. One whose custom resource is missing waits for that
    alone."""
    places = {(grid.grid_kind.child_kind, grid.namespace, grid.name): grid for grid in going if grid.deleting_since}
    if not places:
        return ()
    kinds, namespaces, names = (set(each) for each in zip(*places, strict=True))
    left = Child.objects.filter(kind__in=kinds, namespace__in=namespaces, grid_name__in=names).order_by()
    lingering = set(left.values_list("kind", "namespace", "grid_name").distinct())
    return [grid for place, grid in places.items() if place not in lingering]


def enqueue_all() -> None:
    """The cluster answers again: whoever waits for it need wait no longer."""
    grids = Grid.objects.only(*_OF_A_GRID)
    keys = {due_cells.key_of(grid.key) for grid in grids} | {grid.path for grid in grids}
    workqueue.enqueue(keys | publish.waiting(), urgent=True)


def _has_cells(grid: Grid) -> bool:
    """Whether what concerns one NodeUnit of a grid can be reconciled there alone."""
    return bool(grid.key) and grid.kind != "ServiceGrid"


def _unit_of(child: ChildRef, grid: Grid) -> str:
    """The NodeUnit that a child's name is made for, "" where that is none, or none that can be reconciled alone."""
    unit = child.name.removeprefix(f"{grid.name}-")
    return unit if _has_cells(grid) and unit != child.name and len(unit) <= MAX_LABEL else ""


def _cells_of_units(changes: Changes, labels: Collection[str]) -> Iterable[Cell]:
    """The cells of all grids in units whose members changed, or changed readiness."""
    for label, unit in changes.moved | changes.readiness:
        if label in labels and unit:
            yield Cell(label, due_cells.ALL, unit, moved=(label, unit) in changes.moved)


def _of_labels(labels: Collection[str], relabelled: Collection[str]) -> tuple[list[Grid], list[Grid]]:
    """The grids of some label keys, and those of others whose children depend on labels. One query at most."""
    if not labels and not relabelled:
        return [], []
    wanted = Q(key__in=labels) | Q(key__in=relabelled, reads_labels=True)
    found = list(Grid.objects.filter(wanted).only(*_OF_A_GRID, "reads_labels"))
    by_key = [grid for grid in found if grid.key in labels]
    return by_key, [grid for grid in found if grid.reads_labels and grid.key in relabelled]


def _reading_labels(changes: Changes, grids: Iterable[Grid]) -> Iterable[Cell]:
    """The cells whose children depend on a label that a node of their unit has, had, or has otherwise now."""
    for grid in grids:
        yield from (Cell(grid.key, grid.pk, value) for key, value in changes.relabelled if key == grid.key and value)


def _add_children_above_pods(changes: Changes) -> None:
    if not changes.above_pods:
        return
    kinds, namespaces, names = (set(each) for each in zip(*changes.above_pods, strict=True))
    found = Child.objects.of_grids().filter(kind__in=kinds, namespace__in=namespaces, name__in=names)
    for child in found.defer("body"):
        if (child.kind, child.namespace, child.name) in changes.above_pods:
            changes.child_changed(child)


def grids_of_children(children: Collection[ChildRef]) -> list[tuple[ChildRef, Grid]]:
    """The children with the grid that their label names, and with that which owns them."""
    if not children:
        return []
    owners = {each.owner_uid for each in children}
    named = {(_GRID_KIND_OF[each.kind], each.namespace, each.grid_name) for each in children}
    owned = Q(cluster_uid__in=owners - {""}) | Q(uid__in=_uuids(owners))
    by_name = Q(namespace__in={each[1] for each in named}, name__in={each[2] for each in named})
    columns = (*_OF_A_GRID, "uid", "cluster_uid", "deleting_since", "missing_since")
    grids = Grid.objects.filter(owned | by_name).only(*columns)
    by_place = {(grid.kind, grid.namespace, grid.name): grid for grid in grids}
    by_uid = {uid: grid for grid in grids for uid in (grid.cluster_uid, str(grid.uid)) if uid}
    pairs = []
    for each in children:
        place = (_GRID_KIND_OF[each.kind], each.namespace, each.grid_name)
        pairs += [(each, grid) for grid in {by_place.get(place), by_uid.get(each.owner_uid)} if grid]
    return pairs


def _serving(changes: Changes) -> Iterable[Grid]:
    """The ServiceGrids of Services whose slices changed; every one where that concerns all."""
    if changes.proxies or any(refusing_number(name) for _, name in changes.services):
        return list(Grid.objects.filter(kind="ServiceGrid"))
    wanted = {(namespace, name.removesuffix(SERVICE_SUFFIX)) for namespace, name in changes.services}
    if not wanted:
        return ()
    names = {name for _, name in wanted}
    found = Grid.objects.filter(kind="ServiceGrid", namespace__in={each[0] for each in wanted}, name__in=names)
    return [grid for grid in found if (grid.namespace, grid.name) in wanted]


def _waiting_for_a_name(strangers: Collection[tuple[str, str]]) -> Iterable[Grid]:
    """Grids with a unit whose name was taken, where something that may have taken it changed."""
    if not strangers:
        return ()
    blocked = Grid.objects.filter(namespace__in={each[1] for each in strangers}, units__reason="NameConflict")
    places = {(_GRID_KIND_OF[kind], namespace) for kind, namespace in strangers}
    return [grid for grid in blocked.distinct() if (grid.kind, grid.namespace) in places]


def _uuids(texts: Iterable[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:  # another system's uid
            continue
    return found


def _is_of_interest(key: str, grids: Iterable[Grid]) -> bool:
    """Whether pages show a label key as a NodeGroup: not Kubernetes' own, unless a grid is bound to it."""
    own = "kubernetes.io/" in key and not key.startswith("topology.kubernetes.io/")
    return not own or any(grid.key == key for grid in grids)
