"""A custom resource that is gone from the cluster: whether its grid may be forgotten, or waits for a person.

A few that somebody deletes are forgotten two seconds later. Where many go, or the definition goes, all wait: the rows
are kept, nothing is made for them, and nothing deleted.
"""

import logging
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from ...cluster import Cluster, Refused
from ...core.fleet.brake import Count
from ...core.fleet.halt import DEFINITIONS_GONE, GRIDS_GONE, Reason
from ...core.fleet.held import GRID_GONE, why
from ...core.grids.kinds import KINDS
from ...core.names import GROUP
from ...models import AuditEvent, Grid, Revision
from ...models.intent import GridQuerySet
from ..fleet import halt
from ..fleet.brake import brake
from ..queue import change_log
from . import events

log = logging.getLogger(__name__)
SETTLE_SECONDS = 2.0  # how long a deletion of many may take from one to the next
WINDOW = timedelta(minutes=10)  # what was forgotten within this time counts with what is about to be
YOUNG = 2 * WINDOW  # but for grids that were made within this time: people try things, and delete them again
Verdict = Literal["forget", "wait", "held"]


def note(grid: Grid) -> None:
    """The custom resource was not found."""
    if grid.missing_since is None:
        grid.missing_since = timezone.now()
        Grid.objects.filter(pk=grid.pk, missing_since=None).update(missing_since=grid.missing_since)


def found(grid: Grid) -> None:
    """The custom resource is there."""
    if grid.missing_since or grid.missing_held:
        grid.missing_since, grid.missing_held = None, False
        Grid.objects.filter(pk=grid.pk).update(missing_since=None, missing_held=False)
        change_log.record("grid", [grid.path])


def judge(grid: Grid, cluster: Cluster) -> Verdict:
    """What it means that a grid's custom resource is gone or being deleted: "wait" is to be asked again after
    SETTLE_SECONDS. Raises ClusterError."""
    if grid.missing_held:
        return "held"
    if _is_definition_going(grid.kind, cluster):
        definition_gone(grid.kind)
        return "held"
    note(grid)
    of_kind = Grid.objects.filter(kind=grid.kind)
    for rows, too_many in ((Grid.objects.all(), _holds), (of_kind, _holds), (of_kind, _are_all)):
        if too_many(rows):
            if _age(rows.missing().aggregate(newest=Max("missing_since"))["newest"]) < SETTLE_SECONDS:
                return "wait"
            _hold(rows)
            return "held"
    return "forget" if _age(grid.missing_since) >= SETTLE_SECONDS else "wait"


def definition_gone(kind: str) -> None:
    """The cluster does not know a kind any more: everything stops if it had grids of it."""
    with transaction.atomic():
        rows = Grid.objects.in_cluster().filter(kind=kind, may_be_forgotten=False)
        rows.filter(missing_since=None).update(missing_since=timezone.now())
        rows.update(missing_held=True)
        held = Grid.objects.filter(missing_held=True)
        kinds = sorted(set(held.values_list("kind", flat=True)))
        if kinds:
            halt.begin(DEFINITIONS_GONE, {"kinds": ", ".join(kinds), "grids": held.count()})


def look_whether_back(reason: Reason) -> None:
    """While everything stops for missing grids: go on as soon as all are back. Within a transaction."""
    left = Grid.objects.filter(missing_held=True).count()
    if not left:
        halt.end(reason)
    else:
        halt.count(reason, "grids", left)


def _is_definition_going(kind: str, cluster: Cluster) -> bool:
    try:
        body = cluster.get("CustomResourceDefinition", "", f"{KINDS[kind].plural}.{GROUP}")
    except Refused as error:
        log.debug("whether the definition of %s is there cannot be looked at: %s", kind, error)
        return False
    return body is None or bool(body["metadata"].get("deletionTimestamp"))


def _holds(rows: GridQuerySet) -> bool:
    paths = [f"{KINDS[kind].plural}/" for kind in rows.order_by().values_list("kind", flat=True).distinct()]
    now = timezone.now()
    begun_lately = Revision.objects.filter(path=OuterRef("path"), number=1, created_at__gt=now - YOUNG)
    events = AuditEvent.objects.filter(~Exists(begun_lately), actor="cluster", verb="delete", at__gt=now - WINDOW)
    forgotten = sum(events.filter(path__startswith=path).count() for path in paths)
    there = rows.in_cluster().filter(deleting_since=None).count()
    return brake().holds(rows.missing().count() + forgotten, there + forgotten)


def _are_all(rows: GridQuerySet) -> bool:
    """Whether all of several are gone at once, however few."""
    return Count(rows.missing().count(), rows.in_cluster().filter(deleting_since=None).count()).leaves_nothing


def _hold(rows: GridQuerySet) -> None:
    with transaction.atomic():
        missing = list(rows.missing().filter(missing_held=False).select_for_update())
        Grid.objects.filter(pk__in=[grid.pk for grid in missing]).update(missing_held=True)
        for grid in missing:
            events.record(grid.path, [events.Happening("", "ResourceGone", why(GRID_GONE), warning=True)])
        change_log.record("grid", [grid.path for grid in missing])
        change_log.record("cluster", [halt.CHANGE_LOG_KEY])
        if not Grid.objects.in_cluster().filter(missing_held=False).exists():
            halt.begin(GRIDS_GONE, {"grids": len(missing)})


def _age(since: datetime | None) -> float:
    return (timezone.now() - since).total_seconds() if since else 0.0
