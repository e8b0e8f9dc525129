"""ServiceGroups as custom resources: an edit on either side moves to the other, as with grids.

A package that is applied with kubectl gets a row, and each of its members a row of its own, from which its custom
resource and its workloads are made. A member that is edited by itself moves into the package. If both sides were
edited, the cluster's edit stands and the portal's stays among the revisions of the members.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from ...cluster import JSON_PATCH, MERGE_PATCH, Cluster, Conflict
from ...core.grids.grid import source_metadata
from ...core.grids.group import KIND
from ...core.names import MEMBERS_FINALIZER
from ...core.plans.per_unit.sequence import WAITS
from ...core.status.package import ACCEPTED
from ...core.status.parts import Condition
from ...models import PackageRevision, ServiceGroup
from ...queries.policy import closed
from ..queue import change_log, workqueue
from . import deletion, orphaning, restore, rollout, status
from .members import Refusal, take_in, take_in_metadata

Body = Mapping[str, Any]
AGAIN = 1.0  # seconds until another try after somebody else was faster, or while members go


def observe(namespace: str, name: str, body: Body | None) -> None:
    """The watch saw a custom resource (None: it is gone). Makes sure that there is a row and wakes it if the two
    differ; decides nothing."""
    group = ServiceGroup.objects.filter(namespace=namespace, name=name).first()
    if body is None:
        if group and group.cluster_uid:
            workqueue.enqueue([group.path], urgent=True)
        return
    if group is None:
        key = str((body.get("spec") or {}).get("gridUniqKey") or "")[:317]
        defaults = {"home": "cluster", "key": key, "version": 0}
        group, _ = ServiceGroup.objects.get_or_create(namespace=namespace, name=name, defaults=defaults)
    orphaning.note(group, body)
    if _differs(group, body):
        workqueue.enqueue([group.path], urgent=True)


def run(path: str, cluster: Cluster) -> float | None:
    """Bring a package, its custom resource and its members together. Seconds until it wants another look, or None.
    Raises ClusterError."""
    _, namespace, name = path.split("/")
    served = cluster.serves(KIND)
    body: Body | None = cluster.get(KIND, namespace, name) if served else None
    group = ServiceGroup.objects.filter(namespace=namespace, name=name).first()
    if group is None or body is None or _differs(group, body):
        cluster.confirm()  # what another cluster says of that name means nothing
    if group is None and body is not None:
        observe(namespace, name, body)
        group = ServiceGroup.objects.get(namespace=namespace, name=name)
    if group is None or cluster.read_only:
        return None
    if group.deleting_since:
        return deletion.go_on(group, body, cluster)
    if not served:
        _without_definition(group)
        return None
    try:
        return _sync(group, body, cluster)
    except Conflict:
        return AGAIN


def _without_definition(group: ServiceGroup) -> None:
    """The cluster does not know the kind: the portal alone keeps packages; those that it did know stay here."""
    if group.version == 0:
        group.delete()
        return
    if group.cluster_uid:
        _know(group, "", 0)
    _keep_revision(group)
    status.record(group, ACCEPTED)
    _wake_waiting(group)


def _sync(group: ServiceGroup, body: Body | None, cluster: Cluster) -> float | None:
    if body is None:
        if group.version == 0:  # it was gone before it was taken in
            group.delete()
            return None
        body = _make(group, cluster)
    elif body["metadata"].get("deletionTimestamp"):
        return deletion.begin(group, body, cluster)
    accepted, body = _edits(group, body, cluster)
    if group.held_since:
        ServiceGroup.objects.filter(pk=group.pk).update(held_since=None)
    if accepted is ACCEPTED:
        try:
            if restore.obey(group, body, cluster):
                return 0.0  # the custom resource is to say the same
        except Refusal as refusal:
            accepted = refusal.condition
    if accepted is ACCEPTED:
        _keep_revision(group)
        rollout.obey(group, body)
    status.write(group, body, status.record(group, accepted), cluster)
    _wake_waiting(group)
    return None


def _keep_revision(group: ServiceGroup) -> None:
    """Keep what the package says now, which may be more than was read, and nothing half way between two edits."""
    with transaction.atomic():
        row = ServiceGroup.objects.select_for_update().filter(pk=group.pk, deleting_since=None).first()
        if row is not None:
            PackageRevision.keep(row)


def _wake_waiting(group: ServiceGroup) -> None:
    """Have those members looked at that wait for another somewhere, which may be ready by now."""
    waiting = group.grids.filter(units__reason__in=WAITS, deleting_since=None).distinct()
    workqueue.enqueue(grid.path for grid in waiting.only("kind", "namespace", "name"))


def _make(group: ServiceGroup, cluster: Cluster) -> Body:
    """Put a package into the cluster."""
    source = group.source()
    made = cluster.apply_new({**source, "metadata": {**source["metadata"], "finalizers": [MEMBERS_FINALIZER]}})
    _know(group, made["metadata"]["uid"], made["metadata"].get("generation", 1))
    return made


def _edits(group: ServiceGroup, body: Body, cluster: Cluster) -> tuple[Condition, Body]:
    """Take over what was edited on one of the two sides; whether the cluster's is accepted, and the custom resource
    afterwards."""
    if _is_edited(group, body):
        if why := closed(group.namespace):
            return Condition("Accepted", "False", "NamespaceClosed", why), body
        body = _with_finalizer(body, cluster)  # before there is anything that it keeps
        try:
            take_in(group, body, cluster)
        except Refusal as refusal:
            return refusal.condition, body
        return ACCEPTED, body
    try:
        take_in_metadata(group, body)
    except Refusal as refusal:
        return refusal.condition, body
    source = group.source()
    live = body["metadata"]
    if source["spec"] == body["spec"] and MEMBERS_FINALIZER in (live.get("finalizers") or ()):
        return ACCEPTED, body
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": live["uid"]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["resourceVersion"]},
        {"op": "add", "path": "/metadata/finalizers", "value": _finalizers(body)},
        {"op": "replace", "path": "/spec", "value": source["spec"]},
    ]
    body = cluster.patch(KIND, group.namespace, group.name, patch, JSON_PATCH)
    _know(group, body["metadata"]["uid"], body["metadata"].get("generation", 1))
    return ACCEPTED, body


def _with_finalizer(body: Body, cluster: Cluster) -> Body:
    metadata = body["metadata"]
    if MEMBERS_FINALIZER in (metadata.get("finalizers") or ()):
        return body
    changed = {"resourceVersion": metadata["resourceVersion"], "finalizers": _finalizers(body)}
    return cluster.patch(KIND, metadata["namespace"], metadata["name"], {"metadata": changed}, MERGE_PATCH)


def _finalizers(body: Body) -> list[str]:
    return list(dict.fromkeys([*(body["metadata"].get("finalizers") or ()), MEMBERS_FINALIZER]))


def _differs(group: ServiceGroup, body: Body) -> bool:
    """Whether the custom resource says something else than what the row knows of it."""
    metadata = body["metadata"]
    if _is_edited(group, body):
        return True
    going = bool(metadata.get("deletionTimestamp")) and not group.deleting_since
    return going or source_metadata(metadata) != group.metadata


def _is_edited(group: ServiceGroup, body: Body) -> bool:
    """Whether the custom resource is another, or its spec another, than the row knows."""
    metadata = body["metadata"]
    return (metadata["uid"], metadata.get("generation", 1)) != (group.cluster_uid, group.cluster_generation)


def _know(group: ServiceGroup, uid: str, generation: int) -> None:
    """Note which state of the custom resource the row has."""
    anew = orphaning.UNASKED if uid != group.cluster_uid else {}
    ServiceGroup.objects.filter(pk=group.pk).update(cluster_uid=uid, cluster_generation=generation, **anew)
    group.cluster_uid, group.cluster_generation = uid, generation
    change_log.record("grid", [group.path])
