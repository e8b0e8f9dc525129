"""The sums over a grid's cells, kept on its row: in the transaction that changes the cells, while the grid's row is
locked, so that they are exact however many workers record cells of one grid."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ....core.health import SETTLED
from ....models import Grid, GridUnit
from ....models.statements import returned
from .cells import CellChanges

FIELDS = ("unit_count", "ready_units", "pods_desired", "pods_ready", "units_by_state")


class Part(NamedTuple):
    """What one row adds to the sums of its grid."""

    grid_id: int
    name: str
    state: str
    desired: int
    ready: int


def stored(changes: Sequence[CellChanges]) -> list[Part]:
    """What the rows that are about to be written or removed add now. One statement."""
    wanted = {(each.grid.pk, name) for each in changes for name in (*each.written, *each.gone)}
    rows = returned(_STORED, grids=list({pk for pk, _ in wanted}), names=list({name for _, name in wanted}))
    return [part for part in map(Part._make, rows) if (part.grid_id, part.name) in wanted]


_STORED = """
    SELECT grid_id, name, state, desired, ready FROM sgportal_gridunit
    WHERE cluster_id = %(cluster)s AND grid_id = ANY(%(grids)s) AND name = ANY(%(names)s)
"""


def written(changes: Sequence[CellChanges]) -> list[Part]:
    """What these rows will add."""
    cells = (each.after[name] for each in changes for name in each.written)
    return [part_of(cell) for cell in cells]


def part_of(cell: GridUnit) -> Part:
    """What a row adds."""
    return Part(cell.grid_id, cell.name, cell.state, cell.desired, cell.ready)


def replace(grid: Grid, before: Iterable[Part], after: Iterable[Part]) -> None:
    """Make the sums of a grid, whose row is locked, those with the parts `after` instead of `before`. Saves nothing."""
    by_state = Counter[str](grid.units_by_state)
    for parts, sign in ((before, -1), (after, 1)):
        for part in parts:
            grid.pods_desired += sign * part.desired
            grid.pods_ready += sign * part.ready
            if part.name:
                by_state[part.state] += sign
    grid.pods_desired, grid.pods_ready = max(0, grid.pods_desired), max(0, grid.pods_ready)
    grid.units_by_state = {state: count for state, count in sorted(by_state.items()) if count > 0}
    grid.unit_count = sum(grid.units_by_state.values())
    grid.ready_units = sum(grid.units_by_state.get(state, 0) for state in SETTLED)


def made_of(cells: Iterable[GridUnit]) -> dict[str, Any]:
    """The sums over all cells of a grid, by name of the grid's field."""
    grid = Grid()
    replace(grid, (), map(part_of, cells))
    return {name: getattr(grid, name) for name in FIELDS}
