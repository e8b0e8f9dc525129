"""What a person decides while everything stops."""

from django.db import transaction
from django.utils import timezone

from ..core.fleet.halt import ANOTHER_CLUSTER, FOLLOW, RESTORE
from ..core.text import say
from ..models import Child, Grid, ManagedCluster, Mirror, Node, NodeLabel, Pod, Slice
from ..reconciler.fleet import halt, lost_labels
from ..reconciler.queue import change_log, workqueue
from .common import Actor, Refused, Stale, note

PATH = "cluster"


def decide(choice: str, halt_id: str, actor: Actor) -> ManagedCluster:
    """Go on after a halt: `choice` is one of the row's `choices`, `halt_id` names the halt that the person was shown.
    The row afterwards. Raises Refused, Stale."""
    with transaction.atomic():
        row = ManagedCluster.locked()
        if not row.halt:
            raise Refused(say("nothing waits for a decision: the portal writes to its cluster"))
        if halt_id != row.halt_id:
            raise Stale(row)
        if choice not in row.choices:
            raise Refused(say("this cannot be chosen here; it must be one of %(kinds)s", kinds=", ".join(row.choices)))
        before = {"halt": row.halt, **row.facts}
        if row.halt == ANOTHER_CLUSTER:
            _accept_cluster(row, choice)
        row.halt, row.halted_at, row.facts = "", None, {}
        row.decision, row.decided_by, row.decided_at = choice, actor.name, timezone.now()
        row.save()
        note(actor, choice, PATH, before, {"uid": row.uid})
        change_log.record("cluster", [halt.CHANGE_LOG_KEY])
        halt.wake()
    return row


def _accept_cluster(row: ManagedCluster, choice: str) -> None:
    """The grids belong to the cluster that is there from now on: either it gets them all, or those that it does not
    have go. What was seen of the one before is of no use; the watch reads all of the new one before anything is
    written."""
    row.uid, row.since = str(row.facts["seen"]), timezone.now()
    if choice == RESTORE:
        Grid.objects.update(cluster_uid="", cluster_generation=0, pushed_generation=0)
        row.lost_labels = lost_labels.gather()
        workqueue.request([lost_labels.KEY], urgent=True)
    elif choice == FOLLOW:
        Grid.objects.update(may_be_forgotten=True)
    for model in (NodeLabel, Node, Pod, Child, Slice):
        model._default_manager.all().delete()
    Mirror.objects.update(synced_at=None)
