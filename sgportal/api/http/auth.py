"""Who calls, and what they may do."""

from datetime import timedelta
from typing import Any

from django.utils import timezone, translation
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from ...access import second_factor
from ...access.endings import ROLE, end_tokens
from ...core.access.scope import Right, has_role
from ...core.text import say
from ...models import ApiToken, ServiceToken
from ...models.people import Bearer
from ...models.scopes.grants import highest
from .problems import Refusal

_NO_TOKENS = say("a token cannot create tokens; log in and create it in that session or on the page “Profile”")
USED_EVERY = timedelta(minutes=1)


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: Request) -> tuple[Any, Bearer] | None:
        """The token's user and the token, or None where no bearer token is sent."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        text = text.strip()
        token: ApiToken | ServiceToken | None
        token = ServiceToken.find(text) if text.startswith(f"{ServiceToken.KIND}_") else ApiToken.find(text)
        if token is None or (isinstance(token, ApiToken) and not _still_holds(token)):
            raise exceptions.AuthenticationFailed
        _note_use(token)
        return token.user, token

    def authenticate_header(self, _request: Request) -> str:
        """The challenge of a 401."""
        return 'Bearer realm="sgportal"'


def _still_holds(token: ApiToken) -> bool:
    """Whether the owner still has the role that the token was made with. One that does not is taken back: the role may
    be given again, the token is not."""
    if token.outlives_role:
        end_tokens(token.user, ROLE)
        return False
    return bool(token.user.is_active)


def role(request: Request) -> str:
    """What the caller is: a token never stands for more than its owner was when it was made."""
    return request.auth.role if isinstance(request.auth, Bearer) else highest(rights(request))


def rights(request: Request) -> tuple[Right, ...]:
    """What the caller may do, and for what; looked up once per request."""
    found: tuple[Right, ...] | None = getattr(request, "_sgportal_rights", None)
    if found is None:
        bearer = request.auth if isinstance(request.auth, Bearer) else None
        found = bearer.rights if bearer else second_factor.rights(request._request)
        request._sgportal_rights = found  # type: ignore[attr-defined]
    return found


def needed_role(request: Request, view: Any) -> str:
    """The least role for what a request asks of a view."""
    reading = request.method in permissions.SAFE_METHODS
    return str(getattr(view, "read_role", "viewer") if reading else getattr(view, "write_role", "operator"))


def _note_use(token: ApiToken | ServiceToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USED_EVERY:
        type(token).objects.filter(pk=token.pk).update(last_used_at=now)


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, with CSRF checked for every write."""

    def enforce_csrf(self, request: Request) -> None:
        """Refuse a write without the CSRF token."""
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise Refusal(403, say("the header X-CSRFToken is missing or wrong")) from error


class RolePermission(permissions.BasePermission):
    """Viewers read, operators write; a view may ask for another role with `read_role` and `write_role`, and name in
    `sessions_only` the methods that are not for tokens."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller may use this method here; anonymous callers are told to log in."""
        held = role(request)
        reading = request.method in permissions.SAFE_METHODS
        needed = needed_role(request, view)
        if not request.user.is_authenticated:
            return False
        if not held and not isinstance(request.auth, Bearer) and second_factor.is_missing(request._request):
            raise Refusal(403, say("this requires a second factor; set it up on the page “Profile” and log in with it"))
        if not has_role(held, needed):
            raise Refusal(403, say("this requires the role “%(needed)s”; ask an administrator", needed=needed))
        token = request.auth if isinstance(request.auth, Bearer) else None
        if token and request.method in getattr(view, "sessions_only", ()):
            raise Refusal(403, getattr(view, "only_in_sessions", _NO_TOKENS))
        if not reading and token and token.scope != "write":
            raise Refusal(403, say("this token is read-only; create one with the scope write"))
        return True


def speak(request: Request) -> None:
    """Answer in the language a person chose, where the request itself asks for none."""
    if request.headers.get("Accept-Language") or not request.user.is_authenticated:
        return
    preference = getattr(request.user, "preference", None)
    if preference and preference.language:
        translation.activate(preference.language)
