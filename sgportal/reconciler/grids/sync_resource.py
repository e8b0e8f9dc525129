"""Grids as custom resources: one home each, and which side follows which.

A grid made through the portal is put into the cluster as a custom resource, so that kubectl shows it and its children
have an owner there. One that is applied with kubectl gets a row. An edit on either side moves to the other; if both
sides were edited, the cluster's edit stands and the portal's stays among the revisions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from ...cluster import JSON_PATCH, Cluster, Conflict
from ...core.grids.grid import source_metadata
from ...core.grids.kinds import BY_PLURAL
from ...core.text import say
from ...models import AuditEvent, Grid
from ..fleet import membership
from ..queue import change_log, workqueue
from . import absence, events, kube_events

PREDECESSOR_GOING = 1.0  # seconds until another look while a custom resource of the name is still being deleted
_PROPAGATIONS = {"orphan": "Orphan", "foregroundDeletion": "Foreground"}


def observe(kind: str, namespace: str, name: str, body: Mapping[str, Any] | None) -> None:
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
    if grid.missing_since or _differs(grid, body):
        workqueue.enqueue([grid.path], urgent=True)
    absence.found(grid)


def find(plural: str, namespace: str, name: str, cluster: Cluster) -> Grid | None:
    """A row for a custom resource that has none, or None where there is no such resource. One that is made at the very
    moment in which its namesake's row goes was taken for that one's when the watch saw it. Raises ClusterError."""
    kind = BY_PLURAL[plural].kind if plural in BY_PLURAL else ""
    if not kind or not cluster.serves(kind) or not (body := cluster.get(kind, namespace, name)):
        return None
    cluster.confirm()
    observe(kind, namespace, name, body)
    return Grid.objects.at(plural, namespace, name).first()


def _differs(grid: Grid, body: Mapping[str, Any]) -> bool:
    metadata = body["metadata"]
    if metadata["uid"] != grid.cluster_uid or metadata.get("generation", 1) != grid.cluster_generation:
        return True
    going = bool(metadata.get("deletionTimestamp")) and not grid.deleting_since
    return going or bool(source_metadata(metadata) != grid.metadata)


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether there is something to make the cluster agree with; where not, in how many seconds to look again (None:
    when something happens)."""

    goes_on: bool
    look_again: float | None = None


_GOES_ON = Settled(True)
_NOTHING_TO_DO = Settled(False)


def settle(grid: Grid, cluster: Cluster) -> Settled:
    """Bring the row and its custom resource together. Raises ClusterError."""
    if not cluster.serves(grid.kind):
        return _without_definition(grid, cluster)
    body = cluster.get(grid.kind, grid.namespace, grid.name)
    if body is None or _differs(grid, body):
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
        _settle_deletion(grid, cluster, body)
    elif body is None:
        if not grid.spec:
            grid.delete()
            return _NOTHING_TO_DO
        _make(grid, cluster)
    elif body["metadata"].get("deletionTimestamp"):
        if grid.spec and not grid.cluster_uid:
            return Settled(False, PREDECESSOR_GOING)
        return _settle_end(grid, body, cluster)
    else:
        _settle_edits(grid, body, cluster)
    return _GOES_ON


def _settle_edits(grid: Grid, body: Mapping[str, Any], cluster: Cluster) -> None:
    absence.found(grid)
    if grid.generation > grid.pushed_generation and _based_on(grid, body):
        _push(grid, cluster, body)
    elif _differs(grid, body):
        _pull(grid, body, cluster)
    membership.write(grid, body, cluster)


def _without_definition(grid: Grid, cluster: Cluster) -> Settled:
    """The cluster does not know this kind: the portal alone keeps such grids, but for those that it did know."""
    if not grid.may_be_forgotten and not grid.cluster_uid:
        return _GOES_ON
    cluster.confirm()
    if not _is_given_up(grid, None):
        absence.definition_gone(grid.kind)
    return _NOTHING_TO_DO


def _missing(grid: Grid, cluster: Cluster) -> Settled:
    verdict = absence.judge(grid, cluster)
    if verdict == "forget":
        _forget(grid, "cluster")
    return Settled(False, absence.SETTLE_SECONDS if verdict == "wait" else None)


def _settle_end(grid: Grid, body: Mapping[str, Any], cluster: Cluster) -> Settled:
    """Somebody is deleting the custom resource: the grid is deleted as well, unless many are."""
    verdict = "forget" if grid.may_be_forgotten else absence.judge(grid, cluster, body)
    if verdict != "forget":
        return Settled(False, absence.SETTLE_SECONDS if verdict == "wait" else None)
    _pull(grid, body, cluster)
    with transaction.atomic():
        AuditEvent.objects.create(actor="cluster", door="cluster", verb="delete", path=grid.path, before=grid.source())
        Grid.objects.filter(pk=grid.pk).update(**absence.NOT_MISSING)
        _set_deletion(grid, timezone.now(), _propagation(body))
    return _GOES_ON


def _is_given_up(grid: Grid, body: Mapping[str, Any] | None) -> bool:
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


def _make(grid: Grid, cluster: Cluster) -> None:
    """Put a grid into the cluster. Another portal may be faster: then its grid stands, and ours stays a revision."""
    try:
        _adopt_generation(grid, cluster.apply_new(membership.marked(grid)), pushed=True)
    except Conflict:
        body = cluster.get(grid.kind, grid.namespace, grid.name)
        if body is None or body["metadata"].get("deletionTimestamp"):
            raise
        _pull(grid, body, cluster)


