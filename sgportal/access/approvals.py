"""Four eyes: actions that a person carries out only after another has approved exactly that plan."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from ..core.access.four_eyes import Action, as_shown
from ..models.approvals import Approval
from ..models.scopes.current import within
from ..models.scopes.grants import rights_of
from .scope import OutOfScope, readable

SEVERAL = ("nodes", "decisions")  # paths of whatever is chosen there: a request is not about what another is about


@dataclass(frozen=True, slots=True)
class Asked:
    """What `actor` (a user name) wants done: to what is at `path`, by the plan with this id, `shown` as JSON."""

    actor: str
    action: Action
    path: str
    plan: str
    shown: Any


def is_guarded(action: Action) -> bool:
    """Whether this takes two people here."""
    return action in settings.SGPORTAL_FOUR_EYES


def spend(asked: Asked) -> str:
    """Who approved just this, which counts no longer; "" for nobody. It belongs into the write's own transaction."""
    rows = Approval.objects.select_for_update().filter(Approval.living(), state=Approval.State.APPROVED)
    row = rows.filter(actor=asked.actor, action=asked.action, path=asked.path, plan=asked.plan).first()
    if row is None or not _stands(row):
        return ""
    row.state = Approval.State.DONE
    row.save()
    return row.decided_by


def _stands(row: Approval) -> bool:
    """Whether a request was not approved yet, or by a person who may still do so: who was locked out, lost the role or
    is gone by now is no second person."""
    if row.state != Approval.State.APPROVED:
        return True
    person = User.objects.filter(username=row.decided_by).first()
    if person is None:
        return False
    try:
        scope = readable(rights_of(person), "grids", "operator")
    except OutOfScope:
        return False
    with within(scope, scope):
        return Approval.objects.filter(pk=row.pk).exists()


def ask(asked: Asked) -> tuple[Approval, bool]:
    """Ask for an approval, and whether that is new. What the same person asked before for a plan that is another by now
    counts no longer; of SEVERAL things any number of requests may wait."""
    rows = Approval.objects.filter(Approval.living(), actor=asked.actor, action=asked.action, path=asked.path)
    if asked.path not in SEVERAL:
        rows.exclude(plan=asked.plan).update(state=Approval.State.OUTDATED)
    row = rows.filter(plan=asked.plan).first()
    if row is not None and _stands(row):
        return row, False
    if row is not None:
        row.state = Approval.State.OUTDATED
        row.save()
    expires = timezone.now() + timedelta(seconds=settings.SGPORTAL_FOUR_EYES_SECONDS)
    made = Approval.objects.create(
        actor=asked.actor,
        action=asked.action,
        path=asked.path,
        plan=asked.plan,
        shown=as_shown(asked.shown),
        expires_at=expires,
    )
    return made, True
