"""NodeUnits that stay at a revision of their grid."""

from collections.abc import Iterable, Mapping

from ...core.grids.grid import GridSpec, parse
from ...core.plans.world import Pinned
from ...core.text import Invalid
from ...models import Grid, GridUnit


def pinned_specs(grid: Grid | None, spec: GridSpec, cells: Iterable[GridUnit]) -> dict[str, Pinned]:
    """What the pinned ones of these units are to have. One query where there are any."""
    numbers = {cell.name: cell.pinned for cell in cells if cell.pinned is not None}
    return pinned_at(grid, spec, numbers) if grid and numbers else {}


def pinned_at(grid: Grid, spec: GridSpec, numbers: Mapping[str, int]) -> dict[str, Pinned]:
    """What these units have at revisions of these numbers, by name. One query."""
    rows = grid.revisions.filter(number__in=set(numbers.values()))
    found: dict[int, GridSpec | None] = {}
    for row in rows:
        try:
            found[row.number] = spec.as_at(parse(row.source()))
        except Invalid:  # what was taken once, and would not be now
            found[row.number] = None
    return {name: Pinned(number, found.get(number)) for name, number in numbers.items()}
