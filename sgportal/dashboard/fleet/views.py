"""The first page: what is unhealthy and why, every cell of a NodeGroup, the last 24 hours; a card for each NodeUnit."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime

from ...core.grids.kinds import KINDS
from ...models import Child, GridEvent, GridUnit
from ...queries.fleet.causes import causes_of_group
from ...queries.fleet.day import HOUR, Hour, incidents, last_day
from ...queries.fleet.heat import heat
from ...queries.matrix.node_groups import default_key, group_keys
from ...queries.matrix.units import UnitFilter, unit_page
from ..cluster import demo
from ..grids.causes import shown
from ..grids.columns import EVENTS
from ..page.access import needs
from ..page.export import as_csv, wants_csv
from ..page.render import is_part, paged, show, wanted
from ..page.unchanged import unless_unchanged
from .first import first_steps
from .heatmap import draw

MOST_CAUSES = 8
BAR = 40


@needs("viewer", "units")
@unless_unchanged
def overview(request: HttpRequest) -> HttpResponse:
    """One NodeGroup at a glance, searched and grouped by the URL."""
    asked = wanted(request, "group", "search", "by")
    key = asked["group"] or default_key()
    found = heat(key, UnitFilter(search=asked["search"]), asked["by"])
    causes = causes_of_group(key) if key else []
    hours = last_day([grid.path for grid in found.grids])
    context = {
        "key": key,
        "asked": asked,
        "groups": () if is_part(request) else sorted({*group_keys(), *filter(None, (key, asked["by"]))}),
        "demo_faults": demo.faults(),
        "demo_tour": demo.tour() if demo.faults() and not is_part(request) else None,
        "first_steps": first_steps(key, found.grids),
        "heat": found,
        "drawing": draw(found, key),
        "causes": shown(causes[:MOST_CAUSES], key),
        "more_causes": len(causes[MOST_CAUSES:]),
        "hours": _bars(hours),
        "incidents": sum(each.incidents for each in hours),
    }
    return show(request, "fleet/overview.html", context)


def _bars(hours: Sequence[Hour]) -> list[tuple[Hour, int, int]]:
    """Each hour with the height and the top of its bar, in a drawing BAR high: the highest is full, and a single
    incident can be seen."""
    most = max((each.incidents for each in hours), default=0)
    heights = [max(BAR // 10, BAR * each.incidents // most) if each.incidents else 0 for each in hours]
    return [(hour, height, BAR - height) for hour, height in zip(hours, heights, strict=True)]


@needs("viewer", "units")
def card(request: HttpRequest) -> HttpResponse:
    """What there is to know of one NodeUnit's cells beside the heat map: state, counts, why, image, since when."""
    asked = wanted(request, "key", "unit")
    key, name = asked["key"], asked["unit"]
    found = unit_page(key, UnitFilter(only=name)).units if key and name else ()
    if not found:
        raise Http404
    cells = list(GridUnit.objects.filter(grid__key=key, name=name).select_related("grid").order_by("severity"))
    context = {"key": key, "unit": found[0], "rows": _with_details(cells, name)}
    return show(request, "fleet/card.html", context)


def _with_details(cells: list[GridUnit], unit: str) -> list[tuple[GridUnit, str, datetime | None]]:
    """Each cell with the image that its workload has, and when something last happened to it."""
    names = {cell.child for cell in cells if cell.child}
    children = Child.objects.filter(name__in=names).values_list(
        "kind", "namespace", "name", "body__spec__template__spec__containers__0__image"
    )
    images = {(kind, namespace, name): image for kind, namespace, name, image in children}
    paths = [cell.grid.path for cell in cells]
    rows = GridEvent.objects.filter(path__in=paths, unit=unit).order_by().values_list("path")
    last = dict(rows.annotate(last=Max("last_at")))
    return [(cell, images.get(_place(cell), "") or "", last.get(cell.grid.path)) for cell in cells]


def _place(cell: GridUnit) -> tuple[str, str, str]:
    return KINDS[cell.grid.kind].child_kind, cell.grid.namespace, cell.child


@needs("viewer", "units")
def events(request: HttpRequest) -> HttpResponse:
    """The incidents of all grids, the latest first, of one hour or with a text in grid, NodeUnit or reason."""
    asked = wanted(request, "hour", "search")
    found = incidents()
    start = _moment(asked["hour"])
    if start:
        found = found.filter(last_at__gte=start, last_at__lt=start + HOUR)
    if word := asked["search"]:
        found = found.filter(Q(path__icontains=word) | Q(unit__icontains=word) | Q(reason__icontains=word))
    if wants_csv(request):
        return as_csv(request, "incidents", EVENTS, found)
    context = {"csv": True, "asked": asked, "start": start, "page": paged(request, found, 50)}
    return show(request, "fleet/events.html", context)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None
