"""What waits for a person: everything stops, and somebody says what is right."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from .. import actions
from ..core.fleet.halt import Reason, outcome
from ..models import ManagedCluster
from .pages import actor, clean, needs, show
from .tags import say


@needs("viewer")
def decisions(request: HttpRequest) -> HttpResponse:
    """Show what waits for a person."""
    row = ManagedCluster.now()
    choices = [(each, outcome(cast(Reason, row.halt), each)) for each in row.choices]
    return show(request, "dashboard/decisions.html", {"row": row, "choices": choices})


@needs("operator")
def decide(request: HttpRequest) -> HttpResponse:
    """Show what a choice leads to, ask, then do it."""
    row = ManagedCluster.now()
    choice = next((each for each in row.choices if each == clean(request.POST.get("choice", ""))), None)
    if request.method != "POST" or choice is None:
        return redirect("decisions")
    if "confirm" not in request.POST:
        context = {"row": row, "choice": choice, "outcome": outcome(cast(Reason, row.halt), choice)}
        return show(request, "dashboard/decision.html", context)
    try:
        actions.decide(choice, clean(request.POST.get("halt", "")), actor(request))
    except actions.Stale:
        messages.error(request, gettext("What was shown is no longer so. Look again, then decide."))
        return redirect("decisions")
    except actions.Refused as refused:
        messages.error(request, say(refused.sentence))
        return redirect("decisions")
    messages.success(request, gettext("The portal writes to the cluster again."))
    return redirect("overview")
