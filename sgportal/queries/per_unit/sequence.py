"""In which NodeUnits a grid waits for another that it depends on, from the rows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ...core.grids.grid import GridSpec, parse
from ...core.grids.order import ring_through
from ...core.health import is_settled
from ...core.names import DEPENDS_ON
from ...core.overrides.requests import requests_of
from ...core.plans.per_unit.sequence import WAITS
from ...core.plans.world import Unready
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
) -> dict[str, Unready]:
    """By unit in which a grid is to be created, or go on to a later revision, a grid that it depends on and that is not
    ready there. What goes back waits for nobody. Four queries for each of those, where there are any,
    and two where they may wait for one another."""
    if not spec.requests.depends_on:
        return {}
    found = {name: Unready(each.place) for name, each in awaited(spec, _going(grid, list(cells), units)).items()}
    return _with_rings(spec, found)


def rings(specs: Iterable[GridSpec]) -> dict[str, tuple[str, ...]]:
    """By path of those of these grids that are to wait for others from now on, and would wait for one another with
    them: the grids that do, as a person may read them. A query for each namespace where one is to wait."""
    found: dict[str, tuple[str, ...]] = {}
    specs = list(specs)
    for namespace in {spec.namespace for spec in specs if spec.requests.depends_on}:
        now = _waiting(namespace)
        saved = {_place(spec): _Waiter(spec.key, spec.requests.depends_on) for spec in specs}
        after = now | {_place(spec): saved[_place(spec)] for spec in specs if spec.namespace == namespace}
        for spec in (each for each in specs if each.namespace == namespace):
            place = _place(spec)
            is_new = place not in now or now[place].waits_for != after[place].waits_for
            if is_new and (ring := _ring(place, after)):
                found[spec.path()] = _shown(ring, after)
    return found


def _with_rings(spec: GridSpec, found: Mapping[str, Unready]) -> dict[str, Unready]:
    """The same with the ring that a grid is in, in units where each of it waits for the next."""
    if not found:
        return {}
    place = _place(spec)
    there = _waiting(spec.namespace) | {place: _Waiter(spec.key, spec.requests.depends_on)}
    ring = _ring(place, there)
    if not ring:
        return dict(found)
    others = [there[each].pk for each in ring[1:-1]]
    with everything():
        held = GridUnit.objects.filter(grid__in=others, name__in=list(found), reason__in=WAITS)
        waits = Counter(held.values_list("name", flat=True)) if others else Counter[str]()
    shown = _shown(ring, there)
    closed = {name for name, each in found.items() if each.place == ring[1] and waits[name] == len(others)}
    return {name: replace(each, ring=shown) if name in closed else each for name, each in found.items()}


class _Waiter(NamedTuple):
    """A grid with the key that waits for others, and its row, if it has one."""

    key: str
    waits_for: tuple[str, ...]
    pk: int = 0


def _waiting(namespace: str) -> dict[str, _Waiter]:
    """The grids of a namespace that wait for others, by place. A ServiceGrid waits for nobody."""
    with everything():
        rows = Grid.objects.filter(namespace=namespace, deleting_since=None).exclude(kind="ServiceGrid")
        rows = rows.filter(metadata__annotations__has_key=DEPENDS_ON).only("kind", "name", "key", "metadata")
        return {
            each.member: _Waiter(each.key, requests_of(each.metadata["annotations"]).depends_on, each.pk)
            for each in rows
        }


def _place(spec: GridSpec) -> str:
    return f"{spec.kind.plural}/{spec.name}"


def _ring(place: str, waiting: Mapping[str, _Waiter]) -> tuple[str, ...]:
    return ring_through(place, {name: each.waits_for for name, each in waiting.items() if not _is_service(name)})


def _is_service(place: str) -> bool:
    return place.startswith("servicegrids/")


def _shown(ring: Sequence[str], waiting: Mapping[str, _Waiter]) -> tuple[str, ...]:
    """A ring without the names of those that not everybody may know who reads the grid that it begins with: those of
    another kind or key, unless it names them itself."""
    first = ring[0]
    known = (ring[1], first)
    kind, key = first.partition("/")[0], waiting[first].key
    return tuple(
        each if each in known or (each.partition("/")[0] == kind and waiting[each].key == key) else "…" for each in ring
    )


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
