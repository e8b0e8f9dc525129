"""The rollout of a ServiceGroup: how far its members are, and what is asked of them as one."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext

from ... import actions
from ...core.plans.preview.binding import id_of, plan_id
from ...core.rollouts.progress import sentence_of, sentence_of_package
from ...core.rollouts.verbs import Verb
from ...core.text import Invalid
from ...models import GridUnit, RolloutUnit, ServiceGroup
from ...queries.per_unit.rollouts import Together, together
from ..page.access import actor, needs
from ..page.agreed import as_all_shown, say_changed, say_why
from ..page.render import clean, show
from .address import rollout_url, unit_url
from .rollout_verbs import TOLD
from .rollout_waves import FAILED_BY, LOOK, PHASES, told

MOST_CAUSES = 20


def panel(group: ServiceGroup) -> dict[str, Any]:
    """What the page of a package shows of its rollout; nothing where it has none."""
    found = together(group)
    if found is None:
        return {}
    now = found.as_one()
    return {
        "rollout": True,
        **told(found.strategy, now.state, now.seconds, now.to_approval, partial(now.possible_of, found.strategy)),
        "counted": gettext("Workloads"),
        "sentence": sentence_of_package(found.strategy, now.state),
        "verbs": now.possible,
        "members": [
            {
                "grid": grid,
                "href": rollout_url(grid),
                "phase": PHASES[state.phase],
                "look": LOOK[state.phase],
                "wave": found.strategy.title(state.wave),
                "done": len(state.at("done")),
                "failed": len(state.at("failed")),
                "total": len(state.members),
                "sentence": sentence_of(found.strategy, state),
                "takes_part": grid.path in now.parts,
            }
            for grid, _, state in found.members
        ],
        "causes": _causes(found),
        "failed": len(now.state.at("failed")),
    }


def _causes(found: Together) -> list[dict[str, Any]]:
    """The first of the workloads that have failed, each with what its state says. Two queries."""
    rollouts = [rollout for _, rollout, _ in found.members]
    failed = RolloutUnit.objects.filter(rollout__in=rollouts, turn="failed").select_related("rollout__grid")
    units = list(failed.order_by("wave", "name", "pk")[:MOST_CAUSES])
    named = Q(pk__in=[])
    for unit in units:
        named |= Q(grid=unit.rollout.grid_id, name=unit.name)
    cells = {(cell.grid_id, cell.name): cell for cell in GridUnit.objects.filter(named)} if units else {}
    return [
        {
            "unit": unit,
            "cell": cells.get((unit.rollout.grid_id, unit.name)),
            "href": unit_url(unit.rollout.grid, unit.name),
            "failure": FAILED_BY.get(unit.failure, ""),
        }
        for unit in units
    ]


@needs("operator", "grids")
def steer(request: HttpRequest, namespace: str, name: str, verb: Verb) -> HttpResponse:
    """Show what a verb comes to for each member, then do it."""
    group = get_object_or_404(ServiceGroup, namespace=namespace, name=name, deleting_since=None)
    if verb not in TOLD:
        raise Http404
    title, explanation = TOLD[verb]
    text = clean(request.POST.get("units", request.GET.get("units", "")))[:4000] if verb == "skip" else ""
    units = list(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    track = clean(request.POST.get("track", request.GET.get("track", "")))[:63]
    context = {
        "group": group,
        "verb": verb,
        "title": title,
        "explanation": explanation,
        "units": ", ".join(units),
        "track": track,
    }
    how: dict[str, Any] = {"units": units, "tracks": [track] if track else []}
    try:
        plans = actions.steer_package(group, verb, actor(request), dry_run=True, **how)
        ids = {path: plan_id(plan.steps) for path, plan in plans.items()}
        if request.method == "POST" and request.POST.get("step") == "confirm":
            with as_all_shown(request, ids):
                expect = request.POST.get("expect")
                actions.steer_package(group, verb, actor(request), expect=expect, **how)
            messages.success(request, gettext("“%(name)s” was saved.") % {"name": name})
            return redirect("servicegroup", namespace, name)
    except actions.PlanChanged:
        say_changed(request)
    except actions.Stale:
        messages.warning(request, gettext("The ServiceGroup has changed since this page was opened. Review it again."))
        return redirect("servicegroup", namespace, name)
    except Invalid as invalid:
        return show(request, "rollouts/steer.html", {**context, "problems": invalid.problems}, status=422)
    except actions.Refused as refused:
        say_why(request, refused)
        return redirect("servicegroup", namespace, name)
    return show(request, "rollouts/steer.html", {**context, "plans": sorted(plans.items()), "plan_id": id_of(ids)})
