"""A person's own page: who they are, and their API tokens."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...access.sessions import end_session, name_of, sessions_of
from ...core.text import Invalid
from ...models import ApiToken
from ...models.people import DAYS
from ..page.access import actor, needs, role
from ..page.export import as_csv, wants_csv
from ..page.render import clean, show, warn_of
from .columns import TOKENS

OFFERED = (7, 30, DAYS, 365)


@needs("viewer", "units")
def profile(request: HttpRequest) -> HttpResponse:
    """Who one is here, and one's tokens; a new token's text is shown this once."""
    own = ApiToken.objects.filter(user__username=request.user.get_username())
    if wants_csv(request):
        return as_csv(request, "tokens", TOKENS, own)
    context = {
        "tokens": own,
        "days": OFFERED,
        "usual": DAYS,
        "scopes": actions.scopes_of(role(request)),
        "sessions": sessions_of(cast(User, request.user)),
        "here": name_of(request.session.session_key or ""),
        "fresh": request.session.pop("fresh_token", ""),
    }
    return show(request, "people/profile.html", context)


def days_asked(request: HttpRequest) -> int:
    """How many days a token is asked for; 0, which none may have, where that is no number."""
    days = request.POST.get("days", str(DAYS))
    return int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else 0


@require_POST
@needs("viewer", "units")
def issue(request: HttpRequest) -> HttpResponse:
    """Make a token."""
    name = clean(request.POST.get("name", ""))
    scope, days = request.POST.get("scope", actions.SCOPES[0]), days_asked(request)
    try:
        _, text = actions.issue_token(request.user, name, scope, days, actor(request))  # type: ignore[arg-type]
    except Invalid as invalid:
        warn_of(request, invalid)
    else:
        request.session["fresh_token"] = text
    return redirect("profile")


@require_POST
@needs("viewer", "units")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a token back at once."""
    row = get_object_or_404(ApiToken, pk=pk, user__username=request.user.get_username())
    actions.revoke_token(row, actor(request))
    messages.success(request, gettext("Token revoked."))
    return redirect("profile")


@require_POST
@needs("viewer", "units")
def end(request: HttpRequest, session: str) -> HttpResponse:
    """End another session of one's own."""
    if not end_session(cast(User, request.user), session):
        raise Http404
    actions.note_log_in(actor(request), "session-ended")
    messages.success(request, gettext("Session ended."))
    return redirect("profile")
