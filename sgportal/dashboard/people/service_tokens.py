"""The page *Service tokens*: tokens that are no person's."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...core.access.scope import ROLES
from ...core.text import Invalid
from ...models import ServiceToken
from ...models.people import DAYS
from ..page.access import actor, needs
from ..page.export import as_csv, wants_csv
from ..page.render import clean, names, show, warn_of
from .columns import SERVICE_TOKENS
from .profile import OFFERED, days_asked


@needs("admin")
def tokens(request: HttpRequest) -> HttpResponse:
    """Show the tokens; a new one's text is shown this once."""
    if wants_csv(request):
        return as_csv(request, "service-tokens", SERVICE_TOKENS, ServiceToken.objects.all())
    context = {
        "tokens": ServiceToken.objects.all(),
        "roles": ROLES,
        "days": OFFERED,
        "usual": DAYS,
        "fresh": request.session.pop("fresh_service_token", ""),
    }
    return show(request, "people/service_tokens.html", context)


@require_POST
@needs("admin")
def issue(request: HttpRequest) -> HttpResponse:
    """Make a token."""
    texts = ("name", "role", "nodeGroup", "unitSelector")
    asked: dict[str, Any] = {name: clean(request.POST.get(name, "")) for name in texts}
    asked |= {name: names(request.POST.get(name, "")) for name in ("namespaces", "nodeUnits")}
    asked["days"] = days_asked(request)
    try:
        _, request.session["fresh_service_token"] = actions.issue_service_token(asked, actor(request))
    except Invalid as invalid:
        warn_of(request, invalid)
    return redirect("service-tokens")


@require_POST
@needs("admin")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a token back at once."""
    actions.revoke_service_token(get_object_or_404(ServiceToken, pk=pk), actor(request))
    messages.success(request, gettext("Token revoked."))
    return redirect("service-tokens")
