"""What waits for a person: everything stops, or a grid waits, and somebody says what is right."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext

from ... import actions
from ...core.fleet import held as waiting
from ...core.fleet.halt import Reason, outcome
from ...core.text import Invalid
from ...models import ManagedCluster
from ...queries.held import Held, HeldPlan, held
from ..page.access import actor, needs
from ..page.agreed import FIELD, agreed
from ..page.export import Columns, as_csv, wants_csv
from ..page.render import clean, paged, show
from ..page.tags import say

DANGEROUS = ("follow", "delete")  # choices by which something goes
SHOWN = 20  # of what a choice is about, on the page that asks
_COLUMNS: Columns = {
    "kind": lambda item: item.kind,
    "grid": lambda item: item.grid.path,
    "units": lambda item: " ".join(item.units),
    "since": lambda item: item.since.isoformat(),
}


@needs("viewer")
def decisions(request: HttpRequest) -> HttpResponse:
    """Show what waits for a person."""
    row = ManagedCluster.now()
    choices = [(each, outcome(cast(Reason, row.halt), each)) for each in row.choices]
    found = held()
    if wants_csv(request):
        return as_csv(request, "decisions", _COLUMNS, found)
    kinds = [kind for kind in waiting.KINDS if any(each.kind == kind for each in found)]
    context = {
        "csv": True,
        "row": row,
        "choices": choices,
        "page": paged(request, found),
        "dangerous": DANGEROUS,
        "sections": [(kind, waiting.why(kind), waiting.choices(kind)) for kind in kinds],
    }
    return show(request, "decisions/list.html", context)


@needs("operator")
def decide(request: HttpRequest) -> HttpResponse:
    """Show what a choice after a halt leads to, ask, then do it."""
    row = ManagedCluster.now()
    choice = next((each for each in row.choices if each == clean(request.POST.get("choice", ""))), None)
    if request.method != "POST" or choice is None:
        return redirect("decisions")
    shown = clean(request.POST.get("halt", row.halt_id))
    try:
        planned, done = agreed(
            request, actions.WHOLE, lambda dry_run: actions.decide(choice, shown, actor(request), dry_run=dry_run)
        )
    except actions.Stale:
        return _look_again(request)
    except actions.Refused as refused:
        messages.error(request, say(refused.sentence))
        return redirect("decisions")
    if not done:
        context = {"row": row, "choice": choice, "outcome": outcome(cast(Reason, row.halt), choice)}
        return show(request, "decisions/halt.html", {**context, **_planned(planned)})
    messages.success(request, gettext("Writes to the cluster are enabled again."))
    return redirect("overview")


@needs("operator")
def decide_held(request: HttpRequest) -> HttpResponse:
    """Show what a choice for grids that wait leads to, ask, then do it. `items` names them by their ids; without, all
    of `kind` are meant. Of one grid's workloads those in some `units` may be chosen."""
    choice, asked = clean(request.POST.get("choice", "")), clean(request.POST.get("items", "")).split()
    if request.method != "POST":
        return redirect("decisions")
    if FIELD not in request.POST:
        kind = clean(request.POST.get("kind", ""))
        found = [each for each in held() if (each.id in asked if asked else each.kind == kind)]
        if not found or any(choice not in each.choices for each in found):
            return _look_again(request)
        asked = [each.id for each in found]
    if not asked:
        return _look_again(request)
    units = [clean(each) for each in request.POST.getlist("units")] if "some" in request.POST else None

    def write(dry_run: bool) -> tuple[list[Held], HeldPlan]:
        return actions.decide_held(choice, asked, actor(request), units=units, dry_run=dry_run)

    try:
        is_other = units is not None and set(units) != set(clean(request.POST["some"]).split())
        (decided, planned), done = (write(True), False) if is_other else agreed(request, actions.WHOLE, write)
    except actions.Stale:
        return _look_again(request)
    except actions.Refused as refused:
        messages.error(request, say(refused.sentence))
        return redirect("decisions")
    except Invalid as invalid:
        messages.error(request, say(invalid.problems[0].sentence))
        return redirect("decisions")
    if not done:
        return _ask(request, choice, decided, planned, asked)
    told = ngettext("Decided for %(count)s grid.", "Decided for %(count)s grids.", len(decided))
    messages.success(request, told % {"count": len(decided)})
    return redirect("decisions")


def _ask(request: HttpRequest, choice: str, found: list[Held], planned: HeldPlan, asked: Sequence[str]) -> HttpResponse:
    """The question with the plan; of one grid's workloads those in any of its units may be chosen."""
    whole = next((each.units for each in held() if each.id in asked), ()) if len(asked) == 1 else ()
    context = {
        **_planned(planned),
        "of": whole if len(whole) > 1 else (),
        "choice": choice,
        "dangerous": DANGEROUS,
        "outcome": waiting.outcome(found[0].kind, cast(waiting.Choice, choice)),
        "kind": found[0].kind,
        "shown": found[:SHOWN],
        "more": len(found) - SHOWN if len(found) > SHOWN else 0,
        "count": len(found),
        "ids": " ".join(asked),
    }
    return show(request, "decisions/held.html", context)


def _planned(planned: HeldPlan) -> dict[str, Any]:
    """What is shown of a plan."""
    return {"plan_id": planned.id, "steps": planned.steps[:SHOWN], "total": len(planned.steps)}


def _look_again(request: HttpRequest) -> HttpResponse:
    messages.error(request, gettext("The situation has changed. Review it, then decide."))
    return redirect("decisions")
