"""The rollout of a grid, from the rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import cast

from django.db.models import Max, QuerySet
from django.utils import timezone

from ...core.grids.grid import GridSpec, parse
from ...core.rollouts import forecast
from ...core.rollouts.forecast import Clocks
from ...core.rollouts.state import GIVEN_UP, OVER, Failure, Member, Phase, Position, Reason, State, Turn
from ...core.rollouts.strategy import Strategy, strategy_of
from ...core.rollouts.time_zones import time_zone_of
from ...core.rollouts.whole import Whole, whole
from ...core.text import Invalid
from ...core.units import Unit
from ...core.workloads.trouble import DEADLINE_EXCEEDED
from ...models import Grid, GridUnit, Rollout, RolloutUnit, ServiceGroup
from .clocks import local_minute
from .units import known_units


def latest(grid: Grid) -> Rollout | None:
    """The latest rollout of a grid."""
    return grid.rollouts.order_by("-pk").first()


def _member(row: RolloutUnit) -> Member:
    turn, failure = cast(Turn, row.turn), cast(Failure, row.failure)
    return Member(row.wave, row.before, row.assigned, turn, row.since, row.took, row.reached, failure)


def positions_of(rollout: Rollout) -> tuple[Position, ...]:
    """Where each of several tracks is. No query."""
    return tuple(Position(**each) for each in rollout.tracks)


def state_of(rollout: Rollout) -> State:
    """A rollout as the core knows it. One query."""
    members = {row.name: _member(row) for row in rollout.units.all()}
    return State(
        rollout.target,
        cast(Phase, rollout.phase),
        cast(Reason, rollout.reason),
        rollout.wave,
        rollout.ready_at,
        rollout.approved,
        rollout.checked,
        members,
        positions_of(rollout),
    )


@dataclass(frozen=True, slots=True)
class Current:
    """A rollout with what the grid says of rollouts; `clocks` of its units where windows need them."""

    rollout: Rollout
    strategy: Strategy
    state: State
    clocks: Clocks

    def held_by(self) -> list[tuple[str, Phase | None]]:
        """The members of the package that it waits for, or for which it was halted (`held_by`)."""
        return held_by(self.rollout.grid, self.state)

    def seconds_left(self) -> float | None:
        """In about how many seconds it is complete, None where that cannot be told."""
        return forecast.seconds_left(self.strategy, self.state, timezone.now().timestamp(), self.clocks)

    def seconds_to_approval(self) -> float | None:
        """In about how many seconds a person has to approve, None where nobody has or that cannot be told."""
        return forecast.seconds_to_approval(self.strategy, self.state, timezone.now().timestamp(), self.clocks)


def current(grid: Grid) -> Current | None:
    """The latest rollout of a grid that is rolled out in waves, None where there is none. Two queries; three
    where there are windows."""
    rollout = latest(grid) if grid.rollout else None
    spec = _parsed(grid) if rollout else None
    if rollout is None or spec is None or spec.rollout is None:
        return None
    known = known_units(spec.key, with_nodes=True) if spec.rollout.has_windows else {}
    return Current(rollout, spec.rollout, state_of(rollout), _clocks_of(spec, spec.rollout, known))


def _parsed(grid: Grid) -> GridSpec | None:
    """What a grid says; None where that is invalid."""
    try:
        return parse(grid.source())
    except Invalid:
        return None


def _clocks_of(spec: GridSpec | None, strategy: Strategy, known: Mapping[str, Unit]) -> Clocks:
    """The clocks of a grid's units, which are among these."""
    if spec is None or not known:
        return Clocks({}, local_minute)
    its = spec.its(known).items()
    return Clocks({name: time_zone_of(unit, spec.variables, strategy.time_zone) for name, unit in its}, local_minute)


def latest_of(grids: Collection[Grid]) -> "QuerySet[Rollout]":
    """The same of several grids, those that have one."""
    newest = Rollout.objects.filter(grid__in=grids).order_by().values("grid").annotate(newest=Max("pk"))
    return Rollout.objects.filter(pk__in=newest.values("newest"))


def is_stuck(cell: GridUnit | None) -> bool:
    """Whether a workload has made no progress within its deadline: that is the reason of its state, or stands beside
    it."""
    said = [cell.reason, *(each["reason"] for each in cell.notes)] if cell else []
    return DEADLINE_EXCEEDED in said


@dataclass(frozen=True, slots=True)
class Together:
    """The latest rollouts of the members of a package that are rolled out as it says, each with its grid and state, in
    order of path."""

    group: ServiceGroup
    strategy: Strategy
    members: tuple[tuple[Grid, Rollout, State], ...]

    def as_one(self) -> Whole:
        """What they are as one, now."""
        states = {grid.path: state for grid, _, state in self.members}
        return whole(self.strategy, states, timezone.now().timestamp(), self._clocks())

    def _clocks(self) -> dict[str, Clocks]:
        """By path of the members, the clocks of their units; where there are windows one query."""
        known = known_units(self.group.key, with_nodes=True) if self.strategy.has_windows else {}
        return {
            grid.path: _clocks_of(_parsed(grid) if known else None, self.strategy, known) for grid, _, _ in self.members
        }


def is_with(grid: Grid, wanted: object) -> bool:
    """Whether a member is rolled out as the package says, whose `spec.rollout` is this."""
    return grid.kind != "ServiceGrid" and not grid.deleting_since and grid.spec.get("rollout") == wanted


def together(group: ServiceGroup) -> Together | None:
    """The rollout of a package, None where it says nothing of one, or no member has begun any. Three queries."""
    wanted = group.spec.get("rollout")
    if wanted is None:
        return None
    grids = {each.pk: each for each in Grid.objects.filter(group=group) if is_with(each, wanted)}
    rollouts = latest_of(grids.values()).prefetch_related("units")
    found = [(grids[each.grid_id], each, state_of(each)) for each in rollouts if grids[each.grid_id].rollout]
    strategy = strategy_of(wanted)
    if not found or strategy is None:
        return None
    return Together(group, strategy, tuple(sorted(found, key=lambda each: each[0].path)))


def held_by(grid: Grid, state: State) -> list[tuple[str, Phase | None]]:
    """The members of its package that the rollout of a grid, which is at this state, waits for, or for which it was
    halted: by path, and the phase of each (None: it has not begun with what it says now). Three queries where it
    does, else none."""
    reasons = {state.reason, *(each.reason for each in state.tracks)}
    if not grid.group_id or reasons.isdisjoint(("AwaitingMembers", "MemberStopped")):
        return []
    wanted = grid.spec.get("rollout")
    others = [each for each in Grid.objects.filter(group=grid.group_id).exclude(pk=grid.pk) if is_with(each, wanted)]
    begun = {each.grid_id: each for each in latest_of(others)}
    found: list[tuple[str, Phase | None]] = []
    for other in sorted(others, key=lambda each: each.path):
        its = begun.get(other.pk)
        phase = cast(Phase, its.phase) if its and its.generation == other.generation else None
        waits = its is not None and "AwaitingMembers" in {its.reason, *(each["reason"] for each in its.tracks)}
        if phase in GIVEN_UP or phase == "RollingBack":
            if state.reason == "MemberStopped":
                found.append((other.path, phase))
        elif state.reason != "MemberStopped" and phase not in OVER and not (waits and phase == "Progressing"):
            found.append((other.path, phase))
    return found
