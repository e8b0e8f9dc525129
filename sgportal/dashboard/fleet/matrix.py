"""The matrix: NodeUnits against grids, the worst on top."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from ...core.health import STATES, is_unhealthy
from ...models import Grid
from ...queries.matrix.node_groups import group_keys
from ...queries.matrix.overview import Cell, Overview
from ...queries.matrix.overview import overview as read_overview
from ...queries.matrix.units import Order, UnitFilter, UnitRow
from ..grids.address import grid_url
from ..page.access import needs
from ..page.export import MOST, Columns, as_csv, wants_csv
from ..page.render import is_part, read_page, show, wanted
from ..page.tags import say, state_word
from ..page.unchanged import unless_unchanged
from .first import first_steps

UNITS = 50  # rows of a page
WINDOW = 100  # rows that are around what is seen where a script asks for them, by the number of the first
STEP = WINDOW // 4  # windows begin at a multiple, so that many readers share one
WHOLE = 1000  # rows of a page for print
MOST_ROWS = 10_000_000  # no matrix is longer
_NONE = '<td><span class="none">–</span></td>'


@dataclass(frozen=True, slots=True)
class Column:
    """A grid with the address of its page, escaped, and whether it is a ServiceGrid."""

    path: str
    url: str
    of_service: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A NodeUnit, and the columns of its row with what each grid has there."""

    unit: UnitRow
    tiles: SafeString
    hatched: bool


@needs("viewer", "units")
@unless_unchanged
def matrix(request: HttpRequest) -> HttpResponse:
    """The matrix of one NodeGroup, searched, filtered and paged by the URL."""
    asked = wanted(request, "group", "search", "unhealthy", "cause", "sort", "from", "rows")
    filtered = UnitFilter(search=asked["search"], unhealthy=True if asked["unhealthy"] else None, reason=asked["cause"])
    order: Order = "name" if asked["sort"] == "name" else "worst"
    whole = asked["rows"] == "all"
    window = not whole and asked["from"].isdecimal() and "page" not in request.GET
    size = WHOLE if whole else WINDOW if window else UNITS
    seen: Overview

    def read(start: int) -> tuple[Sequence[UnitRow], int]:
        nonlocal seen
        seen = read_overview(asked["group"] or None, filtered, order, start=start, limit=size)
        return seen.units, seen.count

    if wants_csv(request):
        every = read_overview(asked["group"] or None, filtered, order, limit=MOST)
        return as_csv(request, "matrix", _columns(every), every.units)
    if window:
        page, first = _window(read, int(asked["from"]))
    else:
        page = read_page(request, read, size)
        first = page.start_index() - 1
    context = {
        "csv": True,
        "seen": seen,
        "first_steps": () if seen.key else first_steps("", ()),
        "asked": asked,
        "groups": () if is_part(request) else _groups(seen.key),
        "columns": [(grid, grid_url(grid)) for grid in seen.grids],
        "page": page,
        "first": max(first, 0),
        "most": WINDOW,
        "step": STEP,
        "whole": whole,
        "rows": _rows(seen),
    }
    return show(request, "fleet/matrix.html", context)


