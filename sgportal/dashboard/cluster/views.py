"""The cluster as a whole: its state, and who manages the grids."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...core.plans.preview.binding import plan_id
from ...core.superedge.controller import restarting
from ...core.text import Sentence
from ...models import DataPlane, ManagementMode, UsageSource
from ...queries.capabilities import abilities
from ...queries.endpoints import annotated
from ...queries.per_unit.usage import is_measured, measured_by
from ..page.access import actor, may, needs
from ..page.agreed import agreed, as_shown, say_changed
from ..page.render import show
from ..page.tags import say

SHOWN = 100


@needs("viewer")
def cluster(request: HttpRequest) -> HttpResponse:
    """What the cluster is and holds, whether SuperEdge's controller runs, and who writes."""
    row = ManagementMode.now()
    definitions = [
        {**each, "findings": [Sentence.from_json(finding) for finding in each["findings"]]} for each in row.definitions
    ]
    lacking = any(each["findings"] or each["maker"] != "sgportal" for each in definitions)
    context = {
        "row": row,
        "can": abilities(),
        "plane": DataPlane.now(),
        "usage_by": measured_by(),
        "usage_source": UsageSource.now() if is_measured() else None,
        "definitions": definitions,
        "lacking": lacking,
        "annotated": annotated()[:SHOWN],
        "may_decide": may(request, "admin"),
    }
    return show(request, "cluster/cluster.html", context)


@needs("viewer", "units")
def banner(request: HttpRequest) -> HttpResponse:
    """Only what every page says while the portal does not write."""
    return show(request, "cluster/management_mode.html")


@needs("admin")
def take_over(request: HttpRequest) -> HttpResponse:
    """Show what taking over would do, ask, then do it."""
    try:
        if request.method == "POST":
            with as_shown(request, actions.WHOLE):
                actions.take_over(actor(request), force="force" in request.POST)
            messages.success(request, gettext("The portal manages the grids now."))
            return redirect("cluster")
        found = actions.take_over(actor(request), dry_run=True)
    except actions.PlanChanged:
        say_changed(request)
        return redirect("cluster-takeover")
    except actions.Refused as refused:
        messages.error(request, say(refused.sentence))
        return redirect("cluster")
    context = {
        "refusal": found.refusal,
        "steps": found.steps[:SHOWN],
        "total": len(found.steps),
        "harm": len(restarting([step for _, step in found.steps])),
        "plan_id": plan_id(step for _, step in found.steps),
    }
    return show(request, "cluster/takeover.html", context)


@needs("admin")
def hand_back(request: HttpRequest) -> HttpResponse:
    """Show what handing the grids back would do, ask, then do it."""
    try:
        steps, done = agreed(request, actions.WHOLE, lambda dry_run: actions.hand_back(actor(request), dry_run=dry_run))
    except actions.Refused as refused:
        messages.error(request, say(refused.sentence))
        return redirect("cluster")
    if done:
        return redirect("cluster")
    context = {"steps": steps[:SHOWN], "total": len(steps), "plan_id": plan_id(step for _, step in steps)}
    return show(request, "cluster/handback.html", context)


@require_POST
@needs("admin")
def definitions(request: HttpRequest) -> HttpResponse:
    """Replace the definitions."""
    try:
        actions.upgrade_definitions(actor(request))
    except actions.Refused as refused:
        messages.error(request, say(refused.sentence))
    return redirect("cluster")
