"""What ends when a person changes: with a new password every API token (and, by Django's own rule, every session but
the one that changed it); with a lost role or a deactivation tokens and sessions alike, for good.

Signals, so that it holds whoever makes the change: a page, the administration site, `manage.py changepassword`.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models.signals import m2m_changed, pre_delete, pre_save
from django.dispatch import receiver

from ..models import ApiToken, AuditEvent, Grant
from ..models.people import has_role, role_of
from .sessions import end_sessions

_FIELDS = {"password", "is_active", "is_superuser"}
PASSWORD, ROLE = "password", "role"  # why it ends


def end_tokens(user: User, why: str) -> None:
    """Take back every API token of a person."""
    count, _ = ApiToken.objects.filter(user=user).delete()
    _note(user, why, tokens=count)


def end_access(user: User, why: str) -> None:
    """End every session of a person, and take back every token."""
    with transaction.atomic():
        count, _ = ApiToken.objects.filter(user=user).delete()
        _note(user, why, tokens=count, sessions=end_sessions(user))


def _note(user: User, why: str, **ended: int) -> None:
    if any(ended.values()):
        AuditEvent.objects.create(
            kind=AuditEvent.Kind.ACCESS,
            actor="sgportal",
            verb="access-ended",
            path=f"users/{user.get_username()}",
            after={"why": why, **ended},
        )


@receiver(pre_save, sender=User)
def _before_a_person_is_saved(instance: User, raw: bool, update_fields: Iterable[str] | None, **_: Any) -> None:
    if raw or instance.pk is None or not (update_fields is None or _FIELDS.intersection(update_fields)):
        return
    before = User.objects.filter(pk=instance.pk).first()
    if before is None:
        return
    if _is_new_password(before, instance):
        end_tokens(before, PASSWORD)
    _end_if_lowered(before)


def _is_new_password(before: User, after: User) -> bool:
    """Whether the password is another, not only hashed anew: then Django forgets the text before it saves."""
    anew = getattr(after, "_password", None) is None and after.has_usable_password()
    return before.password != after.password and not anew


@receiver(m2m_changed, sender=User.groups.through)
def _before_roles_change(instance: User | Group, action: str, pk_set: set[int] | None, **_: Any) -> None:
    if action not in ("pre_remove", "pre_clear"):
        return
    if isinstance(instance, User):
        _end_if_lowered(instance)
    else:
        members = instance.user_set.all()
        for user in members if pk_set is None else members.filter(pk__in=pk_set):
            _end_if_lowered(user)


@receiver(pre_delete, sender=Group)
def _before_a_role_goes(instance: Group, **_: Any) -> None:
    for user in instance.user_set.all():
        _end_if_lowered(user)


@receiver(pre_delete, sender=Grant)
def _before_a_grant_goes(instance: Grant, **_: Any) -> None:
    for user in [instance.user] if instance.user else instance.group.user_set.all() if instance.group else ():
        _end_if_lowered(user)


def _end_if_lowered(before: User) -> None:
    """End a person's access if what is under way leaves them a lower role than they have now."""
    role = role_of(before)
    if role:
        transaction.on_commit(lambda: _compare(before.pk, role))


def _compare(pk: int, before: str) -> None:
    user = get_user_model().objects.filter(pk=pk).first()
    if user is not None and not has_role(role_of(user), before):
        end_access(user, ROLE)
