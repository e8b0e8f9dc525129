"""The live children of a grid, as the API server shows them, or as the watch last saw them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q

from ....cluster import Cluster
from ....core.grids.grid import GridSpec
from ....core.names import GRID_SELECTOR, child_name
from ....core.plans.desired import child_names
from ....core.plans.plan import Step
from ....models import Child, Grid, GridUnit
from ....queries.freshness import seen_once
from ...process.connection import map_parallel

Body = Mapping[str, Any]
ONE_BY_ONE = 8  # up to so many missing children are looked up each by name; of more, those that the watch knows


def known_strangers(grid: Grid, cells: Iterable[GridUnit]) -> list[str]:
    """Names that were taken when we last looked."""
    taken = (cell.name for cell in cells if cell.reason == "NameConflict")
    return [child_name(grid.name, grid.grid_kind.child_kind, unit) for unit in taken]


def live_children(
    spec: GridSpec, units: Collection[str], cluster: Cluster, taken: Iterable[str] = (), last: bool = False
) -> list[Body]:
    """Every live object that matters to the grid: those with its label, and whatever has the name of a wanted child, or
    one of the names that are `taken`; at the `last` look, after which the grid is forgotten, whatever the watch has not
    heard of as well. Raises ClusterError."""
    kind = spec.kind.child_kind
    labelled = cluster.list(kind, spec.namespace, label_selector=f"{GRID_SELECTOR}={spec.name}").items
    found: dict[str, Body] = {body["metadata"]["name"]: body for body in labelled}
    missing = sorted({*child_names(spec, units), *taken} - found.keys())
    for body in _by_name(spec, missing, cluster, last):
        found[body["metadata"]["name"]] = body
    return list(found.values())


def stored_children(spec: GridSpec, units: Collection[str], taken: Iterable[str] = ()) -> list[Body]:
    """The same objects as the watch last saw them. One statement."""
    kind = spec.kind.child_kind
    names = {*child_names(spec, units), *taken}
    rows = Child.objects.filter(kind=kind, namespace=spec.namespace).filter(Q(grid_name=spec.name) | Q(name__in=names))
    return list(rows.values_list("body", flat=True))


def _by_name(spec: GridSpec, names: Sequence[str], cluster: Cluster, last: bool) -> list[dict[str, Any]]:
    """The objects that exist under these names, without this grid's label or not: a clash or an edited label. Of many
    names only those that the watch knows are asked for: what came since then refuses to be created once more."""
    kind = spec.kind.child_kind
    if len(names) > ONE_BY_ONE:
        known = Child.objects.filter(kind=kind, namespace=spec.namespace, name__in=names)
        there = set(known.values_list("name", flat=True))
        if last or not seen_once(spec.kind.child_plural):
            listed = cluster.list(kind, spec.namespace, metadata_only=True).items
            there |= {body["metadata"]["name"] for body in listed}
        names = [name for name in names if name in there]
    bodies = map_parallel(lambda name: cluster.get(kind, spec.namespace, name), names)
    return [body for body in bodies if body is not None]


def vanished(grid: Grid, own: Collection[Body]) -> bool:
    """Whether all of a grid's children are gone and the watch has not heard of it yet: it finds out whether that is so,
    and whether they are the only ones."""
    if own:
        return False
    owner = grid.cluster_uid or str(grid.uid)
    known = Child.objects.filter(kind=grid.grid_kind.child_kind, namespace=grid.namespace, owner_uid=owner)
    return known.exists()


def confirmed(steps: Sequence[Step], spec: GridSpec, cluster: Cluster) -> list[Step]:
    """The steps without deletions for units that, asked again, do have nodes: news may be old, deletion is for ever."""
    gone = [step for step in steps if step.cause == "unit-gone"]
    back = {step.name for step in gone if cluster.list("Node", label_selector=f"{spec.key}={step.unit}", limit=1).items}
    return [step for step in steps if step.name not in back]
