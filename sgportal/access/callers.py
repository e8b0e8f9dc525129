"""Who has something open that lasts, and what they may do now: asked again while it lasts, of all of them at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from ..core.access.scope import Right
from ..models import ApiToken, AuditEvent, ServiceToken
from ..models.people import Bearer, rights_by_token
from ..models.scopes.clusters import every
from ..models.scopes.grants import held_by
from . import second_factor


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and by what. `user` is the key of a user (0: a service token's); `session` that of a session ("": by a
    token), which holds while the user's password does (`proof`), `proven`: it began with more than a password; `token`
    is the key of a token."""

    user: int = 0
    session: str = ""
    proof: str = ""
    proven: bool = False
    token: int = 0


def caller_of(request: HttpRequest, bearer: Bearer | None = None) -> Caller:
    """Who asks by a token, or by the session of the request."""
    if bearer is not None:
        return Caller(bearer.user_id if isinstance(bearer, ApiToken) else 0, token=bearer.pk)
    user: Any = request.user
    key = request.session.session_key or ""
    return Caller(user.pk, key, user.get_session_auth_hash(), second_factor.is_proven(request))


def rights_now(callers: Collection[Caller]) -> dict[Caller, tuple[Right, ...]]:
    """What each of them may do now; nothing for whose session or token has ended. Seven queries at most, however many
    they are."""
    users = _users({each.user for each in callers if each.user})
    sessions = _sessions({each.session for each in callers if each.session})
    own = _by_key(ApiToken, {each.token for each in callers if each.user and each.token})
    service = _by_key(ServiceToken, {each.token for each in callers if not each.user and each.token})
    found: dict[Caller, tuple[Right, ...]] = {}
    for each in callers:
        user = users.get(each.user)
        if each.session:
            found[each] = _by_session(each, user) if user and each.session in sessions else ()
        elif each.user:
            found[each] = _by_token(own.get(each.token), user)
        else:
            found[each] = token.rights if (token := service.get(each.token)) else ()
    return found


def newest_change() -> int:
    """The number of the last entry about people in the audit trail: while it stays, nobody's rights were changed by a
    door of ours. One query."""
    of_people = every(AuditEvent).filter(kind=AuditEvent.Kind.ACCESS).order_by("-at", "-pk")
    return of_people.values_list("pk", flat=True).first() or 0


def _users(keys: Collection[int]) -> dict[int, User]:
    if not keys:
        return {}
    rows = get_user_model()._default_manager.filter(pk__in=keys, is_active=True).select_related("oidc")
    return {each.pk: each for each in rows.prefetch_related("grants", "groups__grants")}


def _sessions(keys: Collection[str]) -> set[str]:
    if not keys:
        return set()
    return set(Session.objects.filter(pk__in=keys, expire_date__gt=timezone.now()).values_list("pk", flat=True))


def _by_key(model: Any, keys: Iterable[int]) -> dict[int, Any]:
    keys = set(keys)
    return {each.pk: each for each in model.objects.filter(pk__in=keys, expires_at__gt=timezone.now())} if keys else {}


def _by_session(caller: Caller, user: User) -> tuple[Right, ...]:
    if user.get_session_auth_hash() != caller.proof:
        return ()
    held = held_by(user)
    return () if second_factor.falls_short(user, caller.proven, lambda: held) else held


def _by_token(token: ApiToken | None, user: User | None) -> tuple[Right, ...]:
    if token is None or user is None:
        return ()
    token.owners = rights_by_token(user, held_by)
    return () if token.outlives_role else token.rights
