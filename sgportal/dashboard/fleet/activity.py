"""Activity: one timeline of what people changed, of rollouts and of incidents."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ...core.text import Invalid
from ...queries.fleet import activity as timeline
from ...queries.fleet.activity import ActivityFilter, Entry
from ...queries.matrix.node_groups import group_keys
from ...queries.per_unit.past import read_instant
from ..page.access import needs
from ..page.export import MOST, Columns, as_csv, wants_csv
from ..page.render import ROWS, read_page, show, wanted

NAMES = ("kind", "since", "until", "actor", "grid", "group", "unit")
_COLUMNS: Columns = {
    "at": lambda entry: entry.at.isoformat(),
    "kind": lambda entry: entry.kind,
    "actor": lambda entry: entry.actor,
    "source": lambda entry: entry.door,
    "reason": lambda entry: entry.reason,
    "object": lambda entry: entry.path,
    "unit": lambda entry: entry.unit,
    "message": lambda entry: entry.sentence,
    "count": lambda entry: entry.count,
}


@needs("viewer", "units")
def activity(request: HttpRequest) -> HttpResponse:
    """What happened, the latest first, filtered by the URL."""
    asked = wanted(request, *NAMES)
    context: dict[str, Any] = {"csv": True, "asked": asked, "kinds": timeline.KINDS, "groups": group_keys()}
    context["people"] = timeline.people()
    context["hour_ago"] = f"{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    try:
        found = timeline.Timeline(read(asked))
    except Invalid as invalid:
        page = read_page(request, lambda _start: ((), 0))
        return show(request, "fleet/activity.html", {**context, "page": page, "problems": invalid.problems}, status=400)
    if wants_csv(request):
        return as_csv(request, "activity", _COLUMNS, found.entries(MOST))

    def rows(start: int) -> tuple[Sequence[Entry], int]:
        return found.entries(min(start + ROWS, MOST))[start:], min(found.count(), MOST)

    return show(request, "fleet/activity.html", {**context, "page": read_page(request, rows)})


def read(asked: dict[str, str]) -> ActivityFilter:
    """The filters of the URL. Raises Invalid."""
    kind = asked["kind"] if asked["kind"] in timeline.KINDS else ""
    times = {name: read_instant(asked[name], name) for name in ("since", "until")}
    named = {name: asked[name] for name in ("actor", "grid", "group", "unit")}
    if not named["group"]:
        named["unit"] = ""
    return ActivityFilter(kind=kind, **times, **named)  # type: ignore[arg-type]
