"""The rollouts of the members of a ServiceGroup that are rolled out as it says: the same waves, and one way back."""

import hashlib
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace
from typing import cast

from django.db.models import Q

from ....core.overrides.requests import requests_of
from ....core.rollouts.state import Phase, Reason, State
from ....core.rollouts.strategy import Strategy
from ....core.rollouts.together import ALONE, Others, beside
from ....models import Grid, GridUnit, Rollout, RolloutUnit, ServiceGroup
from ....queries.per_unit.rollouts import is_with, latest_of, positions_of
from ....queries.per_unit.units import known_units


def locked_with_package(grid: Grid) -> tuple[Grid | None, list[Grid]]:
    """The row of a grid and those of the other members that are rolled out with it, locked in order of key."""
    group = grid.group if grid.group_id else None
    wanted = _strategy(group) if group else None
    together = Q(group_id=grid.group_id) if wanted is not None else Q(pk=grid.pk)
    rows = list(Grid.objects.filter(Q(pk=grid.pk) | together).locked())
    mine = next((each for each in rows if each.pk == grid.pk), None)
    if mine is None or mine.spec.get("rollout") != wanted:
        return mine, []
    return mine, [each for each in rows if each.pk != grid.pk and is_with(each, wanted)]


@dataclass(frozen=True, slots=True)
class Together:
    """What the rollouts of the members of a package have to know of one another, read once for all of them. `rows`:
    their units as (grid, name, wave, turn); `pinned`: (grid, name) of those that stay as they are; `there`: all
    NodeUnits of their key."""

    grids: Collection[Grid]
    current: Mapping[int, Rollout | None]
    rows: Collection[tuple[int, str, int, str]]
    pinned: Set[tuple[int, str]]
    there: Set[str]

    def beside(self, grid: Grid, strategy: Strategy) -> tuple[Others, dict[str, int]]:
        """What the rollout of a member has to know of those of the others, and, by unit, the latest wave in which one
        that it depends on has its turn there. No query."""
        others = [each for each in self.grids if each.pk != grid.pk]
        if not others:
            return ALONE, {}
        waits_for = requests_of(grid.metadata.get("annotations")).depends_on
        before = {each.pk for each in others if each.member in waits_for}
        rows = [each for each in self.rows if each[0] != grid.pk]
        waves: dict[str, int] = {}
        for pk, name, wave, turn in rows:
            if pk in before and turn in ("waiting", "given", "deferred"):
                waves[name] = max(wave, waves.get(name, 0))
        stays = self.pinned
        changing = {name for pk, name, _, turn in rows if turn in ("given", "back") and (pk, name) not in stays}
        everywhere = {name for _, name, _, _ in rows} if isinstance(strategy.most, str) else set()
        far = beside(strategy, [_without_units(self.current[each.pk]) for each in others])
        return replace(far, changing=self.there & changing, units=self.there & everywhere), waves


def together(grids: Collection[Grid]) -> Together:
    """These members of a package, which have one key. Four queries, however many they are; none for one alone."""
    if len(grids) < 2:
        return Together(grids, {}, (), frozenset(), frozenset())
    current = _current(grids)
    by_rollout = {each.pk: pk for pk, each in current.items() if each}
    units = RolloutUnit.objects.filter(rollout__in=by_rollout).values_list("rollout", "name", "wave", "turn")
    rows = [(by_rollout[pk], name, wave, turn) for pk, name, wave, turn in units]
    pinned = GridUnit.objects.filter(grid__in=grids).exclude(pinned=None).values_list("grid", "name")
    key = next(iter(grids)).key
    return Together(grids, current, rows, set(pinned), known_units(key, with_nodes=False).keys())


def seed_of(grid: Grid) -> int:
    """From what is drawn at random for a member that is rolled out as its package says: the same for all members of
    one version of the package. 0 for another grid."""
    group = grid.group if grid.group_id else None
    if group is None or (wanted := _strategy(group)) is None or not is_with(grid, wanted):
        return 0
    return int.from_bytes(hashlib.sha256(f"{group.uid}/{group.version}".encode()).digest()[:6])


def members(group: ServiceGroup) -> list[Grid]:
    """The members that are rolled out as the package says, locked."""
    wanted = _strategy(group)
    if wanted is None:
        return []
    return [each for each in Grid.objects.filter(group=group).locked() if is_with(each, wanted)]


def _strategy(group: ServiceGroup) -> object:
    return group.spec.get("rollout")


def _current(grids: Collection[Grid]) -> dict[int, Rollout | None]:
    """By grid, the rollout of what it says now; None where that has not begun. One query."""
    generations = {grid.pk: grid.generation for grid in grids}
    begun = {each.grid_id: each for each in latest_of(grids) if each.generation == generations[each.grid_id]}
    return {pk: begun.get(pk) for pk in generations}


def _without_units(rollout: Rollout | None) -> State | None:
    if rollout is None:
        return None
    phase, reason = cast(Phase, rollout.phase), cast(Reason, rollout.reason)
    return State(rollout.target, phase, reason, rollout.wave, tracks=positions_of(rollout))
