"""Publishing the status of grids whose cells have changed: made from rows alone, on the grid's row and on its custom
resource, once for all changes of a second.

A grid's row says which of its changes are published; so what was not published when a worker died is published by the
next. One task does all grids of a label key.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Case, F, PositiveBigIntegerField, Value, When
from django.db.models.functions import Greatest
from django.utils import timezone

from ....cluster import Cluster, ClusterError, Throttled, Unreachable
from ....models import Grid, ServiceGroup
from ....models.bulk import update_in_order, update_rows
from ....models.intent import GridQuerySet
from ...process.connection import map_parallel
from ...queue import change_log, workqueue
from ..events import grid_events, kube_events
from ..events.grid_events import NewEvent
from . import resource_status, rows
from .published import Published, published
from .resource_status import Written

log = logging.getLogger(__name__)
KIND = "status"  # of the work keys
DELAY_SECONDS = 0.5  # for what else changes at the same time
PACE_SECONDS = 1.0  # between two writes of one grid's status
REST = 3  # times as long as a turn took nothing is published, so that workers are there for children
MOST = 100  # grids in one turn
MOST_ROWS = 2000  # of units read at the same time


class _Said(NamedTuple):
    grid: Grid
    version: int  # of its cells
    published: Published
    sent: str  # the custom resource's version that has the status `before`, "" where it has to be looked at
    before: Mapping[str, Any]


def request(grids: Iterable[Grid]) -> None:
    """Have the status of these grids published soon: of what this transaction changes, too."""
    workqueue.enqueue_spaced({f"{KIND}/{grid.key}" for grid in grids}, DELAY_SECONDS)


def mark(grids: Sequence[Grid]) -> None:
    """Have the status of these grids published anew, whatever has been published."""
    with transaction.atomic():
        rows = Grid.objects.filter(pk__in=[grid.pk for grid in grids])
        update_in_order(rows, cells_version=F("cells_version") + 1)
        request(grids)


def tell(grids: Sequence[Grid], event: NewEvent) -> None:
    """Note an Event at each of these grids, and have it written to the cluster with their status."""
    grid_events.record({grid.path: [event] for grid in grids}, unsent=True)
    mark(grids)


def waiting() -> set[str]:
    """The work keys of what is still to be published."""
    changed = Grid.objects.filter(cells_version__gt=F("published_version"), deleting_since=None)
    return {f"{KIND}/{label}" for label in changed.values_list("key", flat=True).distinct().order_by()}


def run(label: str, cluster: Cluster) -> float | None:
    """Publish the status of the grids of a label key that have changed; seconds until the next turn, None where nothing
    is left. A grid whose status the API server refuses is left to its own reconcile. Raises ClusterError where the
    cluster does not answer."""
    due = Grid.objects.filter(key=label, cells_version__gt=F("published_version"), deleting_since=None)
    workqueue.enqueue(grid.path for grid in due.filter(whole={}).briefly())  # has to be reconciled whole first
    known = due.exclude(whole={}).briefly().order_by("published_at", "pk")
    now = timezone.now()
    pace = timedelta(seconds=PACE_SECONDS)
    fresh = [grid for grid in known if grid.published_at and now - pace < grid.published_at <= now]
    ready = [grid for grid in known if grid not in fresh]
    again = False
    for some in _portions(ready[:MOST]):
        again |= _send(_store(Grid.objects.filter(pk__in=some), label), cluster)
    waits = [PACE_SECONDS] if again or len(ready) > MOST else []
    waits += [(grid.published_at + pace - now).total_seconds() for grid in fresh if grid.published_at]
    return min(waits, default=None)


def _portions(grids: Iterable[Grid]) -> Iterator[list[int]]:
    """The primary keys of grids that are held in memory at the same time, with all their units."""
    some: list[int] = []
    units = 0
    for grid in grids:
        if some and units + grid.unit_count > MOST_ROWS:
            yield some
            some, units = [], 0
        some.append(grid.pk)
        units += grid.unit_count
    if some:
        yield some


def _store(found: GridQuerySet, label: str) -> list[_Said]:
    """Write the status of grids to their rows, with the events of the change; what there is to send."""
    grids = list(found.defer("metadata", "status", "sentences"))
    statuses = rows.read(grids, label)
    with transaction.atomic():
        locked = Grid.objects.filter(pk__in=[grid.pk for grid in grids]).defer("metadata", "spec").locked()
        versions = {grid.pk: grid.cells_version for grid in grids}
        behind = {grid.pk: grid for grid in locked if grid.published_version < versions[grid.pk]}
        said = [
            _Said(row, versions[pk], published(row, *statuses[pk]), resource_status.version_sent(row), row.status)
            for pk, row in ((grid.pk, behind[grid.pk]) for grid in grids if grid.pk in behind)
        ]
        now = timezone.now()
        for each in said:
            for name, value in {**each.published.fields, "published_at": now}.items():
                setattr(each.grid, name, value)
        update_rows(
            [each.grid for each in said], ["status", "sentences", "state", "observed_generation", "published_at"]
        )
        grid_events.record({each.grid.path: each.published.events for each in said}, unsent=True)
        change_log.record("grid", [each.grid.path for each in said if each.published.differs])
        _wake_groups(each.grid.group_id for each in said if each.published.differs)
    return said


def _wake_groups(keys: Iterable[int | None]) -> None:
    """The status of a ServiceGroup follows from its members'."""
    if wanted := {key for key in keys if key is not None}:
        groups = ServiceGroup.objects.filter(pk__in=wanted).only("namespace", "name")
        workqueue.enqueue_spaced({group.path for group in groups}, DELAY_SECONDS)


