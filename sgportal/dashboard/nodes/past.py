"""What a NodeUnit was at an instant, and what changed in it before."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ...core.text import Invalid
from ...models import Grid
from ...queries.fleet.merged import read_place, written
from ...queries.per_unit import past
from ..page.export import MOST, Columns, as_csv, wants_csv
from ..page.render import ROWS, show, wanted

WEEK = timedelta(days=7)
PICKED = "%Y-%m-%dT%H:%M"  # as a date picker of HTML has it
_COLUMNS: Columns = {
    "at": lambda change: change.at.isoformat(),
    "change": lambda change: change.what,
    "node": lambda change: change.node,
    "grid": lambda change: change.cell.path if change.cell else "",
    "state": lambda change: change.state,
    "cordoned": lambda change: change.unschedulable,
    "reason": lambda change: change.cell.reason if change.cell else "",
    "revision": lambda change: change.cell.revision if change.cell else "",
}


def unit_then(request: HttpRequest, key: str, name: str) -> HttpResponse:
    """The NodeUnit at the instant `at` of the URL, and what changed in it since `since`, a week before by default; of
    that what comes after the place `before`."""
    asked = wanted(request, "at", "since", "before")
    known, now = past.known_from(key), timezone.now()
    context: dict[str, Any] = {"key": key, "name": name, "asked": asked, "known_from": known}
    if known is None:
        return _nothing(request, context)
    context |= {"first": (known + timedelta(seconds=59)).strftime(PICKED), "last": now.strftime(PICKED)}
    try:
        at = past.instant(asked["at"], "at", known, now)
        since = past.instant(asked["since"], "since", known, max(known, at - WEEK))
        before = read_place(asked["before"], "before")
    except Invalid as invalid:
        return show(request, "nodes/unit_then.html", {**context, "problems": invalid.problems}, status=400)
    if wants_csv(request):
        return as_csv(request, "changes", _COLUMNS, past.changes(key, name, since, at, MOST))
    unit, found = past.unit_then(key, name, at, known), past.changes(key, name, since, at, ROWS + 1, before)
    if not (unit.nodes or unit.grids or found or past.is_on_record(key, name)):
        return _nothing(request, context)
    context |= {
        "unit": unit,
        "at": at,
        "since": since,
        "picked": at.strftime(PICKED),
        "picked_since": since.strftime(PICKED),
        "changes": found[:ROWS],
        "earlier": written(found[ROWS - 1].place) if len(found) > ROWS else "",
        "linked": {grid.path for grid in Grid.objects.filter(key=key).briefly()},
    }
    return show(request, "nodes/unit_then.html", context)


def _nothing(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return show(request, "nodes/unit_then.html", {**context, "known_from": None, "nothing": past.NOT_ON_RECORD})
