"""NodeUnits that have, or stay at, another revision of their grid than the latest."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal

from ...core.grids.grid import GridSpec, parse
from ...core.grids.operations import unknown_units
from ...core.plans.world import Pinned
from ...core.text import REQUIRED, Invalid, Problem, say
from ...models import Grid, GridUnit

By = Literal["person", "waiting", "rollout"]
_MOST = 2**31 - 1  # no grid has as many revisions, and no database of ours takes any number


def pinned_specs(
    grid: Grid | None, spec: GridSpec, cells: Iterable[GridUnit], units: Collection[str]
) -> dict[str, Pinned]:
    """What those of these units are to have that do not follow the grid's latest revision; `cells` are the rows of all
    of them that are to. One query where there are any."""
    wanted = revisions_of(grid, cells, units) if grid else {}
    if not grid or not wanted:
        return {}
    people = {name: number for name, (number, by) in wanted.items() if by == "person"}
    others = {name: number for name, (number, by) in wanted.items() if by != "person"}
    found = pinned_at(grid, spec, people) if people else {}
    if others:
        bys = {name: by for name, (_, by) in wanted.items()}
        rolled = _specs(grid, others.values(), spec.before_rollout)
        found |= {name: Pinned(number, rolled.get(number), bys[name]) for name, number in others.items()}
    return found


def revisions_of(grid: Grid, cells: Iterable[GridUnit], units: Collection[str]) -> dict[str, tuple[int, By]]:
    """The revision that each of these units is to have where that is not the grid's latest, and by whose decision: a
    person's, or that of a rollout, whose turn it waits for or that has reached it. No query."""
    target = grid.rollout.get("target")
    found: dict[str, tuple[int, By]] = {}
    known = set()
    for cell in cells:
        known.add(cell.name)
        if cell.pinned is not None:
            found[cell.name] = (cell.pinned, "person")
        elif (number := grid.stable if cell.assigned is None else cell.assigned) not in (None, grid.generation):
            found[cell.name] = (number, "rollout" if number == target else "waiting")
    if grid.stable not in (None, grid.generation):
        found |= {name: (grid.stable, "waiting") for name in units if name and name not in known}
    return found


def alike(grid: Grid, pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of these pairs of revisions of a grid of which its children are made the same. One query, where there are
    any."""
    numbers = {number for pair in pairs for number in pair}
    specs = _specs(grid, numbers, lambda each: each) if numbers else {}
    return {(a, b) for a, b in pairs if a in specs and b in specs and specs[b].makes_as(specs[a])}


def pinned_at(grid: Grid, spec: GridSpec, numbers: Mapping[str, int]) -> dict[str, Pinned]:
    """What these units have at revisions of these numbers, by name. One query."""
    specs = _specs(grid, numbers.values(), spec.as_at)
    return {name: Pinned(number, specs.get(number)) for name, number in numbers.items()}


def _specs(grid: Grid, numbers: Iterable[int], made: Callable[[GridSpec], GridSpec]) -> dict[int, GridSpec]:
    """What a grid says at revisions of these numbers, by number; without what was taken once, and would not be now."""
    found: dict[int, GridSpec] = {}
    for row in grid.revisions.filter(number__in=set(numbers)):
        try:
            found[row.number] = made(parse(row.source()))
        except Invalid:
            continue
    return found


def pin_problems(grid: Grid, units: Collection[str], number: int | None) -> list[Problem]:
    """Why these NodeUnits of a grid cannot stay at a revision of it, or (None) follow it again."""
    if grid.kind == "ServiceGrid":
        return [Problem("/units", say("a ServiceGrid has one Service for all NodeUnits; leave the unit out"))]
    known = set(grid.units.filter(name__in=units).exclude(name="").values_list("name", flat=True))
    problems = unknown_units(units, known)
    if not units:
        problems.append(Problem("/units", REQUIRED))
    if number is not None and not is_stored(grid, number):
        problems.append(Problem("/revision", say("revision %(number)s is not stored", number=number)))
    return problems


def is_stored(grid: Grid, number: int) -> bool:
    """Whether there is a revision of that number."""
    return 0 < number <= _MOST and grid.revisions.filter(number=number).exists()
