"""What people asked to do, and what another person has to approve first."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...models.approvals import Approval
from ..page.access import actor, needs
from ..page.export import as_csv, wants_csv
from ..page.render import paged, show
from ..page.tags import full_sentence
from .columns import APPROVALS


@needs("operator", "grids")
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits, and what became of the rest."""
    if wants_csv(request):
        return as_csv(request, "approvals", APPROVALS, Approval.objects.all())
    context = {
        "page": paged(request, Approval.objects.all()),
        "me": request.user.get_username(),
        "guarded": settings.SGPORTAL_FOUR_EYES,
    }
    return show(request, "people/approvals.html", context)


@require_POST
@needs("operator", "grids")
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or refuse a request."""
    approves = request.POST.get("choice") == "approve"
    try:
        (actions.approve_request if approves else actions.refuse_request)(pk, actor(request))
    except actions.Forbidden:
        raise
    except actions.Refused as refused:
        messages.warning(request, full_sentence(refused.sentence))
    else:
        messages.success(request, gettext("Approved.") if approves else gettext("Refused."))
    return redirect("approvals")
