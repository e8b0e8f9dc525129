"""A ServiceGroup that is being deleted: its members go first, which a finalizer on its custom resource waits for."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from ...cluster import MERGE_PATCH, Cluster, NotFound
from ...core.grids.group import KIND, PLURAL
from ...core.names import MEMBERS_FINALIZER, OWN_GROUP
from ...core.status.package import ACCEPTED
from ...core.status.parts import Condition
from ...core.text import say
from ...models import AuditEvent, Grid, ServiceGroup
from ...models.bulk import update_in_order
from ..queue import change_log, workqueue
from ..queue.together import requests_together
from . import orphaning, status
from .members import Refusal, begin_deletion, check_brake, check_propagation, keeps_members

Body = Mapping[str, Any]
MEMBERS_GOING = 1.0  # seconds until another look while members go
HELD = 30.0  # while a person is waited for: fewer grids may be there than then


def begin(group: ServiceGroup, body: Body, cluster: Cluster) -> float | None:
    """Somebody is deleting the custom resource: the members are deleted as well, unless too many are; with
    `--cascade=orphan` they stay, and as long as it cannot be told whether that was asked. If the definition or the
    namespace goes nothing is deleted for it. Seconds until it wants another look, or None. Raises ClusterError."""
    if _is_going_with_its_place(group, cluster):
        _release(group, body, cluster)
        ServiceGroup.objects.filter(pk=group.pk).update(cluster_uid="", cluster_generation=0, **orphaning.UNASKED)
        return None
    if _is_another(body, group):
        _release(group, body, cluster)  # it was never taken in, and says nothing of the one that was
        return MEMBERS_GOING
    orphaning.look(group, body, cluster)
    try:
        with transaction.atomic(), requests_together():
            row = ServiceGroup.objects.select_for_update().get(pk=group.pk)
            if _is_another(body, row):
                return MEMBERS_GOING  # another of that name was taken in meanwhile
            _decide(row, body)
    except Refusal as refusal:
        ServiceGroup.objects.filter(pk=group.pk, held_since=None).update(held_since=timezone.now())
        held = Condition("Deleting", "False", refusal.condition.reason, refusal.condition.sentence)
        status.write(group, body, status.record(group, ACCEPTED, held), cluster)
        return HELD
    group.refresh_from_db()
    return go_on(group, body, cluster)


def _is_another(body: Body, group: ServiceGroup) -> bool:
    """Whether a custom resource is not the one that was taken in, but another of its name."""
    return bool(body["metadata"]["uid"] != group.cluster_uid != "")


def _decide(row: ServiceGroup, body: Body) -> None:
    """Note that a package, whose row is locked, is deleted with its members. Raises Refusal."""
    members = [each for each in Grid.objects.filter(group=row).locked() if not each.deleting_since]
    row.orphaning = row.orphaning or keeps_members(body)
    if not row.orphaning:
        check_propagation(row.propagation_known, body)
        check_brake(len(members), body)
    if not row.deleting_since:
        row.deleting_since, row.held_since = timezone.now(), None
        row.save()
        AuditEvent.objects.observe("delete", row.path, before=row.manifest())
    for grid in members if not row.orphaning else ():
        begin_deletion(grid)
    change_log.record("grid", [row.path])


def go_on(group: ServiceGroup, body: Body | None, cluster: Cluster) -> float | None:
    """The deletion of a package, once it is decided. Raises ClusterError."""
    if body is not None and _is_another(body, group):
        _forget(group)  # what was to go has gone; somebody made another of that name
        return 0.0
    if body is not None and not body["metadata"].get("deletionTimestamp"):
        cluster.delete(KIND, group.namespace, group.name, uid=body["metadata"]["uid"])
        return MEMBERS_GOING
    if group.orphaning:
        update_in_order(Grid.objects.filter(group=group), group=None)
    else:
        _leave_out_made_again(group)
    if left := group.grids.count():
        if body is not None:
            text = say("%(count)s members are being deleted", count=left)
            going = Condition("Deleting", "True", "MembersGoing", text)
            status.write(group, body, status.record(group, ACCEPTED, going), cluster)
        return MEMBERS_GOING
    if body is not None:
        _release(group, body, cluster)
        return MEMBERS_GOING
    cluster.confirm()
    _forget(group)
    return None


def _leave_out_made_again(group: ServiceGroup) -> None:
    """A grid that is not being deleted, as all members are, was made again under the name of one: it is no member."""
    with transaction.atomic(), requests_together():
        again = list(Grid.objects.filter(group=group, deleting_since=None).locked())
        Grid.objects.filter(pk__in=[grid.pk for grid in again]).update(group=None)
        change_log.record("grid", [grid.path for grid in again])
        workqueue.enqueue(grid.path for grid in again)


def _forget(group: ServiceGroup) -> None:
    group.delete()
    change_log.record("grid", [group.path])


def _release(group: ServiceGroup, body: Body, cluster: Cluster) -> None:
    metadata = body["metadata"]
    left = [each for each in metadata.get("finalizers") or () if each != MEMBERS_FINALIZER]
    patch = {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": left}}
    try:
        cluster.patch(KIND, group.namespace, group.name, patch, MERGE_PATCH)
    except NotFound:
        return


def _is_going_with_its_place(group: ServiceGroup, cluster: Cluster) -> bool:
    """Whether the definition, or the namespace, is being deleted, which says nothing of this package."""
    definition = cluster.get("CustomResourceDefinition", "", f"{PLURAL}.{OWN_GROUP}")
    spaces = cluster.list("Namespace", field_selector=f"metadata.name={group.namespace}").items
    return any(each is None or each["metadata"].get("deletionTimestamp") for each in (definition, *spaces))
