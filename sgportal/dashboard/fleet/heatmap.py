"""The heat map: a column for each NodeUnit, in it a shape for its nodes and one for each grid, as SVG.

Not by a template: a page has 20,000 cells. NodeUnits that are alike share one drawing, which each of them uses. What a
column's cells are in, is also the name of its drawing, one letter a cell (`queries.fleet.heat.LETTERS`).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from django.urls import reverse
from django.utils.translation import gettext

from ...core.health import STATES
from ...models import Grid
from ...queries.fleet.heat import LETTER_OF, LETTERS, NO_CELL, Heat, Site
from ..grids.address import grid_url
from ..page.tags import state_word

CELL = 10  # units of a drawing
# (up to how many NodeUnits, pixels of a cell): the more there are, the smaller, so that all are on one screen.
_SIZES = ((60, 24), (240, 14))
_SMALL, _SMALLEST = 8, 6
_MANY = 12_000  # cells: more are drawn the smallest


@dataclass(frozen=True, slots=True)
class Drawing:
    """The map in parts: what all columns use, by letters; the columns of each group by NodeUnit, with its name and how
    many of it are unhealthy; what each row is, the states that occur, for the legend; what the page's script reads."""

    definitions: Mapping[str, str]
    groups: Sequence[tuple[str, Mapping[str, str], int, int]]
    rows: Sequence[tuple[str, str, str]]
    states: Sequence[tuple[str, str]]
    size: int
    script: Mapping[str, str]


def draw(heat: Heat, key: str) -> Drawing:
    """The drawing of a heat map, all names in it escaped."""
    many = heat.shown * (1 + len(heat.grids)) > _MANY
    size = next((pixels for most, pixels in _SIZES if heat.shown <= most), _SMALLEST if many else _SMALL)
    found = {site.letters for _, sites in heat.groups for site in sites}
    occurring = set("".join(found)) - {NO_CELL}
    words = {letter: state_word(state) for state, letter in LETTER_OF.items()}
    link = escape(f"{reverse('unit')}?key={quote(key, safe='')}&unit=")
    frame = _frame(size, 1 + len(heat.grids))
    groups = [
        (name, _columns(sites, link, frame), len(sites), sum(site.unit.unhealthy for site in sites))
        for name, sites in heat.groups
    ]
    definitions = {letters: _definition(letters) for letters in sorted(found | occurring)}
    states = [(letter, words[letter]) for letter in LETTERS if letter in occurring]
    return Drawing(definitions, groups, _rows(heat.grids), states, size, _script(heat.grids, words, key))


def _frame(size: int, rows: int) -> str:
    box = f'width="{size}" height="{size * rows}" viewBox="0 0 {CELL} {CELL * rows}"'
    return f'<svg aria-hidden="true" {box}><use href="#h-'


def _columns(sites: Iterable[Site], link: str, frame: str) -> dict[str, str]:
    words: dict[str, str] = {state: escape(state_word(state)) for state in STATES}
    found = {}
    for site in sites:
        unit = site.unit
        said = f"{escape(unit.name)}: {words[unit.state]}"
        place = escape(quote(unit.name, safe=""))
        found[unit.name] = f'<a href="{link}{place}" aria-label="{said}">{frame}{site.letters}"/></svg></a>'
    return found


def _definition(letters: str) -> str:
    """The drawing of a column, a path for each state that occurs in it."""
    by_state: dict[str, list[str]] = {}
    for row, letter in enumerate(letters):
        if letter != NO_CELL:
            by_state.setdefault(letter, []).append(_SHAPES[letter](CELL * row))
    paths = "".join(f'<path class="c-{letter}" d="{"".join(each)}"/>' for letter, each in by_state.items())
    return f'<g id="h-{letters}">{paths}</g>'


def _rows(grids: Iterable[Grid]) -> list[tuple[str, str, str]]:
    """Name, address and the rest of the name of what each row is, below the nodes."""
    return [(grid.name, grid_url(grid), f"{grid.namespace} · {grid.grid_kind.child_kind}") for grid in grids]


def _script(grids: Iterable[Grid], words: Mapping[str, str], key: str) -> dict[str, str]:
    """What the script of the page needs to name a cell and to lead to it."""
    rows = [
        [gettext("Nodes"), "", 0],
        *([grid.name, grid_url(grid), int(grid.kind == "ServiceGrid")] for grid in grids),
    ]
    card = f"{reverse('fleet-card')}?key={quote(key, safe='')}&unit="
    return {"rows": json.dumps(rows), "words": json.dumps(dict(words), ensure_ascii=False), "card": card}


def _lines(*lines: tuple[int, int, str]) -> Callable[[int], str]:
    """A shape of closed lines, each by where it starts and how it goes on, in a row that begins at some y."""
    return lambda top: "".join(f"M{x} {top + y}{rest}z" for x, y, rest in lines)


# Without colour, too, no two states look alike. In a field of 10 by 10: where a line starts, and how it goes on.
_SHAPES: Mapping[str, Callable[[int], str]] = {
    "B": _lines((1, 0, "l4 3 4-3 1 1-3 4 3 4-1 1-4-3-4 3-1-1 3-4-3-4")),  # a cross
    "N": _lines((1, 1, "h8l-4 8")),  # a triangle that hangs
    "O": _lines((0, 0, "h10v10h-10"), (2, 2, "v6h6v-6")),  # a frame
    "D": _lines((5, 0, "l5 10h-10")),  # a triangle that stands
    "G": _lines((0, 4, "h10v3h-10")),  # a bar
    "U": _lines((0, 4, "h10v3h-10")),
    "K": _lines((5, 0, "l5 5-5 5-5-5"), (5, 3, "l-2 2 2 2 2-2")),  # a hollow diamond
    "P": _lines((1, 1, "h3v8h-3"), (6, 1, "h3v8h-3")),  # two bars
    "M": _lines((1, 1, "v8h8")),  # half a square
    "L": _lines((2, 2, "h6v3h-6")),
    "T": _lines((2, 2, "h6v3h-6")),
    "R": _lines((2, 2, "h6v6h-6")),  # a small square
}
