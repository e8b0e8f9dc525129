"""Grids as custom resources: one home each, and which side follows which.

A grid made through the portal is put into the cluster as a custom resource, so that kubectl shows it and its children
have an owner there. One that is applied with kubectl gets a row. An edit on either side moves to the other; if both
sides were edited, the cluster's edit stands and the portal's stays among the revisions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from ....cluster import Cluster, Conflict
from ....core.grids.kinds import BY_PLURAL
from ....models import AuditEvent, Grid
from ...fleet import membership
from ...queue import change_log, unit_history, workqueue
from ...queue.together import requests_together
from . import absence, dependents, edits

Body = Mapping[str, Any]
PREDECESSOR_GOING = 1.0  # seconds until another look while a custom resource of the name is still being deleted
_PROPAGATIONS = {"orphan": "Orphan", "foregroundDeletion": "Foreground"}


def rows_of(kind: str, places: Iterable[str]) -> dict[str, Grid]:
    """The grids of a kind at these places (`<namespace>/<name>`), without what is large. One query."""
    namespaces, names = zip(*(each.split("/", 1) for each in places), strict=True)
    found = Grid.objects.filter(kind=kind, namespace__in=set(namespaces), name__in=set(names))
    return {f"{grid.namespace}/{grid.name}": grid for grid in found.defer("spec", "status", "sentences", "whole")}


def says_nothing_new(grid: Grid | None, body: Body | None) -> bool:
    """Whether a custom resource says what its row knows: so it is after a write of its status, as most changes are."""
    if grid is None or body is None:
        return False
    return not (grid.missing_since or grid.missing_held or edits.differs(grid, body))


def observe(kind: str, namespace: str, name: str, body: Body | None) -> None:
    """The watch saw a custom resource (None: it is gone). Makes sure that there is a row and wakes it if the two
    differ; decides nothing."""
    grid = Grid.objects.filter(kind=kind, namespace=namespace, name=name).first()
    if body is None:
        if grid and grid.cluster_uid:
            if not grid.deleting_since:
                absence.note(grid)
            workqueue.enqueue([grid.path], urgent=True)
        return
    if grid is None:
        grid, _ = Grid.objects.get_or_create(
            kind=kind, namespace=namespace, name=name, defaults={"home": Grid.Home.CLUSTER, "generation": 0}
        )
    if grid.missing_since or edits.differs(grid, body):
        workqueue.enqueue([grid.path], urgent=True)
    absence.found(grid)


def is_settled(grid: Grid, body: Body) -> bool:
    """Whether `sync` would do nothing for a grid with this custom resource."""
    going = grid.deleting_since or body["metadata"].get("deletionTimestamp")
    doubted = grid.missing_since or grid.missing_held or grid.may_be_forgotten
    if going or doubted or grid.generation > grid.pushed_generation or edits.differs(grid, body):
        return False
    return membership.is_written(grid, body)


def is_leaving(grid: Grid, cluster: Cluster) -> bool:
    """Whether the custom resource of a grid, asked for anew, is being deleted or gone: children without an owner were
    given up with it then, and with such an owner again they would go. Raises ClusterError."""
    if not grid.cluster_uid:
        return False
    body = cluster.get(grid.kind, grid.namespace, grid.name)
    return body is None or body["metadata"]["uid"] != grid.cluster_uid or "deletionTimestamp" in body["metadata"]


def find(plural: str, namespace: str, name: str, cluster: Cluster) -> Grid | None:
    """A row for a custom resource that has none, or None where there is no such resource. One that is made at the very
    moment in which its namesake's row goes was taken for that one's when the watch saw it. Raises ClusterError."""
    kind = BY_PLURAL[plural].kind if plural in BY_PLURAL else ""
    if not kind or not cluster.serves(kind) or not (body := cluster.get(kind, namespace, name)):
        return None
    cluster.confirm()
    observe(kind, namespace, name, body)
    return Grid.objects.at(plural, namespace, name).first()


@dataclass(frozen=True, slots=True)
class SyncResult:
    """Whether there is something to make the cluster agree with, and then the custom resource as it is now (None: there
    is none); where not, in how many seconds to look again (None: when something happens)."""

    proceed: bool
    requeue_after: float | None = None
    resource: Body | None = None


_NOTHING_TO_DO = SyncResult(False)


def sync(grid: Grid, cluster: Cluster) -> SyncResult:
    """Bring the row and its custom resource together. Raises ClusterError."""
    if not cluster.serves(grid.kind):
        return _without_definition(grid, cluster)
    body: Body | None = cluster.get(grid.kind, grid.namespace, grid.name)
    if body is None or edits.differs(grid, body):
        cluster.confirm()  # what another cluster says of that name means nothing
    if _is_given_up(grid, body):
        return _NOTHING_TO_DO
    if body is None and grid.cluster_uid and not grid.deleting_since:
        return _missing(grid, cluster)
    if cluster.read_only:
        return _follow(grid, cluster, body)
    if grid.deleting_since and body and body["metadata"]["uid"] != grid.cluster_uid != "":
        _set_deletion(grid, None)  # what was to go has gone; somebody made another of that name
    if grid.deleting_since:
        _sync_deletion(grid, cluster, body)
    elif body is None:
        if not grid.spec:
            grid.delete()
            return _NOTHING_TO_DO
        body = _make(grid, cluster)
    elif body["metadata"].get("deletionTimestamp"):
        if grid.spec and not grid.cluster_uid:
            return SyncResult(False, PREDECESSOR_GOING)
        return _sync_end(grid, body, cluster)
    else:
        body = _sync_edits(grid, body, cluster)
    return _proceed(body)


def _proceed(resource: Body | None) -> SyncResult:
    return SyncResult(True, resource=resource)


def _sync_edits(grid: Grid, body: Body, cluster: Cluster) -> Body:
    absence.found(grid)
    if grid.generation > grid.pushed_generation and edits.based_on(grid, body):
        body = edits.push(grid, cluster, body)
    elif edits.differs(grid, body):
        edits.pull(grid, body, cluster)
    return membership.write(grid, body, cluster)


def _without_definition(grid: Grid, cluster: Cluster) -> SyncResult:
    """The cluster does not know this kind: the portal alone keeps such grids, but for those that it did know."""
    if not grid.may_be_forgotten and not grid.cluster_uid:
        return _proceed(None)
    cluster.confirm()
    if not _is_given_up(grid, None):
        absence.definition_gone(grid.kind)
    return _NOTHING_TO_DO


def _missing(grid: Grid, cluster: Cluster) -> SyncResult:
    verdict = absence.judge(grid, cluster)
    if verdict == "forget":
        _forget(grid, "cluster")
    return SyncResult(False, absence.SETTLE_SECONDS if verdict == "wait" else None)


def _sync_end(grid: Grid, body: Body, cluster: Cluster) -> SyncResult:
    """Somebody is deleting the custom resource: the grid is deleted as well, unless many are."""
    verdict = "forget" if grid.may_be_forgotten else absence.judge(grid, cluster, body)
    if verdict != "forget":
        return SyncResult(False, absence.SETTLE_SECONDS if verdict == "wait" else None)
    edits.pull(grid, body, cluster)
    with transaction.atomic(), requests_together():
        dependents.locked_for_deletion(grid)
        dependents.release(grid, "cluster", "cluster")
        AuditEvent.objects.observe("delete", grid.path, before=grid.source())
        Grid.objects.filter(pk=grid.pk).update(**absence.NOT_MISSING)
        _set_deletion(grid, timezone.now(), _propagation(body))
    return _proceed(body)


def _is_given_up(grid: Grid, body: Body | None) -> bool:
    """Whether a person decided that the cluster is right, and it does not have this grid, whose row is then gone."""
    if not grid.may_be_forgotten:
        return False
    if body is None:
        _forget(grid, "sgportal")
        return True
    if body["metadata"].get("deletionTimestamp"):
        return False
    Grid.objects.filter(pk=grid.pk).update(may_be_forgotten=False)
    grid.may_be_forgotten = False
    return False


def _make(grid: Grid, cluster: Cluster) -> Body:
    """Put a grid into the cluster. Another portal may be faster: then its grid stands, and ours stays a revision."""
    try:
        made = cluster.apply_new(membership.marked(grid))
    except Conflict:
        body = cluster.get(grid.kind, grid.namespace, grid.name)
        if body is None or body["metadata"].get("deletionTimestamp"):
            raise
        edits.pull(grid, body, cluster)
        return body
    edits.adopt_generation(grid, made, pushed=True)
    return made


def _follow(grid: Grid, cluster: Cluster, body: Body | None) -> SyncResult:
    """`sync` without a write to the cluster: take over what was edited there; what was edited or deleted here
    waits."""
    if body is None and grid.cluster_uid:
        _forget(grid, "cluster")
        return _NOTHING_TO_DO
    waiting = grid.deleting_since or (body and grid.generation > grid.pushed_generation and edits.based_on(grid, body))
    if body and not waiting and edits.differs(grid, body):
        edits.pull(grid, body, cluster)
    return _proceed(body)


def _propagation(body: Body) -> str:
    """The policy of a deletion under way: Kubernetes marks the two that wait for something by a finalizer."""
    finalizers = body["metadata"].get("finalizers") or ()
    return next((policy for mark, policy in _PROPAGATIONS.items() if mark in finalizers), "Background")


def _set_deletion(grid: Grid, since: datetime | None, propagation: str = "Background") -> None:
    Grid.objects.filter(pk=grid.pk).update(deleting_since=since, propagation=propagation)
    grid.refresh_from_db()


def _sync_deletion(grid: Grid, cluster: Cluster, body: Body | None) -> None:
    if body is not None and not body["metadata"].get("deletionTimestamp"):
        edits.adopt_generation(grid, body, pushed=True)
        uid = body["metadata"]["uid"]
        cluster.delete(grid.kind, grid.namespace, grid.name, uid=uid, propagation=grid.propagation)


def _forget(grid: Grid, by: str) -> None:
    """Remove a row. `by`: who, where that is told nowhere else ("cluster": somebody deleted the custom resource)."""
    path = grid.path
    with transaction.atomic(), requests_together():
        dependents.locked_for_deletion(grid)
        dependents.release(grid, by or "sgportal", "cluster")
        if by:
            AuditEvent.objects.create(actor=by, door="cluster", verb="delete", path=path, before=grid.source())
        edits.wake_group(grid)
        unit_history.note_end(grid)
        grid.delete()
    change_log.record("grid", [path])


def forget(grid: Grid) -> None:
    """Remove the row of a grid whose deletion is complete."""
    _forget(grid, "")
