"""Service tokens: made and revoked by an admin. Each change is in the audit trail."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from ...core.access.reading import read_bounds, written
from ...core.access.scope import ROLES
from ...core.names import object_name_problem
from ...core.text import Invalid, Problem, one_of, say, up_to
from ...core.timestamps import rfc3339
from ...models import ServiceToken
from ...models.people import DAYS
from ..common import Actor, note_access
from ..people import MAX_DAYS, MAX_NAME


def issue_service_token(asked: Mapping[str, Any], actor: Actor) -> tuple[ServiceToken, str]:
    """Make a token from `name`, `role`, `days` and the fields of its bounds, and its text, which is not kept. Raises
    Invalid."""
    bounds, problems = read_bounds(asked)
    name, days = asked["name"], DAYS if asked.get("days") is None else asked["days"]
    if problem := object_name_problem(name):
        problems.append(Problem("/name", problem))
    elif len(name) > MAX_NAME:
        problems.append(Problem("/name", say("must have 1 to %(most)s characters", most=MAX_NAME)))
    elif ServiceToken.objects.filter(name=name).exists():
        problems.append(Problem("/name", say("“%(name)s” already exists", name=name)))
    if asked["role"] not in ROLES:
        problems.append(Problem("/role", one_of(ROLES)))
    if not 1 <= days <= MAX_DAYS:
        problems.append(Problem("/days", up_to(MAX_DAYS)))
    if problems:
        raise Invalid(*problems)
    with transaction.atomic():
        row, text = ServiceToken.issue(name, asked["role"], days, bounds)
        note_access(actor, "token-issued", _path(row), None, _shown(row))
    return row, text


def revoke_service_token(row: ServiceToken, actor: Actor) -> None:
    """Take a token back at once."""
    with transaction.atomic():
        note_access(actor, "token-revoked", _path(row), _shown(row), None)
        row.delete()


def _path(row: ServiceToken) -> str:
    return f"service-tokens/{row.name}"


def _shown(row: ServiceToken) -> dict[str, Any]:
    return {"name": row.name, "role": row.role, "expiresAt": rfc3339(row.expires_at), **written(row.bounds)}
