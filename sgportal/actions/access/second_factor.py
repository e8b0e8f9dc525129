"""A person's second factor: taking one on, new recovery codes, taking it away. Each is in the audit trail."""

from django.contrib.auth.models import User
from django.db import transaction

from ...access import second_factor
from ...access.sessions import end_sessions
from ...models import SecondFactor
from ..common import Actor, note_access


def add_second_factor(
    user: User, its: second_factor.Offer, code: str, session: str | None, actor: Actor
) -> list[str] | None:
    """Make what was offered the user's second factor and end their sessions but this one, which began with the password
    alone; the recovery codes, or None where the code is wrong or there is one already."""
    with transaction.atomic():
        codes = second_factor.take_on(user, its, code)
        if codes is not None:
            note_access(actor, "second-factor-added", _path(user), None, {"sessions": end_sessions(user, session)})
    return codes


def renew_recovery_codes(user: User, actor: Actor) -> list[str]:
    """New recovery codes instead of those a user has."""
    with transaction.atomic():
        note_access(actor, "recovery-codes-renewed", _path(user))
        return second_factor.renew_recovery(user)


def remove_second_factor(user: User, session: str | None, actor: Actor) -> bool:
    """Take a user's own second factor away and end their sessions but this one, which began with what is there no
    longer; whether there was one."""
    return _remove(user, actor, "second-factor-removed", session)


def reset_second_factor(user: User, actor: Actor) -> bool:
    """Take somebody's second factor away, who lost it, and end their sessions; whether there was one."""
    return _remove(user, actor, "second-factor-reset")


def _remove(user: User, actor: Actor, verb: str, session: str | None = None) -> bool:
    with transaction.atomic():
        found = bool(SecondFactor.objects.filter(user=user).delete()[0])
        if found:
            note_access(actor, verb, _path(user))
            end_sessions(user, session)
    return found


def _path(user: User) -> str:
    return f"users/{user.get_username()}"
