"""Approving, or refusing, what another person asked to do."""

from django.db import transaction
from django.utils import timezone

from ...core.text import say
from ...models.approvals import OPEN, Approval
from ..common import Actor, Forbidden, NotFound, Refused, note


def approve_request(pk: int, actor: Actor) -> Approval:
    """Let the person who asked carry it out, once. Raises NotFound, Forbidden to that person, Refused where it waits no
    longer."""
    return _decide(pk, actor, Approval.State.APPROVED, "approval-given")


def refuse_request(pk: int, actor: Actor) -> Approval:
    """Refuse it, or, for the person who asked, take it back, also after it was approved. Raises NotFound, Refused."""
    return _decide(pk, actor, Approval.State.REFUSED, "approval-refused")


def _decide(pk: int, actor: Actor, state: Approval.State, verb: str) -> Approval:
    with transaction.atomic():
        row = Approval.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            raise NotFound(f"approvals/{pk}")
        approves = state == Approval.State.APPROVED
        if approves and row.actor == actor.name:
            raise Forbidden(say("another person must approve this, not the one who asks"))
        if row.status not in ((Approval.State.WAITING,) if approves else OPEN):
            raise Refused(say("this request no longer waits for anybody"))
        row.state, row.decided_by, row.decided_at = state, actor.name, timezone.now()
        row.save()
        note(actor, verb, row.path, None, {"action": row.action, "asked": row.actor, "plan": row.plan})
    return row
