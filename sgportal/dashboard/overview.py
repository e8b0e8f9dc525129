"""The first page: NodeUnits against grids, the worst on top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from ..core.health import STATES
from ..queries.matrix.node_groups import group_keys
from ..queries.matrix.overview import Cell, Overview
from ..queries.matrix.overview import overview as read_overview
from ..queries.matrix.units import UnitFilter, UnitRow
from .grids.address import grid_url
from .page.access import needs
from .page.render import is_part, read_page, show, wanted
from .page.tags import say, state_word
from .page.unchanged import unless_unchanged

UNITS = 50
# A page has a thousand of these: a template for each would take most of its time.
_TILE = (
    '<a class="tile {look}" href="{url}" title="{why}"><i class="mark" aria-hidden="true"></i>'
    "<span><b>{ready}</b>/{desired}</span>{word}</a>"
)
_NONE = mark_safe('<span class="none">–</span>')


@dataclass(frozen=True, slots=True)
class Column:
    """A grid with the address of its page, and whether it is a ServiceGrid."""

    path: str
    url: str
    of_service: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A NodeUnit and what stands in its row for each grid."""

    unit: UnitRow
    tiles: Sequence[SafeString]
    hatched: bool


@needs("viewer")
@unless_unchanged
def overview(request: HttpRequest) -> HttpResponse:
    """The matrix of one NodeGroup, searched, filtered and paged by the URL."""
    asked = wanted(request, "group", "search", "unhealthy")
    filtered = UnitFilter(search=asked["search"], unhealthy=True if asked["unhealthy"] else None)
    seen: Overview

    def read(start: int) -> tuple[Sequence[UnitRow], int]:
        nonlocal seen
        seen = read_overview(asked["group"] or None, filtered, start=start, limit=UNITS)
        return seen.units, seen.count

    page = read_page(request, read, UNITS)
    context = {
        "seen": seen,
        "asked": asked,
        "groups": () if is_part(request) else _groups(seen.key),
        "columns": [(grid, grid_url(grid)) for grid in seen.grids],
        "page": page,
        "rows": _rows(seen),
    }
    return show(request, "overview.html", context)


def _groups(key: str) -> list[str]:
    """The keys to choose from, with the one shown even if no node carries it."""
    return sorted({*group_keys(), *([key] if key else [])})


def _rows(seen: Overview) -> list[Row]:
    blind = seen.freshness.unreachable_since is not None
    columns = [Column(grid.path, grid_url(grid), grid.kind == "ServiceGrid") for grid in seen.grids]
    words: dict[str, str] = {state: _word(state) for state in STATES}
    cells = {(cell.unit, cell.grid): cell for cell in seen.cells}
    rows = []
    for unit in seen.units:
        place, dim = quote(unit.name, safe=""), blind or unit.node_state == "Offline"
        found = [(cells.get((unit.name, column.path)), column) for column in columns]
        tiles = [_tile(cell, column, place, words, dim) if cell else _NONE for cell, column in found]
        rows.append(Row(unit, tiles, dim))
    return rows


def _word(state: str) -> str:
    """What a tile says besides its numbers: that all is well is for screen readers alone."""
    word = escape(state_word(state))
    return f'<span class="sr">{word}</span>' if state == "Ready" else f"<em>{word}</em>"


def _tile(cell: Cell, column: Column, unit: str, words: Mapping[str, str], dim: bool) -> SafeString:
    """Pods of a workload; of a Service the nodes whose traffic goes as asked. `unit` is quoted for an address."""
    hatched = " hatched" if dim or cell.state == "Offline" else ""
    service = column.of_service
    return mark_safe(  # noqa: S308 - every text is escaped
        _TILE.format(
            look=f"s-{escape(cell.state)}{hatched}",
            url=escape(f"{column.url}?search={unit}" if service else f"{column.url}units/{unit}/"),
            why=escape(say(cell.sentence)),
            ready=cell.served if service else cell.ready,
            desired=cell.nodes if service else cell.desired,
            word=words[cell.state],
        )
    )
