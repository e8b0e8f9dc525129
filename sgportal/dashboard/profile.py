"""A person's own page: who they are, and their API tokens."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ..models import ApiToken
from .pages import clean, may, needs, show

DAYS = (7, 30, 90, 365)
SCOPES = ("read", "write")


@needs("viewer")
def profile(request: HttpRequest) -> HttpResponse:
    """Who one is here, and one's tokens; a new token's text is shown this once."""
    context = {
        "tokens": ApiToken.objects.filter(user__username=request.user.get_username()),
        "days": DAYS,
        "scopes": _scopes(request),
        "fresh": request.session.pop("fresh_token", ""),
    }
    return show(request, "dashboard/profile.html", context)


def _scopes(request: HttpRequest) -> tuple[str, ...]:
    return SCOPES if may(request, "operator") else SCOPES[:1]


@require_POST
@needs("viewer")
def issue(request: HttpRequest) -> HttpResponse:
    """Make a token."""
    name = clean(request.POST.get("name", ""))[:100]
    scope, days = request.POST.get("scope", "read"), request.POST.get("days", "90")
    if not name or scope not in _scopes(request) or days not in map(str, DAYS):
        messages.warning(request, gettext("Give the token a name."))
        return redirect("profile")
    _, request.session["fresh_token"] = ApiToken.issue(request.user, name, scope, int(days))  # type: ignore[arg-type]
    return redirect("profile")


@require_POST
@needs("viewer")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a token back at once."""
    get_object_or_404(ApiToken, pk=pk, user__username=request.user.get_username()).delete()
    messages.success(request, gettext("The token no longer works."))
    return redirect("profile")