def _send(said: Sequence[_Said], cluster: Cluster) -> bool:
    """Write what is published to the custom resources, then the events; whether some were overtaken by another
    writer."""
    if not said:
        return False
    results = map_parallel(lambda each: _write(each, cluster), said)
    done = [each for each, result in zip(said, results, strict=True) if _stands(result)]
    refused = [each for each, result in zip(said, results, strict=True) if _is_refusal(result)]
    kube_events.send([each.grid for each in [*done, *refused]], cluster)
    note_published({each.grid.pk: each.version for each in [*done, *refused]}, _sent(said, results))
    workqueue.enqueue(each.grid.path for each in refused)
    for result in results:
        if isinstance(result, Unreachable | Throttled):
            raise result
    return any(isinstance(result, Written) and not result.stands for result in results)


def _sent(said: Sequence[_Said], results: Sequence[Written | ClusterError]) -> dict[int, str]:
    """What is kept of what was written, by the grid's primary key."""
    return {
        each.grid.pk: resource_status.sent_as(each.grid, each.published.body, result.version)
        for each, result in zip(said, results, strict=True)
        if isinstance(result, Written) and result.stands
    }


def _write(said: _Said, cluster: Cluster) -> Written | ClusterError:
    grid, body = said.grid, said.published.body
    if not grid.cluster_uid or cluster.read_only:
        return Written(True)
    try:
        if said.sent and said.before != body:  # else the custom resource lost it, or never had it
            written = resource_status.write_after(said.sent, said.before, grid, body, cluster)
            if written:
                return written
        resource = cluster.get(grid.kind, grid.namespace, grid.name)
        return resource_status.write(grid, resource, body, cluster)
    except ClusterError as error:
        log.warning("%s: its status could not be written to the cluster: %s", grid.path, error)
        return error


def _stands(result: Written | ClusterError) -> bool:
    return isinstance(result, Written) and result.stands


def _is_refusal(result: Written | ClusterError) -> bool:
    return isinstance(result, ClusterError) and not isinstance(result, Unreachable | Throttled)


def note_published(versions: Mapping[int, int], sent: Mapping[int, str]) -> None:
    """Note up to which change of its cells each of these grids, by primary key, is published, and of those in `sent`
    what their custom resources say now (`resource_status.sent_as`)."""
    if versions:
        cases = [When(pk=pk, then=Value(version, PositiveBigIntegerField())) for pk, version in versions.items()]
        published = Case(*cases, default=F("published_version"))
        known = [When(pk=pk, then=Value(each)) for pk, each in sent.items()]
        rows = Grid.objects.filter(pk__in=versions)
        update = rows.update if len(versions) == 1 else partial(update_in_order, rows)
        update(
            published_version=Greatest("published_version", published),
            published_as=Case(*known, default=F("published_as")),
        )
