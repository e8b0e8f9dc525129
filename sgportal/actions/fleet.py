"""What a person decides while everything stops."""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from ..core.fleet.halt import ANOTHER_CLUSTER, CHILDREN_GONE, DEFINITIONS_GONE, FOLLOW, GRIDS_GONE, NODES_GONE, RESTORE
from ..core.grids.kinds import CHILD_KINDS
from ..core.shards import Shard
from ..core.text import say
from ..models import Child, Grid, ManagedCluster, Node, NodeLabel, Pod, ResourceSync, Slice
from ..models.usage import MEASURED
from ..queries.held import HeldPlan, plan_of_halt
from ..reconciler.fleet import halt, lost_labels
from ..reconciler.grids.resource.absence import NOT_MISSING
from ..reconciler.queue import change_log, workqueue
from .common import Actor, Refused, Stale, asking, check_agreed, note, second_person
from .held import NEVER_PUT_THERE, settle_missing

PATH = "cluster"


@asking
def decide(choice: str, halt_id: str, actor: Actor, *, dry_run: bool = False) -> HeldPlan:
    """Go on after a halt: `choice` is one of the row's `choices`, `halt_id` names the halt that the person was shown.
    What that comes to; with `dry_run` nothing is done. Raises Refused, Stale, PlanChanged, NeedsApproval."""
    with transaction.atomic():
        row = ManagedCluster.locked()
        if not row.halt:
            raise Refused(say("there are no pending decisions"))
        if halt_id != row.halt_id:
            raise Stale(row)
        if choice not in row.choices:
            raise Refused(say("not a valid choice; it must be one of %(kinds)s", kinds=", ".join(row.choices)))
        if not dry_run:
            list(Grid.objects.missing().locked().values_list("pk"))
        planned = plan_of_halt(row, choice)
        if dry_run:
            return planned
        check_agreed(lambda: planned.id)
        before = {"halt": row.halt, **row.facts}
        _CARRY_OUT[row.halt](row, choice)
        row.halt, row.halted_at, row.facts = "", None, {}
        row.decision, row.decided_by, row.decided_at = choice, actor.name, timezone.now()
        row.save()
        note(actor, choice, PATH, before, {"uid": row.uid})
        second_person(actor, "decide", PATH, planned.id, {"choice": choice, **before})
        change_log.record("cluster", [halt.CHANGE_LOG_KEY])
        halt.wake()
    return planned


def _accept_grids(_row: ManagedCluster, choice: str) -> None:
    settle_missing(Grid.objects.missing(), choice == RESTORE)


def _accept_nodes(_row: ManagedCluster, _choice: str) -> None:
    Node.objects.all().delete()


def _accept_children(row: ManagedCluster, _choice: str) -> None:
    rows = Child.objects.of_grids().filter(kind=CHILD_KINDS[row.facts["resource"]])
    shard = Shard.read(row.facts.get("shard", ""))
    if shard.is_whole:
        rows.delete()
        return
    places = rows.values_list("pk", "namespace", "name")
    rows.filter(pk__in=[pk for pk, namespace, name in places if shard.owns(f"{namespace}/{name}")]).delete()


def _accept_cluster(row: ManagedCluster, choice: str) -> None:
    """The grids belong to the cluster that is there from now on: either it gets them all, or those that it does not
    have go. What was seen of the one before is of no use; the watch reads all of the new one before anything is
    written."""
    row.uid, row.since = str(row.facts["seen"]), timezone.now()
    if choice == RESTORE:
        Grid.objects.update(**NEVER_PUT_THERE, **NOT_MISSING)
        row.lost_labels = lost_labels.gather()
        workqueue.enqueue([lost_labels.KEY], urgent=True)
    elif choice == FOLLOW:
        Grid.objects.update(may_be_forgotten=True)
    for model in (NodeLabel, Node, Pod, Child, Slice, *MEASURED):
        model._default_manager.all().delete()
    ResourceSync.objects.update(synced_at=None)


_CARRY_OUT: dict[str, Callable[[ManagedCluster, str], None]] = {
    ANOTHER_CLUSTER: _accept_cluster,
    DEFINITIONS_GONE: _accept_grids,
    GRIDS_GONE: _accept_grids,
    NODES_GONE: _accept_nodes,
    CHILDREN_GONE: _accept_children,
}
