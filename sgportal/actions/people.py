"""API tokens, and the trail of who came and went."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractUser

from ..core.access.reading import read_bounds, written
from ..core.text import Invalid, Problem, one_of, say, up_to
from ..core.timestamps import rfc3339
from ..models import ApiToken
from ..models.people import has_role, role_of
from .common import Actor, note_access

SCOPES = ("read", "write")
MAX_DAYS = 366
MAX_NAME = 100


def scopes_of(role: str) -> tuple[str, ...]:
    """The scopes that a token of somebody with this role may have."""
    return SCOPES if has_role(role, "operator") else SCOPES[:1]


def issue_token(
    owner: AbstractUser, name: str, scope: str, days: int, actor: Actor, limits: Mapping[str, Any] | None = None
) -> tuple[ApiToken, str]:
    """Make a token, and its text, which is not kept; `limits` are its bounds as people write them. Raises Invalid."""
    bounds, problems = read_bounds(limits or {})
    if not 1 <= len(name) <= MAX_NAME:
        problems.append(Problem("/name", say("must have 1 to %(most)s characters", most=MAX_NAME)))
    if scope not in SCOPES:
        problems.append(Problem("/scope", one_of(SCOPES)))
    elif scope not in scopes_of(role_of(owner)):
        problems.append(Problem("/scope", say("must be “read”: your role may not write, and no token may do more")))
    if not 1 <= days <= MAX_DAYS:
        problems.append(Problem("/days", up_to(MAX_DAYS)))
    if problems:
        raise Invalid(*problems)
    row, text = ApiToken.issue(owner, name, scope, days, bounds=bounds)
    note_access(actor, "token-issued", _path(row), None, _shown(row))
    return row, text


def revoke_token(row: ApiToken, actor: Actor) -> None:
    """Take a token back at once."""
    note_access(actor, "token-revoked", _path(row), _shown(row), None)
    row.delete()


def note_log_in(actor: Actor, verb: str) -> None:
    """Leave in the audit trail what somebody did at the door: log-in, login-failed, login-refused, log-out,
    password-changed."""
    note_access(actor, verb, f"users/{actor.name}")


def _path(row: ApiToken) -> str:
    return f"users/{row.user.get_username()}/tokens/{row.prefix}"


def _shown(row: ApiToken) -> dict[str, Any]:
    until = rfc3339(row.expires_at)
    return {"name": row.name, "scope": row.scope, "role": row.role, "expiresAt": until, **written(row.bounds)}
