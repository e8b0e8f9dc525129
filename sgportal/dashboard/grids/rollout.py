"""The rollout of a grid: its waves, its units, what it waits for, what can be done."""

from typing import Any

from django.db.models import Case, IntegerField, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from ...core.rollouts.progress import of_waves, seconds_left, sentence_of
from ...core.rollouts.state import TURNS
from ...core.rollouts.verbs import possible
from ...models import Grid, RolloutUnit
from ...queries.per_unit.rollouts import Current, current
from ..page.access import needs
from ..page.render import paged, wanted
from ..page.tags import duration
from .address import grid_at
from .views import show_grid

WORDS: dict[str, Promise] = {
    "waiting": gettext_lazy("Waiting"),
    "given": gettext_lazy("Being changed"),
    "done": gettext_lazy("Done"),
    "failed": gettext_lazy("Failed"),
    "deferred": gettext_lazy("Out of reach"),
    "skipped": gettext_lazy("Left out"),
    "back": gettext_lazy("Going back"),
    "restored": gettext_lazy("Rolled back"),
}
FAILED_BY: dict[str, Promise] = {
    "DeadlineExceeded": gettext_lazy("It was not ready in time."),
    "TooManyRestarts": gettext_lazy("One of its new pods restarted too often."),
}
PHASES: dict[str, Promise] = {
    "Pending": gettext_lazy("Not started"),
    "Progressing": gettext_lazy("In progress"),
    "Paused": gettext_lazy("Paused"),
    "Halted": gettext_lazy("Halted"),
    "RollingBack": gettext_lazy("Rolling back"),
    "RolledBack": gettext_lazy("Rolled back"),
    "Aborted": gettext_lazy("Aborted"),
    "Superseded": gettext_lazy("Superseded"),
    "Complete": gettext_lazy("Complete"),
}
# The state whose colour a phase, or a unit's turn, is shown in.
_LOOK = {
    "Progressing": "Progressing",
    "RollingBack": "Progressing",
    "Pending": "Paused",
    "Paused": "Paused",
    "Aborted": "Paused",
    "RolledBack": "Paused",
    "Superseded": "Paused",
    "Halted": "Blocked",
    "Complete": "Ready",
}
_COLUMNS = ("done", "given", "failed", "deferred", "waiting")
_FIRST = ("failed", "given", "back", "deferred", "waiting", "skipped", "restored", "done")


@needs("viewer", "grids")
def rollout(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """How far the latest rollout of a grid is."""
    found = grid_at(plural, namespace, name)
    if found.kind == "ServiceGrid":
        raise Http404
    asked = wanted(request, "search", "turn")
    now = current(found)
    context: dict[str, Any] = {"asked": asked, "now": now}
    if now:
        context |= {**_facts(now), "page": paged(request, _units(now, asked))}
        context["rows"] = _rows(found, now, context["page"].object_list)
    return show_grid(request, found, "per_unit/rollout", context)


def _facts(now: Current) -> dict[str, Any]:
    """What stands at the head of the page."""
    state = now.state
    left = seconds_left(now.strategy, state, timezone.now().timestamp())
    done = len(state.at("done"))
    return {
        "phase": PHASES[state.phase],
        "phase_state": _LOOK[state.phase],
        "sentence": sentence_of(now.strategy, state),
        "done": done,
        "total": len(state.members),
        "minutes": max(1, round(left / 60)) if left is not None else None,
        "verbs": possible(now.strategy, state),
        "columns": [WORDS[each] for each in _COLUMNS],
        "waves": _waves(now),
        "turns": [(each, WORDS[each]) for each in TURNS],
    }


def _waves(now: Current) -> list[dict[str, Any]]:
    """Each wave that has units, with how many are at which turn."""
    found = enumerate(zip(now.strategy.waves, of_waves(now.strategy, now.state), strict=True))
    return [
        {
            "name": wave.name,
            "total": each.total,
            "counts": [each.counts.get(turn, 0) for turn in _COLUMNS],
            "watched": duration(wave.soak, "for") if wave.soak else "",
            "approval": wave.approval,
            "approved": now.state.approved > number,
            "current": number == now.state.wave and now.state.phase not in ("Complete", "RolledBack"),
        }
        for number, (wave, each) in found
        if each.total
    ]


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
            "wave": now.strategy.waves[min(unit.wave, len(now.strategy.waves) - 1)].name,
            "turn": WORDS[unit.turn],
            "failure": FAILED_BY.get(unit.failure, ""),
            "may_skip": _may_skip(now, unit),
        }
        for unit in units
    ]


def _may_skip(now: Current, unit: RolloutUnit) -> bool:
    return now.state.phase in ("Progressing", "Paused", "Halted") and unit.turn in ("waiting", "failed", "given")
