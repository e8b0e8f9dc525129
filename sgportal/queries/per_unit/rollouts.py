"""The rollout of a grid, from the rows."""

from dataclasses import dataclass
from typing import cast

from ...core.grids.grid import parse
from ...core.rollouts.state import Failure, Member, Phase, Reason, State, Turn
from ...core.rollouts.strategy import Strategy
from ...core.text import Invalid
from ...core.workloads.trouble import DEADLINE_EXCEEDED
from ...models import Grid, GridUnit, Rollout, RolloutUnit


def latest(grid: Grid) -> Rollout | None:
    """The latest rollout of a grid."""
    return grid.rollouts.order_by("-pk").first()


def _member(row: RolloutUnit) -> Member:
    turn, failure = cast(Turn, row.turn), cast(Failure, row.failure)
    return Member(row.wave, row.before, row.assigned, turn, row.since, row.took, row.reached, failure)


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
    )


@dataclass(frozen=True, slots=True)
class Current:
    """A rollout with what the grid says of rollouts."""

    rollout: Rollout
    strategy: Strategy
    state: State


def current(grid: Grid) -> Current | None:
    """The latest rollout of a grid that is rolled out in waves, None where there is none."""
    rollout = latest(grid) if grid.rollout else None
    try:
        strategy = parse(grid.source()).rollout if rollout else None
    except Invalid:
        return None
    return Current(rollout, strategy, state_of(rollout)) if rollout and strategy else None


def is_stuck(cell: GridUnit | None) -> bool:
    """Whether a workload has made no progress within its deadline: that is the reason of its state, or stands beside
    it."""
    said = [cell.reason, *(each["reason"] for each in cell.notes)] if cell else []
    return DEADLINE_EXCEEDED in said
