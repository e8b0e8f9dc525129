"""Giving a person or a group a role in a scope, and taking it back. Each change is in the audit trail."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction

from ...core.access.reading import read_bounds, written
from ...core.access.scope import ROLES, Bounds
from ...core.text import Invalid, Problem, one_of, say
from ...models import Grant
from ..common import Actor, note_access

MAX_NAME = 150


def give_role(asked: Mapping[str, Any], actor: Actor) -> Grant:
    """Give `user` or every member of `group` (made if there is none) a `role` in the scope that the other fields say.
    Raises Invalid."""
    holder, bounds = check_role(asked)
    with transaction.atomic():
        row = Grant(role=asked["role"], user=holder if isinstance(holder, User) else None)
        if isinstance(holder, str):
            row.group = Group.objects.get_or_create(name=holder)[0]
        row.limit_to(bounds)
        row.save()
        note_access(actor, "grant-given", path_of(row), None, shown(row))
    return row


def check_role(asked: Mapping[str, Any]) -> tuple[User | str, Bounds]:
    """Whose role it is to be, a user or the name of a group, and in what bounds. Raises Invalid."""
    bounds, problems = read_bounds(asked)
    if asked["role"] not in ROLES:
        problems.append(Problem("/role", one_of(ROLES)))
    name, group = asked.get("user") or "", asked.get("group") or ""
    user = User.objects.filter(username=name).first() if name else None
    if bool(name) == bool(group):
        problems.append(Problem("", say("name either “user” or “group”, whose role it is")))
    elif name and user is None:
        problems.append(Problem("/user", say("there is no user “%(name)s”", name=name)))
    elif group in ROLES:
        text = say("“%(name)s” gives its members that role without a scope; choose another group", name=group)
        problems.append(Problem("/group", text))
    elif len(group) > MAX_NAME or "\0" in group:
        problems.append(Problem("/group", say("must have 1 to %(most)s characters", most=MAX_NAME)))
    if problems:
        raise Invalid(*problems)
    return user or group, bounds


def take_back(row: Grant, actor: Actor) -> None:
    """Take a grant back; it holds no longer from the next request on."""
    with transaction.atomic():
        note_access(actor, "grant-taken", path_of(row), shown(row), None)
        row.delete()


def path_of(row: Grant) -> str:
    """`users/<name>/grants/<number>`, or the same of a group, for the audit trail."""
    holder = f"users/{row.user.get_username()}" if row.user else f"groups/{row.group}"
    return f"{holder}/grants/{row.pk}"


def shown(row: Grant) -> dict[str, Any]:
    """A grant as the audit trail keeps it."""
    return {"role": row.role, **written(row.bounds)}
