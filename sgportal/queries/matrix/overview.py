"""The matrix of a NodeGroup: a page of its units against its grids."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast

from ...core.text import Sentence
from ...models.intent import Grid, GridUnit
from ..freshness import Freshness, freshness
from .node_groups import default_key
from .units import ALL, NO_FILTER, Order, UnitFilter, UnitRow, unit_page


@dataclass(frozen=True, slots=True)
class Cell:
    """What one grid has in one unit; `grid` is the grid's path. `desired` and `ready` count pods; of a ServiceGrid
    `nodes` and `served` count the unit's nodes and those whose traffic goes as asked."""

    unit: str
    grid: str
    desired: int
    ready: int
    nodes: int
    served: int
    state: str
    reason: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Overview:
    """The matrix of a NodeGroup: some of its units (worst first), the grids bound to it (without their manifests), and
    a cell for each pair. `count` is how many units meet the filters, and there are `more` behind these; `totals` are of
    all."""

    key: str
    units: Sequence[UnitRow]
    more: bool
    count: int
    grids: Sequence[Grid]
    cells: Sequence[Cell]
    totals: Mapping[str, int]
    freshness: Freshness


def overview(
    key: str | None = None,
    wanted: UnitFilter = NO_FILTER,
    order: Order = "worst",
    *,
    after: Sequence[Any] | None = None,
    start: int = 0,
    limit: int = ALL,
) -> Overview:
    """The matrix of a NodeGroup (None: `default_key`): `limit` of the units that meet a filter, in this order, from
    `start` or behind `after` (`units.place`), with the cells of these alone."""
    key = default_key() if key is None else key
    found = unit_page(key, wanted, order, after=after, start=start, limit=limit)
    grids = list(Grid.objects.briefly().filter(key=key))
    cells = _cells(grids, [unit.name for unit in found.units])
    return Overview(key, found.units, found.more, found.count, grids, cells, found.totals, freshness())


def _cells(grids: Sequence[Grid], units: Collection[str]) -> list[Cell]:
    # Values, not instances: a matrix has thousands of cells, and a page is to stay below a tenth of a second.
    paths = {grid.pk: grid.path for grid in grids}
    # Most say the same; each sentence is read once.
    sentence = cache(lambda text: Sentence.from_json(orjson.loads(text)))
    fields = ("name", "grid_id", "desired", "ready", "nodes", "served", "state", "reason")
    rows = GridUnit.objects.filter(grid__in=list(paths), name__in=units).order_by()
    found = rows.values_list(*fields, Cast("message", TextField()))
    return [
        Cell(unit, paths[grid], desired, ready, nodes, served, state, reason, sentence(text))
        for unit, grid, desired, ready, nodes, served, state, reason, text in found
    ]
