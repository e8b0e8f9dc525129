"""A custom resource that is gone from the cluster: whether its grid may be forgotten, or waits for a person.

A few that somebody deletes are forgotten two seconds later; if they are all there were, only where the watch saw each
being deleted while its definition and its namespace stood. Otherwise, where many go, and where the definition goes, all
wait: the rows are kept, nothing is made for them, and nothing deleted.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.db.models.functions import Coalesce
from django.utils import timezone

from ....cluster import Cluster, Refused
from ....core.fleet.brake import Count
from ....core.fleet.halt import DEFINITIONS_GONE, GRIDS_GONE, Reason
from ....core.fleet.held import GRID_GONE, why
from ....core.grids.kinds import KINDS
from ....core.names import GROUP
from ....models import AuditEvent, Grid, Revision
from ....models.bulk import update_in_order
from ....models.intent import GridQuerySet
from ....queries.leaving import brake
from ...fleet import halt
from ...queue import change_log
from ..events import grid_events

log = logging.getLogger(__name__)
SETTLE_SECONDS = 2.0  # how long a deletion of many may take from one to the next
WINDOW = timedelta(minutes=10)  # what was forgotten within this time counts with what is about to be
YOUNG = 2 * WINDOW  # but for grids that were made within this time: people try things, and delete them again
NOT_MISSING: Mapping[str, Any] = {"missing_since": None, "missing_held": False, "deleted_made_at": None}
Verdict = Literal["forget", "wait", "held"]


def note(grid: Grid) -> None:
    """The custom resource was not found."""
    if grid.missing_since is None:
        grid.missing_since = timezone.now()
        Grid.objects.filter(pk=grid.pk, missing_since=None).update(missing_since=grid.missing_since)


def note_deleted(kind: str, bodies: Iterable[Mapping[str, Any]]) -> None:
    """These custom resources of a kind were seen being deleted. Within the transaction that notes what is missing."""
    for body in bodies:
        metadata = body["metadata"]
        rows = Grid.objects.filter(kind=kind, namespace=metadata["namespace"], cluster_uid=metadata["uid"])
        rows.exclude(missing_since=None).update(deleted_made_at=_made_at(body))


def found(grid: Grid) -> None:
    """The custom resource is there."""
    if grid.missing_since or grid.missing_held:
        for name, value in NOT_MISSING.items():
            setattr(grid, name, value)
        Grid.objects.filter(pk=grid.pk).update(**NOT_MISSING)
        change_log.record("grid", [grid.path])


def judge(grid: Grid, cluster: Cluster, going: Mapping[str, Any] | None = None) -> Verdict:
    """What it means that a grid's custom resource is gone, or is `going`, being deleted: "wait" is to be asked again
    after SETTLE_SECONDS. Raises ClusterError."""
    if grid.missing_held:
        return "held"
    if _is_definition_going(grid.kind, cluster):
        definition_gone(grid.kind)
        return "held"
    note(grid)
    if going:
        note_deleted(grid.kind, [going])
    if _age(grid.missing_since) < SETTLE_SECONDS:  # then it waits, however many others are missing
        return "wait"
    of_kind = Grid.objects.filter(kind=grid.kind)
    are_lost = partial(_are_all_lost, cluster=cluster)
    for rows, too_many in ((Grid.objects.all(), _holds), (of_kind, _holds), (of_kind, are_lost)):
        if too_many(rows):
            if _age(rows.missing().aggregate(newest=Max("missing_since"))["newest"]) < SETTLE_SECONDS:
                return "wait"
            _hold(rows)
            return "held"
    return "forget"


def definition_gone(kind: str) -> None:
    """The cluster does not know a kind any more: everything stops if it had grids of it."""
    with transaction.atomic():
        rows = Grid.objects.in_cluster().filter(kind=kind, may_be_forgotten=False)
        update_in_order(rows, missing_since=Coalesce("missing_since", timezone.now()), missing_held=True)
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
        return _is_going(_definition(kind, cluster))
    except Refused as error:
        log.debug("whether the definition of %s is there cannot be looked at: %s", kind, error)
        return False


def _definition(kind: str, cluster: Cluster) -> Mapping[str, Any] | None:
    return cluster.get("CustomResourceDefinition", "", f"{KINDS[kind].plural}.{GROUP}")


def _is_going(body: Mapping[str, Any] | None) -> bool:
    return body is None or bool(body["metadata"].get("deletionTimestamp"))


def _holds(rows: GridQuerySet) -> bool:
    paths = [f"{KINDS[kind].plural}/" for kind in rows.order_by().values_list("kind", flat=True).distinct()]
    now = timezone.now()
    begun_lately = Revision.objects.filter(path=OuterRef("path"), number=1, created_at__gt=now - YOUNG)
    events = AuditEvent.objects.filter(~Exists(begun_lately), actor="cluster", verb="delete", at__gt=now - WINDOW)
    forgotten = sum(events.filter(path__startswith=path).count() for path in paths)
    there = rows.in_cluster().filter(deleting_since=None).count()
    return brake().holds(rows.missing().count() + forgotten, there + forgotten)


def _are_all_lost(rows: GridQuerySet, cluster: Cluster) -> bool:
    """Whether all of several of a kind are gone at once, however few, and it was not somebody who deleted these few one
    by one. Raises ClusterError."""
    missing = list(rows.missing())
    count = Count(len(missing), rows.in_cluster().filter(deleting_since=None).count())
    return count.leaves_nothing and not (len(missing) <= brake().minimum and _were_deleted(missing, cluster))


def _were_deleted(missing: Sequence[Grid], cluster: Cluster) -> bool:
    """Whether each of these grids of one kind was seen being deleted for its own sake: neither with its namespace nor
    with its definition, be that in place again or not. Where the cluster does not say, it was not."""
    try:
        definition = _definition(missing[0].kind, cluster)
        namespaces = [_namespace(name, cluster) for name in {grid.namespace for grid in missing}]
    except Refused as error:
        log.debug("whether all grids of a kind were lost cannot be looked at: %s", error)
        return False
    if definition is None or any(map(_is_going, (definition, *namespaces))):
        return False
    since = _made_at(definition)
    return all(grid.deleted_made_at and grid.deleted_made_at >= since for grid in missing)


def _namespace(name: str, cluster: Cluster) -> Mapping[str, Any] | None:
    """By a list, as the watch reads them: the portal may `get` no namespace but one (deploy/rbac.yaml)."""
    return next(iter(cluster.list("Namespace", field_selector=f"metadata.name={name}").items), None)


def _made_at(body: Mapping[str, Any]) -> datetime:
    """When an object was made, by the API server's clock."""
    return datetime.fromisoformat(body["metadata"]["creationTimestamp"])


def _hold(rows: GridQuerySet) -> None:
    with transaction.atomic():
        missing = list(rows.missing().filter(missing_held=False).locked())
        Grid.objects.filter(pk__in=[grid.pk for grid in missing]).update(missing_held=True)
        for grid in missing:
            gone = grid_events.NewEvent("", "ResourceGone", why(GRID_GONE), warning=True)
            grid_events.record({grid.path: [gone]})
        change_log.record("grid", [grid.path for grid in missing])
        change_log.record("cluster", [halt.CHANGE_LOG_KEY])
        if not Grid.objects.in_cluster().filter(missing_held=False).exists():
            halt.begin(GRIDS_GONE, {"grids": len(missing)})


def _age(since: datetime | None) -> float:
    return (timezone.now() - since).total_seconds() if since else 0.0
