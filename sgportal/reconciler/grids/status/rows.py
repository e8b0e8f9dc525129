"""The status of grids from the rows of their cells, in a constant number of statements: of a large grid, its units are
counted by the database, and only the worst are read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import Count, F, Min, Q, Window
from django.db.models.functions import RowNumber

from ....core.health import UNHEALTHY, State
from ....core.plans.retirement import DELETION_HELD
from ....core.status.manifest import MOST_UNITS
from ....core.status.parts import Group, Tally, UnitStatus, Whole
from ....core.status.status import GridStatus, status_of
from ....core.text import say
from ....models import Grid, GridUnit, NodeLabel
from ....queries.per_unit.units import names_for
from ....queries.status import unit_status
from .cell_rows import read_cells

LISTED = 600  # unhealthy units of one grid; more never find room
_NAMED, _HELD, _CONTESTED = ~Q(name=""), Q(reason=DELETION_HELD), ~Q(contested={})


class Stored(NamedTuple):
    """The status of a grid as its rows have it, and up to which generation of the grid it speaks."""

    status: GridStatus
    generation: int


def read(grids: Sequence[Grid], label: str) -> dict[int, Stored]:
    """The status of each of these grids, which all have this label key, by its primary key."""
    units = set(NodeLabel.objects.unit_names(label))
    small = [grid for grid in grids if grid.unit_count <= MOST_UNITS]
    large = [grid for grid in grids if grid.unit_count > MOST_UNITS]
    return {**_small(small, units), **(_large(large, units) if large else {})}


def _small(grids: Sequence[Grid], units: Collection[str]) -> dict[int, Stored]:
    cells = read_cells([grid.pk for grid in grids]) if grids else {}
    found = {}
    for grid in grids:
        mine = cells.get(grid.pk, [])
        missing = _missing(grid, names_for(grid, units), {cell.status.name for cell in mine})
        status = status_of([*(cell.status for cell in mine), *missing], Whole.from_json(grid.whole))
        oldest = min((cell.generation for cell in mine if not cell.is_gone), default=0)
        found[grid.pk] = Stored(status, _generation(grid, 0 if missing else oldest))
    return found


def _missing(grid: Grid, units: Collection[str], known: Collection[str]) -> list[UnitStatus]:
    """The units that have just come, which nothing is recorded of."""
    if grid.kind == "ServiceGrid":
        return []
    why = say("the workload is not created yet")
    return [UnitStatus(name, "Progressing", "Creating", why) for name in sorted(units) if name not in known]


def _generation(grid: Grid, oldest: int) -> int:
    """All units were judged by `oldest` or later; the grid as a whole by what its row says."""
    return max(grid.observed_generation, min(oldest, grid.generation))


@dataclass(slots=True)
class _Counted:
    """What the database counts of a large grid: by state, and by condition, how many there are and the first name."""

    states: dict[State, tuple[int, str]] = field(default_factory=dict)
    held: list[tuple[int, str]] = field(default_factory=list)
    contested: list[tuple[int, str]] = field(default_factory=list)
    oldest: list[int] = field(default_factory=list)
    present: int = 0

    def names(self) -> set[str]:
        return {name for _, name in (*self.states.values(), *self.held, *self.contested)}


def _large(grids: Sequence[Grid], units: Collection[str]) -> dict[int, Stored]:
    counted = _count(grids)
    names = {name for each in counted.values() for name in each.names()} | {""}
    firsts: dict[int, dict[str, UnitStatus]] = {grid.pk: {} for grid in grids}
    for cell in GridUnit.objects.filter(grid__in=firsts, name__in=names).order_by():
        firsts[cell.grid_id][cell.name] = unit_status(cell)
    listed: dict[int, list[UnitStatus]] = {grid.pk: [] for grid in grids}
    for cell in _worst(grids):
        listed[cell.grid_id].append(unit_status(cell))
    missing = _missing_of_large(grids, counted, units)
    return {
        grid.pk: _stored(grid, counted[grid.pk], firsts[grid.pk], listed[grid.pk], missing.get(grid.pk, []))
        for grid in grids
    }


def _count(grids: Sequence[Grid]) -> dict[int, _Counted]:
    found = {grid.pk: _Counted() for grid in grids}
    here = Q(gone_since=None)
    counted: Any = GridUnit.objects.filter(_NAMED, grid__in=found).values("grid_id", "state").order_by()
    for each in counted.annotate(
        count=Count("pk"),
        first=Min("name"),
        held=Count("pk", filter=_HELD),
        first_held=Min("name", filter=_HELD),
        contested_units=Count("pk", filter=_CONTESTED),
        first_contested=Min("name", filter=_CONTESTED),
        oldest=Min("generation", filter=here),
        present=Count("pk", filter=here),
    ):
        mine = found[each["grid_id"]]
        mine.states[each["state"]] = each["count"], each["first"]
        mine.present += each["present"]
        if each["held"]:
            mine.held.append((each["held"], each["first_held"]))
        if each["contested_units"]:
            mine.contested.append((each["contested_units"], each["first_contested"]))
        if each["oldest"] is not None:
            mine.oldest.append(each["oldest"])
    return found


def _worst(grids: Sequence[Grid]) -> Iterable[GridUnit]:
    """The first of the unhealthy units of each grid, the worst first."""
    place = Window(RowNumber(), partition_by=F("grid_id"), order_by=(F("severity").asc(), F("name").asc()))
    unhealthy = GridUnit.objects.filter(_NAMED, grid__in=grids, severity__lt=len(UNHEALTHY))
    return unhealthy.annotate(place=place).filter(place__lte=LISTED).order_by("severity", "name")


def _missing_of_large(
    grids: Sequence[Grid], counted: Mapping[int, _Counted], units: Collection[str]
) -> dict[int, list[UnitStatus]]:
    """As `_missing`; names are asked for only of grids that have fewer rows than there are units."""
    wanted = {grid.pk: names_for(grid, units) for grid in grids}
    behind = {grid.pk: grid for grid in grids if counted[grid.pk].present < len(wanted[grid.pk])}
    if not behind:
        return {}
    known: dict[int, set[str]] = {pk: set() for pk in behind}
    for pk, name in GridUnit.objects.filter(grid__in=behind).order_by().values_list("grid_id", "name"):
        known[pk].add(name)
    return {pk: _missing(grid, wanted[pk], known[pk]) for pk, grid in behind.items()}


def _stored(
    grid: Grid,
    counted: _Counted,
    firsts: Mapping[str, UnitStatus],
    listed: Sequence[UnitStatus],
    missing: Sequence[UnitStatus],
) -> Stored:
    by_state = {state: Group(count, firsts[name]) for state, (count, name) in counted.states.items() if name in firsts}
    if missing:
        moving = by_state.get("Progressing")
        first = min([missing[0], *([moving.first] if moving else [])], key=lambda unit: unit.name)
        by_state["Progressing"] = Group(len(missing) + (moving.count if moving else 0), first)
    tally = Tally(by_state, _together(counted.held, firsts), _together(counted.contested, firsts), firsts.get(""))
    status = GridStatus(tuple(listed), Whole.from_json(grid.whole), tally)
    return Stored(status, _generation(grid, 0 if missing else min(counted.oldest, default=0)))


def _together(parts: Sequence[tuple[int, str]], firsts: Mapping[str, UnitStatus]) -> Group | None:
    """What was counted state by state, together."""
    first = firsts.get(min((name for _, name in parts), default=""))
    return Group(sum(count for count, _ in parts), first) if parts and first else None
