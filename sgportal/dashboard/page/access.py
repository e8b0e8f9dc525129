"""Who may open a page, who acts, and the answers to what is forbidden, gone or out of reach."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from ...actions import Actor, Forbidden, NotFound, ReadOnly, Unavailable
from ...models import Journal
from ...models.people import has_role, role_of
from ...queries.freshness import Freshness, freshness
from .gone import gone, is_back
from .render import show

View = Callable[..., HttpResponse]


def role(request: HttpRequest) -> str:
    """The role of whoever asks, looked up once per request."""
    if not hasattr(request, "_sgportal_role"):
        user = getattr(request, "user", None)
        request._sgportal_role = role_of(user) if user else ""  # type: ignore[attr-defined]
    return str(request._sgportal_role)  # type: ignore[attr-defined]


def revision(request: HttpRequest) -> str:
    """The journal's revision before the page was read, from where its script listens; "" for a part of a page."""
    return str(getattr(request, "_sgportal_revision", ""))


def fresh(request: HttpRequest) -> Freshness:
    """How old the news is, looked up once per request."""
    if not hasattr(request, "_sgportal_freshness"):
        request._sgportal_freshness = freshness()  # type: ignore[attr-defined]
    return request._sgportal_freshness  # type: ignore[attr-defined, no-any-return]


def may(request: HttpRequest, needed: str) -> bool:
    """Whether whoever asks has at least the role `needed`."""
    return has_role(role(request), needed)


def needs(needed: str) -> Callable[[View], View]:
    """Open a view to this role and those above it; send strangers to the log-in."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_login(request)
            if not may(request, needed):
                raise PermissionDenied
            if any("\0" in str(each) for each in kwargs.values()):
                raise Http404  # no database of ours holds such a name, and one of them would object
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
            except Forbidden as error:
                return show(request, "403.html", {"sentence": error.sentence}, status=403)
            except ReadOnly as error:
                return show(request, "409.html", {"sentence": error.sentence}, status=409)
            return HttpResponse(status=204, headers={"HX-Refresh": "true"}) if is_back(request) else answer

        guarded.needs = needed  # type: ignore[attr-defined]
        return guarded

    return wrap


def _to_login(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())


def unavailable(request: HttpRequest, error: Unavailable) -> HttpResponse:
    """The page for what needs the cluster at once while it cannot be reached."""
    answer = render(request, "503.html", {"error": error}, status=503)
    answer["Retry-After"] = str(round(error.retry_after))
    return answer


def actor(request: HttpRequest) -> Actor:
    """Who acts, for the audit trail."""
    return Actor(request.user.get_username(), "page", request.META.get("REMOTE_ADDR") or "")
