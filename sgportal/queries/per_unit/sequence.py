"""In which NodeUnits a grid waits for another that it depends on, from the rows."""

from collections.abc import Collection, Iterable, Mapping

from ...core.grids.grid import GridSpec, parse
from ...core.health import is_settled
from ...core.text import Invalid
from ...core.units import Unit
from ...models import Grid, GridUnit
from ...models.scopes.current import everything
from .pins import revisions_of
from .units import known_units


def unready_in(
    grid: Grid | None, spec: GridSpec, cells: Iterable[GridUnit], units: Mapping[str, Unit] | Collection[str]
) -> dict[str, str]:
    """By unit in which a grid does not have the revision that it is to have, a grid that it depends on and that is not
    ready there with its own. Two queries for each of those, where there are any."""
    if not spec.requests.depends_on:
        return {}
    cells = list(cells)
    wanted = revisions_of(grid, cells, units) if grid else {}
    generation = grid.generation if grid else 0
    has = {cell.name: cell.revision for cell in cells}
    behind = [name for name in units if not has.get(name) or has[name] != wanted.get(name, (generation, ""))[0]]
    found: dict[str, str] = {}
    with everything():  # whoever asks for the plan need not be allowed to read what it depends on
        for place in spec.requests.depends_on if behind else ():
            ready = _ready_at(spec.namespace, place, behind)
            found.update({name: place for name in behind if name not in ready and name not in found})
    return found


def _ready_at(namespace: str, place: str, units: Collection[str]) -> set[str]:
    """In which of these units the grid at a place is ready, or has nothing to be ready."""
    plural, name = place.split("/")
    other = Grid.objects.at(plural, namespace, name).filter(deleting_since=None).first()
    if other is None:
        return set()
    if other.kind == "ServiceGrid":
        made = other.units.filter(name="", generation=other.generation).exclude(child="").exists()
        return set(units) if made else set()
    try:
        its = parse(other.source()).its(known_units(other.key, with_nodes=True))
    except Invalid:
        return set()
    rows = other.units.filter(name__in=units, generation=other.generation)
    ready = {cell.name for cell in rows if is_settled(cell.state) and _is_latest(other, cell)}
    return ready | (set(units) - its.keys())


def _is_latest(grid: Grid, cell: GridUnit) -> bool:
    return cell.revision == (grid.generation if cell.pinned is None else cell.pinned)
