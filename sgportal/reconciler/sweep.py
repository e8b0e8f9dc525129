"""The sweep finds what was missed: every so often each grid is looked at afresh, whether or not anything seems to have
happened.

The API server is asked for one list of each kind, for all grids together: of their children, to see that the watch has
stored the very same; and of the custom resources, to see that each is as its row says. A grid for which that holds is
planned and judged from the rows alone, in a task of its own. It is reconciled whole where anything differs.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..cluster import Cluster, ClusterError
from ..core.grids.kinds import KINDS, GridKind
from ..core.names import GRID_SELECTOR, MAX_LABEL
from ..core.plans.plan import plan
from ..core.text import Invalid
from ..models import Child, Grid, ServiceGroup
from ..queries.plans import is_carried_out, spec_of
from ..queries.policy import closed
from .cache import translate
from .cache.enqueue import ChildRef, grids_of_children
from .grids.observation.children import known_strangers
from .grids.observation.observation import observe_stored
from .grids.resource import sync
from .grids.status import cells, record, resource_status
from .grids.status.judge import judge
from .grids.writes import contests, field_ownership
from .process import connection
from .queue import rollout_keys, workqueue

log = logging.getLogger(__name__)
SUFFIX = "/sweep"  # of a grid's key: a look at it from the rows
CHILDREN, RESOURCES = 500, 100  # in one page of a list
_PLACE = ("kind", "namespace", "name")


def begin() -> None:
    """Have every grid looked at; each is reconciled whole where the cluster cannot be listed."""
    grids = list(Grid.objects.only(*_PLACE))
    paths = {grid.path for grid in grids}
    whole = _differing(grids)
    packages = {group.path for group in ServiceGroup.objects.only("namespace", "name")}
    workqueue.enqueue(whole | {path + SUFFIX for path in paths - whole} | packages)
    rollout_keys.wake(Grid.objects.exclude(stable=None).only(*_PLACE))


def _differing(grids: Sequence[Grid]) -> set[str]:
    """The paths of grids of which the cluster says something else than the rows, or may do so, and of custom resources
    without a row."""
    try:
        cluster = connection.cluster()
        if cluster.read_only:  # another controller writes, or everything stops
            return {grid.path for grid in grids}
        children = [
            child for kind in sorted({grid.kind for grid in grids}) for child in _children_that_differ(kind, cluster)
        ]
        found = {grid.path for _, grid in grids_of_children(children)}
        for kind in KINDS.values():
            found |= _resources_that_differ(kind, [grid for grid in grids if grid.kind == kind.kind], cluster)
        found |= contests.reconsider(cluster)
    except ClusterError as error:
        log.warning("the sweep cannot list the cluster, and every grid is reconciled whole: %s", error)
        return {grid.path for grid in grids}
    return found


def _children_that_differ(grid_kind: str, cluster: Cluster) -> list[ChildRef]:
    """The children of a kind of grids that the watch has stored at another version, or not at all, and those that it
    has stored and that are gone. Raises ClusterError."""
    kind = KINDS[grid_kind].child_kind
    columns = ("namespace", "name", "resource_version", "grid_name", "owner_uid")
    rows = Child.objects.filter(kind=kind).exclude(grid_name="")
    stored = {(row[0], row[1]): row[2:] for row in rows.values_list(*columns)}
    found = []
    for page in cluster.pages(kind, label_selector=GRID_SELECTOR, metadata_only=True, limit=CHILDREN):
        for body in page.items:
            version, *_ = stored.pop(_place(body), ("", "", ""))
            if version != body["metadata"]["resourceVersion"]:
                child = translate.child_row(body)
                found.append(ChildRef(kind, child.namespace, child.name, child.grid_name, child.owner_uid))
    found += [ChildRef(kind, *place, grid, owner) for place, (_, grid, owner) in stored.items()]
    return found


def _resources_that_differ(kind: GridKind, grids: Iterable[Grid], cluster: Cluster) -> set[str]:
    """The paths of a kind's grids whose custom resource is not as the row says, is there without a row, or is not
    there."""
    lacking = {(grid.namespace, grid.name) for grid in grids}
    if not cluster.serves(kind.kind):
        kept_here = Grid.objects.filter(kind=kind.kind, cluster_uid="", may_be_forgotten=False)
        lacking -= set(kept_here.values_list("namespace", "name"))
        return {f"{kind.plural}/{namespace}/{name}" for namespace, name in lacking}
    found = set()
    for page in cluster.pages(kind.kind, limit=RESOURCES):
        rows = _rows_of(kind.kind, page.items)
        for body in page.items:
            namespace, name = place = _place(body)
            lacking.discard(place)
            grid = rows.get(place)
            if grid is None and len(name) > MAX_LABEL:  # no grid's
                continue
            if grid is None or not (sync.is_settled(grid, body) and resource_status.says(grid, body)):
                found.add(f"{kind.plural}/{namespace}/{name}")
    return found | {f"{kind.plural}/{namespace}/{name}" for namespace, name in lacking}


def _place(body: Mapping[str, Any]) -> tuple[str, str]:
    return body["metadata"]["namespace"], body["metadata"]["name"]


def _rows_of(kind: str, bodies: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Grid]:
    places = [_place(body) for body in bodies]
    rows = Grid.objects.select_related("group").filter(
        kind=kind, namespace__in={place[0] for place in places}, name__in={place[1] for place in places}
    )
    return {(grid.namespace, grid.name): grid for grid in rows}


def run(path: str, cluster: Cluster) -> None:
    """Look at a grid from the rows alone, and have it reconciled whole unless all is as it was recorded. Raises
    ClusterError."""
    with workqueue.acquire_free([path]) as lease:
        if path not in lease.keys:  # it is being reconciled whole, or is in back-off, or never was enqueued
            workqueue.enqueue({path} - workqueue.held([path]))
            return
        plural, namespace, name = path.split("/")
        grid = Grid.objects.select_related("group").at(plural, namespace, name).first()
        if grid and not _is_as_recorded(grid, cluster):
            workqueue.enqueue([path])


def _is_as_recorded(grid: Grid, cluster: Cluster) -> bool:
    """Whether there is nothing to do for a grid, and nothing to say of it that is not said; notes that it was seen."""
    at_rest = is_carried_out(grid) and not grid.deleting_since and not grid.missing_since
    if cluster.read_only or not at_rest or closed(grid.namespace):
        return False
    try:
        spec = spec_of(grid)
    except Invalid:
        return False
    seen = observe_stored(grid, spec)
    if cells.has_news_of_nodes(seen) or field_ownership.is_shared(seen) or known_strangers(grid, seen.cells.values()):
        return False
    planned = plan(spec, seen.world())
    if planned.steps:
        return False
    judged = judge(seen, planned, (), cluster)
    if cells.requeue_after(grid, judged.changes.after) is not None:
        return False
    return record.stands(grid, judged)
