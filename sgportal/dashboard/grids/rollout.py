"""The rollout of a grid: its waves, its units, what it waits for, what can be done."""

from functools import partial
from typing import Any

from django.db.models import Case, IntegerField, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from ...core.rollouts.progress import sentence_of
from ...core.rollouts.state import TURNS
from ...core.rollouts.verbs import possible, possible_of
from ...models import Grid, RolloutUnit
from ...queries.per_unit.rollouts import Current, current
from ..page.access import needs
from ..page.export import as_csv, wants_csv
from ..page.render import paged, wanted
from .address import grid_at
from .columns import ROLLOUT
from .rollout_waves import FAILED_BY, PHASES, WORDS, told
from .views import show_grid

_NOT_BEGUN = gettext_lazy("not begun yet")
_FIRST = ("failed", "given", "back", "deferred", "waiting", "skipped", "restored", "done")


@needs("viewer", "grids")
def rollout(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """How far the latest rollout of a grid is."""
    found = grid_at(plural, namespace, name)
    if found.kind == "ServiceGrid":
        raise Http404
    asked = wanted(request, "search", "turn")
    now = current(found)
    if wants_csv(request):
        return as_csv(request, f"{name}-rollout", ROLLOUT, _units(now, asked) if now else ())
    context: dict[str, Any] = {"csv": True, "asked": asked, "now": now}
    if now:
        context |= {**_facts(now), "page": paged(request, _units(now, asked))}
        context["rows"] = _rows(found, now, context["page"].object_list)
    return show_grid(request, found, "per_unit/rollout", context)


def _facts(now: Current) -> dict[str, Any]:
    """What stands at the head of the page."""
    strategy, state = now.strategy, now.state
    return {
        **told(strategy, state, now.seconds_left(), now.seconds_to_approval(), partial(possible_of, strategy, state)),
        "sentence": sentence_of(strategy, state),
        "held_by": [
            (reverse("grid-rollout", args=path.split("/")), path, PHASES[phase] if phase else _NOT_BEGUN)
            for path, phase in now.held_by()
        ],
        "verbs": possible(strategy, state),
        "turns": [(each, WORDS[each]) for each in TURNS],
    }


def _units(now: Current, asked: dict[str, str]) -> Any:
    """The units that meet the filters, those that somebody should look at first."""
    order = Case(*(When(turn=turn, then=Value(at)) for at, turn in enumerate(_FIRST)), output_field=IntegerField())
    rows = now.rollout.units.order_by(order, "wave", "name")
    if asked["search"]:
        rows = rows.filter(name__icontains=asked["search"])
    return rows.filter(turn=asked["turn"]) if asked["turn"] in TURNS else rows


def _rows(grid: Grid, now: Current, units: Any) -> list[dict[str, Any]]:
    """Each unit of a page with its wave, its turn and the state of its workload."""
    units = list(units)
    cells = {cell.name: cell for cell in grid.units.filter(name__in=[unit.name for unit in units])}
    return [
        {
            "unit": unit,
            "cell": cells.get(unit.name),
            "wave": now.strategy.title(unit.wave),
            "turn": WORDS[unit.turn],
            "failure": FAILED_BY.get(unit.failure, ""),
            "may_skip": _may_skip(now, unit),
        }
        for unit in units
    ]


def _may_skip(now: Current, unit: RolloutUnit) -> bool:
    return now.state.phase in ("Progressing", "Paused", "Halted") and unit.turn in ("waiting", "failed", "given")
