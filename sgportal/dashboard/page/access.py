"""Who may open a page, who acts, and the answers to what is forbidden, gone or out of reach."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import gettext

from ...access import second_factor
from ...access.scope import Awareness, OutOfScope, readable
from ...actions import Actor, Forbidden, NeedsApproval, NotFound, ReadOnly, Unavailable
from ...core.access.scope import NOTHING, Right, Scope, has_role
from ...models import Journal
from ...models.scopes.current import within
from ...models.scopes.grants import highest
from ...queries.freshness import Freshness, freshness_of_pages
from .gone import gone, is_back
from .render import show

View = Callable[..., HttpResponse]


def role(request: HttpRequest) -> str:
    """The highest role of whoever asks, in whatever scope."""
    return highest(rights(request))


def rights(request: HttpRequest) -> tuple[Right, ...]:
    """What whoever asks may do, and for what: nothing while a second factor is missing. Looked up once per request."""
    if not hasattr(request, "_sgportal_rights"):
        request._sgportal_rights = second_factor.rights(request) if hasattr(request, "user") else ()  # type: ignore[attr-defined]
    return request._sgportal_rights  # type: ignore[attr-defined, no-any-return]


def revision(request: HttpRequest) -> str:
    """The journal's revision before the page was read, from where its script listens; "" for a part of a page."""
    return str(getattr(request, "_sgportal_revision", ""))


def fresh(request: HttpRequest) -> Freshness:
    """How old the news is, looked up once per request."""
    if not hasattr(request, "_sgportal_freshness"):
        request._sgportal_freshness = freshness_of_pages()  # type: ignore[attr-defined]
    return request._sgportal_freshness  # type: ignore[attr-defined, no-any-return]


def may(request: HttpRequest, needed: str) -> bool:
    """Whether whoever asks has at least the role `needed`."""
    return has_role(role(request), needed)


def needs(needed: str, scoped: Awareness = "", password_alone: bool = False) -> Callable[[View], View]:
    """Open a view to this role and those above it; send strangers to the log-in, and on to a second factor who must
    have one, unless `password_alone` is enough. It finds and changes what that role is held for; `scoped` says how
    much of a limited scope it keeps (`access.scope`), else it is not there for it."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_login(request)
            if second_factor.is_missing(request):
                if not password_alone:
                    return redirect("second-factor")
                with within(NOTHING, NOTHING):
                    return inside(request, *args, **kwargs)
            if not may(request, needed):
                raise PermissionDenied
            if any("\0" in str(each) for each in kwargs.values()):
                raise Http404  # no database of ours holds such a name, and one of them would object
            try:
                scope = readable(rights(request), scoped, needed)
            except OutOfScope as out:
                if out.is_known or Scope.of(rights(request), "viewer").is_all:
                    raise PermissionDenied from None
                raise Http404 from None
            with within(scope, scope if has_role(needed, "operator") else NOTHING):
                return inside(request, *args, **kwargs)

        def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not getattr(request, "htmx", None):
                request._sgportal_revision = str(Journal.newest())  # type: ignore[attr-defined]
            try:
                answer = view(request, *args, **kwargs)
            except NotFound as error:
                return gone(request, Http404(str(error)))
            except Http404 as error:
                return gone(request, error)
            except Unavailable as error:
                return unavailable(request, error)
            except NeedsApproval as error:
                messages.warning(request, capfirst(error.sentence.render(gettext)))
                return redirect("approvals")
            except Forbidden as error:
                return show(request, "403.html", {"sentence": error.sentence}, status=403)
            except ReadOnly as error:
                return show(request, "409.html", {"sentence": error.sentence}, status=409)
            return HttpResponse(status=204, headers={"HX-Refresh": "true"}) if is_back(request) else answer

        guarded.needs = needed  # type: ignore[attr-defined]
        guarded.scoped = scoped  # type: ignore[attr-defined]
        return guarded

    return wrap


def _to_login(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else _form_of(request))


def _form_of(request: HttpRequest) -> str:
    """The page whose form was sent: what it was sent to may not be there to be read."""
    place = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(place, {request.get_host()}, require_https=request.is_secure()):
        return reverse("overview")
    return urlsplit(place)._replace(scheme="", netloc="", fragment="").geturl()


def unavailable(request: HttpRequest, error: Unavailable) -> HttpResponse:
    """The page for what needs the cluster at once while it cannot be reached."""
    answer = render(request, "503.html", {"error": error}, status=503)
    answer["Retry-After"] = str(round(error.retry_after))
    return answer


def actor(request: HttpRequest) -> Actor:
    """Who acts, for the audit trail."""
    return Actor(request.user.get_username(), "page", request.META.get("REMOTE_ADDR") or "")