def _follow(grid: Grid, cluster: Cluster, body: Mapping[str, Any] | None) -> Settled:
    """`settle` without a write to the cluster: take over what was edited there; what was edited or deleted here
    waits."""
    if body is None and grid.cluster_uid:
        _forget(grid, "cluster")
        return _NOTHING_TO_DO
    waiting = grid.deleting_since or (body and grid.generation > grid.pushed_generation and _based_on(grid, body))
    if body and not waiting and _differs(grid, body):
        _pull(grid, body, cluster)
    return _GOES_ON


def _based_on(grid: Grid, body: Mapping[str, Any]) -> bool:
    metadata = body["metadata"]
    return (metadata["uid"], metadata.get("generation", 1)) == (grid.cluster_uid, grid.cluster_generation)


def _push(grid: Grid, cluster: Cluster, body: Mapping[str, Any]) -> None:
    """Replace the resource's spec by the row's, and make the row's changes to its labels and annotations: an edit of
    those does not count as a generation. The API server refuses if the resource changed meanwhile."""
    metadata = body["metadata"]
    last = grid.revisions.filter(number=grid.pushed_generation).first()
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": metadata.get("generation", 1)},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        *(
            {
                "op": "add",
                "path": f"/metadata/{part}",
                "value": _merged(
                    (last.metadata if last else {}).get(part) or {},
                    grid.metadata.get(part) or {},
                    metadata.get(part) or {},
                ),
            }
            for part in ("labels", "annotations")
        ),
        {"op": "replace", "path": "/spec", "value": grid.spec},
    ]
    _adopt_generation(grid, cluster.patch(grid.kind, grid.namespace, grid.name, patch, JSON_PATCH), pushed=True)


def _merged(last: Mapping[str, str], mine: Mapping[str, str], live: Mapping[str, str]) -> dict[str, str]:
    """What is live, with the changes from `last` to `mine`."""
    kept = {key: value for key, value in live.items() if key in mine or key not in last}
    return {**kept, **{key: value for key, value in mine.items() if last.get(key) != value}}


def _adopt_generation(grid: Grid, body: Mapping[str, Any], pushed: bool) -> None:
    metadata = body["metadata"]
    fields: dict[str, Any] = {"cluster_uid": metadata["uid"], "cluster_generation": metadata.get("generation", 1)}
    if pushed:
        fields["pushed_generation"] = grid.generation
    Grid.objects.filter(pk=grid.pk).update(**fields)
    for name, value in fields.items():
        setattr(grid, name, value)


def _pull(grid: Grid, body: Mapping[str, Any], cluster: Cluster) -> None:
    """Take the resource's spec into the row, as a new revision."""
    spec, metadata = body.get("spec") or {}, source_metadata(body["metadata"])
    both = grid.generation > grid.pushed_generation and (bool(grid.cluster_uid) or grid.spec != spec)
    with transaction.atomic():
        row = Grid.objects.select_for_update().get(pk=grid.pk)
        adopted = row.generation == 0
        if row.spec != spec or row.metadata != metadata:
            row.generation += 1
            row.version += 1
            key = spec.get("gridUniqKey")
            row.key = key[:317] if isinstance(key, str) else ""
            row.spec, row.metadata, row.home = spec, metadata, Grid.Home.CLUSTER
            row.remember("cluster")
        if adopted:
            membership.read_back(row, body)
        row.pushed_generation = row.generation
        row.cluster_uid, row.cluster_generation = body["metadata"]["uid"], body["metadata"].get("generation", 1)
        row.save()
    if both:
        text = say("it was edited in the portal and in the cluster; the cluster's edit stands, the other is a revision")
        conflict = [events.Happening("", "EditConflict", text, warning=True)]
        events.record(grid.path, conflict)
        kube_events.tell(grid, conflict, cluster)
    grid.refresh_from_db()
    change_log.record("grid", [grid.path])


def _propagation(body: Mapping[str, Any]) -> str:
    """The policy of a deletion under way: Kubernetes marks the two that wait for something by a finalizer."""
    finalizers = body["metadata"].get("finalizers") or ()
    return next((policy for mark, policy in _PROPAGATIONS.items() if mark in finalizers), "Background")


def _set_deletion(grid: Grid, since: datetime | None, propagation: str = "Background") -> None:
    Grid.objects.filter(pk=grid.pk).update(deleting_since=since, propagation=propagation)
    grid.refresh_from_db()


def _settle_deletion(grid: Grid, cluster: Cluster, body: Mapping[str, Any] | None) -> None:
    if body is not None and not body["metadata"].get("deletionTimestamp"):
        _adopt_generation(grid, body, pushed=True)
        uid = body["metadata"]["uid"]
        cluster.delete(grid.kind, grid.namespace, grid.name, uid=uid, propagation=grid.propagation)


def _forget(grid: Grid, by: str) -> None:
    """Remove a row. `by`: who, where that is told nowhere else ("cluster": somebody deleted the custom resource)."""
    path = grid.path
    with transaction.atomic():
        if by:
            AuditEvent.objects.create(actor=by, door="cluster", verb="delete", path=path, before=grid.source())
        grid.delete()
    change_log.record("grid", [path])


def forget(grid: Grid) -> None:
    """Remove the row of a grid whose deletion is complete."""
    _forget(grid, "")
