"""Every cell of a NodeGroup, as one letter each, and the label by which its NodeUnits are grouped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Q

from ...core.health import STATES, is_unhealthy, severity
from ...models.cache import NodeLabel
from ...models.intent import Grid, GridUnit
from ...models.scopes.rows import table
from ..matrix.units import UnitFilter, UnitRow, unit_page

MOST_UNITS = 1000
MOST_GRIDS = 30
NO_CELL = "_"
# One letter for each state, in the order of `STATES`.
LETTERS = "BNODGUKPMLTR"
LETTER_OF: Mapping[str, str] = dict(zip(STATES, LETTERS, strict=True))
_CODES, _READY, _NONE = LETTERS.encode(), LETTER_OF["Ready"].encode(), NO_CELL.encode()

_GROUPS = """
SELECT site.value, MIN(other.value)
FROM {labels} site JOIN {labels} other ON other.node_id = site.node_id
WHERE site.key = %(key)s AND site.value <> '' AND other.key = %(by)s AND other.value <> ''
GROUP BY site.value
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A NodeUnit with a letter for its nodes and one for each grid, in the order of `Heat.grids`."""

    unit: UnitRow
    letters: str


@dataclass(frozen=True, slots=True)
class Heat:
    """The NodeUnits of a NodeGroup in groups: `(value of the label, its sites)`, the group with the worst site first,
    in it the worst site first. `grids` are the worst first, and `more_grids` further ones are not shown; `count` units
    meet the filter, and `totals` are of all."""

    groups: Sequence[tuple[str, Sequence[Site]]]
    grids: Sequence[Grid]
    more_grids: int
    count: int
    shown: int
    totals: Mapping[str, int]


def heat(key: str, wanted: UnitFilter, by: str = "") -> Heat:
    """The cells of the first `MOST_UNITS` units that meet a filter. Four statements, five with a label `by`."""
    page = unit_page(key, wanted, "worst", limit=MOST_UNITS)
    grids = sorted(Grid.objects.briefly().filter(key=key), key=_worst_first)
    letters = _letters(grids[:MOST_GRIDS])
    none = NO_CELL * len(grids[:MOST_GRIDS])
    sites = [Site(unit, LETTER_OF[unit.node_state] + letters.get(unit.name, none)) for unit in page.units]
    groups = _grouped(sites, key, by) if by else [("", sites)]
    return Heat(groups, grids[:MOST_GRIDS], len(grids[MOST_GRIDS:]), page.count, len(sites), page.totals)


def _worst_first(grid: Grid) -> tuple[bool, int, str, str, str]:
    return not is_unhealthy(grid.state), severity(grid.state), grid.namespace, grid.name, grid.kind


def _letters(grids: Sequence[Grid]) -> dict[str, str]:
    """By name of unit a letter for each grid. There may be tens of thousands of cells, nearly all of them Ready: read
    are those that are not, and all cells of a unit only where some grids have none there."""
    places = {grid.pk: place for place, grid in enumerate(grids)}
    cells = GridUnit.objects.filter(grid__in=list(places)).order_by()
    counts = dict(cells.values_list("name").annotate(Count("pk")))
    partly = [name for name, count in counts.items() if name and count < len(places)]
    found = {name: bytearray(_READY * len(places)) for name in counts}
    for name in partly:
        found[name] = bytearray(_NONE * len(places))
    wanted = Q(severity__lt=severity("Ready"))
    if partly:
        wanted |= Q(name__in=partly)
    for grid, place, name in cells.filter(wanted).values_list("grid_id", "severity", "name"):
        found[name][places[grid]] = _CODES[place]
    return {name: letters.decode() for name, letters in found.items()}


def _grouped(sites: Sequence[Site], key: str, by: str) -> list[tuple[str, list[Site]]]:
    """The sites by the value that their nodes have for a label (the first, if they differ; "" for none). Both come the
    worst first, as the sites do."""
    labels, values = table(NodeLabel.objects.values("node_id", "key", "value"), "label")
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS.format(labels=labels), {"key": key, "by": by, **values})
        values = dict(cursor.fetchall())
    groups: dict[str, list[Site]] = {}
    for site in sites:
        groups.setdefault(values.get(site.unit.name, ""), []).append(site)
    return list(groups.items())