def _window(read: Callable[[int], tuple[Sequence[UnitRow], int]], wanted: int) -> tuple[Page[Any], int]:
    """The page on which the first of the rows around `wanted` is, with all these rows, and the number of that first;
    the last rows where there are fewer than that."""
    first = min(wanted, MOST_ROWS) // STEP * STEP
    rows, count = read(first)
    if not rows and first:
        first = max(count - WINDOW, 0) // STEP * STEP
        rows, count = read(first)
    page: Page[Any] = Paginator(range(count), UNITS).get_page(first // UNITS + 1)
    page.object_list = rows
    return page, first


def _columns(whole: Overview) -> Columns:
    """Of each NodeUnit its nodes, and of each grid the state there with the pods, or nodes, that are ready."""
    cells = {(cell.unit, cell.grid): cell for cell in whole.cells}

    def of_grid(grid: Grid) -> Callable[[UnitRow], object]:
        return lambda unit: _counted(cells.get((unit.name, grid.path)), grid)

    of_units: Columns = {
        "unit": lambda unit: unit.name,
        "state": lambda unit: unit.state,
        "nodes": lambda unit: unit.nodes,
        "readyNodes": lambda unit: unit.ready_nodes,
        "why": lambda unit: "; ".join(_why(unit, whole, cells)),
    }
    return {**of_units, **{grid.path: of_grid(grid) for grid in whole.grids}}


def _why(unit: UnitRow, whole: Overview, cells: Mapping[tuple[str, str], Cell]) -> Iterator[str]:
    """What ails a NodeUnit: its nodes, and each grid that is unhealthy there."""
    if is_unhealthy(unit.node_state):
        yield f"nodes: {unit.node_state}"
    for grid in whole.grids:
        cell = cells.get((unit.name, grid.path))
        if cell is not None and is_unhealthy(cell.state):
            yield f"{grid.path}: {cell.reason}"


def _counted(cell: Cell | None, grid: Grid) -> str:
    if cell is None:
        return ""
    ready, wanted = (cell.served, cell.nodes) if grid.kind == "ServiceGrid" else (cell.ready, cell.desired)
    return f"{cell.state} {ready}/{wanted}"


def _groups(key: str) -> list[str]:
    """The keys to choose from, with the one shown even if no node carries it."""
    return sorted({*group_keys(), *([key] if key else [])})


def _rows(seen: Overview) -> list[Row]:
    blind = seen.freshness.unreachable_since is not None
    columns = [Column(grid.path, escape(grid_url(grid)), grid.kind == "ServiceGrid") for grid in seen.grids]
    cells = {(cell.unit, cell.grid): cell for cell in seen.cells}
    sentences = {id(cell.sentence): cell.sentence for cell in seen.cells}
    words: dict[str, str] = {state: _word(state) for state in STATES}
    texts = _Texts(words, {key: escape(say(sentence)) for key, sentence in sentences.items()})
    rows = []
    for unit in seen.units:
        place, dim = escape(quote(unit.name, safe="")), blind or unit.node_state == "Offline"
        found = [(cells.get((unit.name, column.path)), column) for column in columns]
        tiles = [_tile(cell, column, place, texts, dim) if cell else _NONE for cell, column in found]
        rows.append(Row(unit, SafeString("".join(tiles)), dim))
    return rows


@dataclass(frozen=True, slots=True)
class _Texts:
    """What tiles say, escaped: a word for each state, and the cells' sentences by `id`, as most say the same."""

    words: Mapping[str, str]
    why: Mapping[int, str]


def _word(state: str) -> str:
    """What a tile says besides its numbers: that all is well is for screen readers alone."""
    word = escape(state_word(state))
    return f'<span class="sr">{word}</span>' if state == "Ready" else f"<em>{word}</em>"


def _tile(cell: Cell, column: Column, unit: str, texts: _Texts, dim: bool) -> str:
    """Pods of a workload; of a Service the nodes whose traffic goes as asked. Not by a template: a page has a thousand.
    All texts are escaped."""
    hatched = " hatched" if dim or cell.state == "Offline" else ""
    place = f"{column.url}?search={unit}" if column.of_service else f"{column.url}units/{unit}/"
    ready, wanted = (cell.served, cell.nodes) if column.of_service else (cell.ready, cell.desired)
    said = texts.words[cell.state]
    if cell.reason and is_unhealthy(cell.state):
        said = f"<small>{escape(cell.reason)}</small>{said}"
    return (
        f'<td><a class="tile s-{cell.state}{hatched}" href="{place}" title="{texts.why[id(cell.sentence)]}">'
        f'<i class="mark" aria-hidden="true"></i><span><b>{ready}</b>/{wanted}</span>{said}</a></td>'
    )
