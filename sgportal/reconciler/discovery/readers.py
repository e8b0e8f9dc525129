"""Looking for what else reads the EndpointSlices of closed Services: Ingresses, routes, ServiceMonitors.

Each kind that is served is listed every so often, and not watched: there may be thousands, of many controllers, and a
warning may come a minute later. Where no Service is closed nothing is asked at all.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ...cluster import Cluster, NotFound, Refused
from ...cluster.kinds import Resource
from ...core.names import child_name
from ...core.traffic.closure import SLICE_MODES
from ...core.traffic.readers import MOST_NAMED, READER_KINDS, ClosedService, ReaderKind, readers_of
from ...models import Child, DataPlane, Grid
from ..queue import change_log, workqueue
from .dataplane import JOURNAL_KEY

EVERY_SECONDS = 60.0
SHARE = 20.0  # a look that took so long is followed by a pause of so many times that
PAGE = 500
MOST_PAGES = 20  # of one kind: 10,000 objects


@dataclass(slots=True)
class _Survey:
    """What a look did not see: the kinds that may not be listed, and those of which there were too many."""

    unseen: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def look(connect: Callable[[], Cluster]) -> float:
    """Look once and note what is new; seconds until the next look. Raises ClusterError where the cluster does not
    answer; it is not even connected to where no Service is closed."""
    begun = time.monotonic()
    closed = Grid.objects.filter(kind="ServiceGrid", status__closure__in=sorted(SLICE_MODES), deleting_since=None)
    grids = {(grid.namespace, child_name(grid.name, "Service", "")): grid for grid in closed.briefly()}
    survey = _Survey()
    found = readers_of(_objects(connect(), survey), _services(grids)) if grids else {}
    if DataPlane.keep_readers(survey.unseen, survey.cut):
        change_log.record("cluster", [JOURNAL_KEY])
    _note(grids, found)
    return max(EVERY_SECONDS, SHARE * (time.monotonic() - begun))


def _objects(cluster: Cluster, survey: _Survey) -> Iterator[dict[str, Any]]:
    """Every object of every kind that is served, a page at a time; what is not seen is noted in the survey."""
    try:
        groups = cluster.groups()
    except Refused:
        survey.unseen += [kind.kind for kind in READER_KINDS]
        return
    for kind in READER_KINDS:
        if kind.group in groups:
            try:
                yield from _of_kind(cluster, kind, survey)
            except Refused:
                survey.unseen.append(kind.kind)


def _of_kind(cluster: Cluster, kind: ReaderKind, survey: _Survey) -> Iterator[dict[str, Any]]:
    for version in kind.versions:
        pages = cluster.pages(Resource(kind.kind, f"{kind.group}/{version}", kind.plural), limit=PAGE)
        try:
            for page in islice(pages, MOST_PAGES):
                yield from page.items
            if next(pages, None) is not None:
                survey.cut.append(kind.kind)
        except NotFound:
            continue  # of this version, or not at all
        return


def _services(grids: dict[tuple[str, str], Grid]) -> Iterator[ClosedService]:
    namespaces, names = {place[0] for place in grids}, {place[1] for place in grids}
    rows = Child.objects.filter(kind="Service", namespace__in=namespaces, name__in=names)
    for namespace, name, metadata in rows.values_list("namespace", "name", "body__metadata"):
        if (namespace, name) in grids:
            yield ClosedService(namespace, name, metadata.get("labels") or {}, metadata.get("annotations") or {})


def _note(grids: dict[tuple[str, str], Grid], found: dict[tuple[str, str], list[str]]) -> None:
    """Remember of each grid what reads its Service; grids of which that is news are reconciled."""
    had = {grid.pk: grid for grid in Grid.objects.exclude(readers={}).briefly()}
    changed = []
    for place, grid in grids.items():
        had.pop(grid.pk, None)
        several = found.get(place, [])
        said = {"named": several[:MOST_NAMED], "count": len(several)} if several else {}
        if grid.readers != said:
            grid.readers = said
            changed.append(grid)
    for grid in had.values():  # closed no longer
        grid.readers = {}
        changed.append(grid)
    Grid.objects.bulk_update(changed, ["readers"], batch_size=PAGE)
    workqueue.enqueue(grid.path for grid in changed)
