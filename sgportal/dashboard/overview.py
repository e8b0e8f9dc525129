"""The first page: NodeUnits against grids, the worst on top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

from ..core.health import STATES
from ..queries.overview import Cell, Overview, UnitRow, node_groups
from ..queries.overview import overview as read_overview
from .grids.address import grid_url
from .page.access import needs
from .page.render import paged, show, wanted
from .page.tags import say, state_word

UNITS = 50


@dataclass(frozen=True, slots=True)
class Tile:
    """One cell in the texts that the page shows (a page has hundreds); `look` holds its CSS classes."""

    url: str
    look: str
    ready: str
    desired: str
    state: str
    word: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """A NodeUnit and its tile for each grid (None where the grid has nothing there)."""

    unit: UnitRow
    tiles: Sequence[Tile | None]
    hatched: bool


@needs("viewer")
def overview(request: HttpRequest) -> HttpResponse:
    """The matrix of one NodeGroup, searched, filtered and paged by the URL."""
    asked = wanted(request, "group", "search", "unhealthy")
    seen = read_overview(asked["group"] or None)
    by_unit = _by_unit(seen)
    units = [unit for unit in seen.units if _shown(unit, asked)]
    page = paged(request, units, UNITS)
    context = {
        "seen": seen,
        "asked": asked,
        "groups": _groups(seen.key),
        "columns": [(grid, grid_url(grid)) for grid in seen.grids],
        "page": page,
        "rows": _rows(page.object_list, seen, by_unit),
    }
    return show(request, "overview.html", context)


def _groups(key: str) -> list[str]:
    """The keys to choose from, with the one shown even if no node carries it."""
    return sorted({*(each["key"] for each in node_groups()), *([key] if key else [])})


def _by_unit(seen: Overview) -> dict[str, dict[str, Cell]]:
    found: dict[str, dict[str, Cell]] = {}
    for cell in seen.cells:
        found.setdefault(cell.unit, {})[cell.grid] = cell
    return found


def _shown(unit: UnitRow, asked: Mapping[str, str]) -> bool:
    matches = asked["search"].lower() in unit.name.lower()
    return matches and (unit.unhealthy or not asked["unhealthy"])


def _rows(units: Any, seen: Overview, by_unit: Mapping[str, Mapping[str, Cell]]) -> list[Row]:
    blind = seen.freshness.unreachable_since is not None
    services = {grid.path for grid in seen.grids if grid.kind == "ServiceGrid"}
    places = [(grid.path, grid_url(grid)) for grid in seen.grids]
    words: dict[str, str] = {state: state_word(state) for state in STATES}
    rows = []
    for unit in units:
        cells, name = by_unit.get(unit.name, {}), quote(unit.name, safe="")
        dim = blind or unit.node_state == "Offline"
        tiles = [
            _tile(cells[path], url, name, path in services, words, dim) if path in cells else None
            for path, url in places
        ]
        rows.append(Row(unit, tiles, dim))
    return rows


def _tile(cell: Cell, url: str, unit: str, of_service: bool, words: Mapping[str, str], dim: bool) -> Tile:
    """Pods of a workload; of a Service the nodes whose traffic goes as asked."""
    hatched = " hatched" if dim or cell.state == "Offline" else ""
    look = f"s-{cell.state}{hatched}"
    place = f"{url}?search={unit}" if of_service else f"{url}units/{unit}/"
    ready, wanted = (cell.served, cell.nodes) if of_service else (cell.ready, cell.desired)
    return Tile(place, look, str(ready), str(wanted), cell.state, words[cell.state], say(cell.sentence))
