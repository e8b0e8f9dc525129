"""In which NodeUnits a grid waits for another that it depends on, from the rows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ...core.grids.grid import GridSpec, parse
from ...core.health import is_settled
from ...core.rollouts.state import Waits
from ...core.text import Invalid
from ...core.units import Unit
from ...models import Grid, GridUnit
from ...models.scopes.current import everything
from .pins import alike, revisions_of
from .rollouts import is_stuck, latest
from .units import known_units


@dataclass(frozen=True, slots=True)
class Awaited:
    """A grid at the place `<plural>/<name>` that is not ready in a NodeUnit: `coming`, or `failed` there."""

    place: str
    waits: Waits


@dataclass(slots=True)
class Going:
    """NodeUnits where a grid is to be carried out: to its `latest`, where the others have to have theirs, or to
    `another` revision, where they have to have what they should."""

    latest: list[str] = field(default_factory=list)
    another: list[str] = field(default_factory=list)


def unready_in(
    grid: Grid | None, spec: GridSpec, cells: Iterable[GridUnit], units: Mapping[str, Unit] | Collection[str]
) -> dict[str, str]:
    """By unit in which a grid is to be created, or go on to a later revision, a grid that it depends on and that is not
    ready there. What goes back waits for nobody. Four queries for each of those, where there are any."""
    if not spec.requests.depends_on:
        return {}
    found = awaited(spec, _going(grid, list(cells), units))
    return {name: each.place for name, each in found.items()}


def awaited(spec: GridSpec, going: Going) -> dict[str, Awaited]:
    """By those of these units that have to wait, for whom."""
    found: dict[str, Awaited] = {}
    if not (going.latest or going.another):
        return found
    with everything():  # whoever asks for the plan need not be allowed to read what it depends on
        for place in spec.requests.depends_on:
            for name, waits in _unready_at(spec.namespace, place, going).items():
                if name not in found or waits == "failed":
                    found[name] = Awaited(place, waits)
    return found


def _going(grid: Grid | None, cells: Collection[GridUnit], units: Collection[str]) -> Going:
    """The units in which something later than what they have is to be carried out."""
    going = Going()
    wanted = revisions_of(grid, cells, units) if grid else {}
    newest = (grid.generation if grid else 0), ""
    has = {cell.name: cell.revision for cell in cells}
    later = [name for name in units if not has.get(name) or has[name] < wanted.get(name, newest)[0]]
    same = alike(grid, {(has[name], wanted.get(name, newest)[0]) for name in later if has.get(name)}) if grid else ()
    for name in later:
        number, by = wanted.get(name, newest)
        if (has.get(name), number) not in same:
            (going.another if by in ("person", "waiting") else going.latest).append(name)
    return going


def _unready_at(namespace: str, place: str, going: Going) -> dict[str, Waits]:
    """In which of these units the grid at a place is not ready, though it has something to be ready there."""
    plural, name = place.split("/")
    names = [*going.latest, *going.another]
    other = Grid.objects.at(plural, namespace, name).filter(deleting_since=None).first()
    if other is None:
        return dict.fromkeys(names, "coming")
    if other.kind == "ServiceGrid":
        made = other.units.filter(name="", generation=other.generation).exclude(child="").exists()
        return {} if made else dict.fromkeys(names, "coming")
    try:
        its = parse(other.source()).its(known_units(other.key, with_nodes=True))
    except Invalid:
        return dict.fromkeys(names, "coming")
    cells = {cell.name: cell for cell in other.units.filter(name__in=names)}
    turns, ahead = _turns(other, names)
    should = revisions_of(other, cells.values(), its)
    has = {name: (cell.revision, should.get(name, (other.generation,))[0]) for name, cell in cells.items()}
    same = alike(other, {each for each in has.values() if each[0] != each[1]})
    needs_latest = set(going.latest)
    found: dict[str, Waits] = {}
    for name in names:
        turn, cell = turns.get(name, "waiting"), cells.get(name)
        if name not in its or turn == "skipped":
            continue
        comes = name in needs_latest and ahead and turn in ("waiting", "deferred")
        comes = comes and name in should and should[name][1] == "waiting"
        if cell is None or comes or cell.generation != other.generation:
            # What is put off there nobody waits for, and so nobody does who would wait for it in turn.
            found[name] = "failed" if comes and turn == "deferred" else "coming"
        elif not is_settled(cell.state) or (has[name][0] != has[name][1] and has[name] not in same):
            found[name] = "failed" if turn == "failed" or is_stuck(cell) else "coming"
    return found


def _turns(grid: Grid, names: Collection[str]) -> tuple[dict[str, str], bool]:
    """Where these units are in the rollout of a grid, and whether it is still to reach those that wait for it."""
    rollout = latest(grid) if grid.rollout else None
    if rollout is None or rollout.generation != grid.generation:
        return {}, True
    turns = dict(rollout.units.filter(name__in=names).values_list("name", "turn"))
    return turns, rollout.phase not in ("RollingBack", "RolledBack", "Aborted")
