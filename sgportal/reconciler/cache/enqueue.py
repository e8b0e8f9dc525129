"""Who is concerned by what changed in the mirror: grids are woken, pages are told. Nothing is decided here."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from ...core.grids.kinds import KINDS
from ...core.names import REFUSING_SERVICE, SERVICE_SUFFIX
from ...models import Child, Grid
from ..grids import new_units as arrivals
from ..queue import change_log, workqueue

_GRID_KIND_OF = {kind.child_kind: kind.kind for kind in KINDS.values()}


@dataclass
class Changes:
    """What a batch changed. `nodes`: names. `moved` and `readiness`: label keys whose units changed members, or whose
    members changed readiness. `children` and `above_pods`: (kind, namespace, name) of children, and of workloads
    above changed pods. `owners`: uids of grids. `labelled`: (child kind, namespace, grid name) by label. `strangers`:
    (kind, namespace) in which an object that is no grid's changed. `services`: (namespace, name) of Services whose
    slices changed. `proxies`: what decides about traffic to any Service
    changed: a node, its zone, what carries traffic there."""

    nodes: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    readiness: set[str] = field(default_factory=set)
    above_pods: set[tuple[str, str, str]] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)
    labelled: set[tuple[str, str, str]] = field(default_factory=set)
    strangers: set[tuple[str, str]] = field(default_factory=set)
    services: set[tuple[str, str]] = field(default_factory=set)
    proxies: bool = False

    def child_changed(self, child: Child) -> None:
        """A child came, went or changed."""
        if child.owner_uid:
            self.owners.add(child.owner_uid)
        if child.grid_name:
            self.labelled.add((child.kind, child.namespace, child.grid_name))
        if not child.owner_uid and not child.grid_name:
            self.strangers.add((child.kind, child.namespace))


def enqueue(changes: Changes) -> None:
    """Wake every grid concerned, by way of `arrivals` where units changed members, and note in the journal what
    changed, each thing once; at most five queries besides those of `workqueue.enqueue`."""
    _add_grids_above_pods(changes)
    keys = changes.moved | changes.readiness
    by_key = list(Grid.objects.filter(key__in=keys)) if keys else []
    by_child = [*_owning_grids(changes), *_waiting_for_a_name(changes.strangers), *_serving(changes)]
    touched = {grid.path for grid in by_child}
    new_units = arrivals.keys_of({grid.key for grid in by_key} & changes.moved)
    by_readiness = {grid.path for grid in by_key if grid.key not in changes.moved}
    workqueue.enqueue(new_units | by_readiness | touched)
    change_log.record("node", sorted(changes.nodes))
    change_log.record("unit", sorted(key for key in keys if _is_of_interest(key, by_key)))
    change_log.record("grid", sorted(touched))


def enqueue_all() -> None:
    """The cluster answers again: whoever waits for it need wait no longer."""
    grids = Grid.objects.only("kind", "namespace", "name", "key")
    workqueue.enqueue(arrivals.keys_of({grid.key for grid in grids}) | {grid.path for grid in grids}, urgent=True)


def _add_grids_above_pods(changes: Changes) -> None:
    if not changes.above_pods:
        return
    kinds, namespaces, names = (set(each) for each in zip(*changes.above_pods, strict=True))
    found = Child.objects.of_grids().filter(kind__in=kinds, namespace__in=namespaces, name__in=names)
    for child in found.defer("body"):
        if (child.kind, child.namespace, child.name) in changes.above_pods:
            changes.child_changed(child)


def _owning_grids(changes: Changes) -> Iterable[Grid]:
    if not changes.owners and not changes.labelled:
        return ()
    named = {(_GRID_KIND_OF[kind], namespace, name) for kind, namespace, name in changes.labelled}
    owned = Q(cluster_uid__in=changes.owners) | Q(uid__in=_uuids(changes.owners))
    by_name = Q(namespace__in={each[1] for each in named}, name__in={each[2] for each in named})
    grids = Grid.objects.filter(owned | by_name)
    return [
        grid
        for grid in grids
        if (grid.kind, grid.namespace, grid.name) in named
        or grid.cluster_uid in changes.owners
        or str(grid.uid) in changes.owners
    ]


def _serving(changes: Changes) -> Iterable[Grid]:
    """The ServiceGrids of Services whose slices changed; every one where that concerns all."""
    if changes.proxies or any(name == REFUSING_SERVICE for _, name in changes.services):
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
