"""A rollout's rows, and what they mean to the core."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from ....core.grids.grid import GridSpec
from ....core.health import is_settled
from ....core.names import child_name
from ....core.rollouts.progress import TrackProgress, of_tracks, of_waves, sentence_of
from ....core.rollouts.state import Health, Member, Seen, State, Waits
from ....core.rollouts.strategy import Strategy
from ....core.rollouts.time_zones import time_zone_of
from ....core.units import Unit
from ....models import Grid, GridUnit, Pod, Rollout, RolloutUnit
from ....models.bulk import upsert_rows
from ....queries.per_unit.clocks import local_minute
from ....queries.per_unit.rollouts import is_stuck
from ....queries.per_unit.sequence import Going, awaited
from ...queue import change_log, due_cells
from ...queue.due_cells import Cell
from ..events import grid_events
from ..events.grid_events import NewEvent
from ..status import publish

_MEMBER = ("wave", "before", "assigned", "turn", "since", "took", "reached", "failure")
_TOLD = ("Paused", "Halted", "RollingBack", "RolledBack", "Aborted", "Complete")
_BAD = ("Halted", "RollingBack")


def seen_of(
    spec: GridSpec,
    strategy: Strategy,
    units: Mapping[str, Unit],
    cells: Mapping[str, GridUnit],
    before: State,
    now: float,
) -> dict[str, Seen]:
    """What was last seen of these units of a grid. At most one query, and those of `awaited`."""
    by_wave = {number: strategy.of(strategy.track_at(number)) for number in range(len(strategy.waves))}
    found, again = {}, restarting(spec, strategy, before.members)
    waits = _waits(spec, units, cells, before)
    for name, unit in units.items():
        cell = cells.get(name)
        opens = 0.0
        its = by_wave.get(before.members[name].wave, strategy) if name in before.members else strategy
        if its.windows:
            zone = time_zone_of(unit, spec.variables, strategy.time_zone)
            opens = 60.0 * its.opens_in(local_minute(now, zone))
        health = _health(spec, unit, cell)
        revision = cell.revision if cell else 0
        found[name] = Seen(revision, health, is_stuck(cell), opens, name in again, waits.get(name, ""))
    return found


def _waits(spec: GridSpec, units: Collection[str], cells: Mapping[str, GridUnit], before: State) -> dict[str, Waits]:
    """The units that the rollout is still to reach, or has not reached yet, where another grid is waited for."""
    if not spec.requests.depends_on:
        return {}
    ahead = [
        name for name in units if name in cells and cells[name].revision != before.target and _is_ahead(before, name)
    ]
    return {name: each.waits for name, each in awaited(spec, Going(latest=ahead)).items()}


def _is_ahead(before: State, name: str) -> bool:
    return name not in before.members or before.members[name].turn in ("waiting", "given", "deferred")


def restarting(spec: GridSpec, strategy: Strategy, members: Mapping[str, Member]) -> set[str]:
    """The units of which a pod that is there since the rollout reached them restarted too often."""
    if strategy.max_restarts is None:
        return set()
    kind = spec.kind.child_kind
    reached = {
        child_name(spec.name, kind, name): (name, each.reached) for name, each in members.items() if each.reached
    }
    pods = Pod.objects.filter(
        namespace=spec.namespace,
        child_kind=kind,
        child__startswith=f"{spec.name}-",
        terminating=False,
        restarts__gt=strategy.max_restarts,
    )
    found = set()
    for child, created in pods.values_list("child", "created_at"):
        name, since = reached.get(child, ("", 0.0))
        if name and created and created.timestamp() >= int(since):  # creationTimestamp has whole seconds
            found.add(name)
    return found


def _health(spec: GridSpec, unit: Unit, cell: GridUnit | None) -> Health:
    if cell is not None and cell.pinned is not None:
        return "absent"
    if spec.requests.pauses(unit.name):
        return "paused"
    if not unit.ready_nodes:
        return "offline"
    if cell is None or cell.state in ("Progressing", "Offline"):
        return "moving"
    if is_settled(cell.state):
        return "ready"
    return "paused" if cell.state == "Paused" else "broken"


def store(grid: Grid, rollout: Rollout, strategy: Strategy, before: State | None, after: State) -> None:
    """Write a decision, where `grid` is its locked row: the rollout, its units, the revisions that they should have,
    and what the status says. The cells of units that should have another revision are due."""
    rollout.phase, rollout.reason, rollout.wave = after.phase, after.reason, after.wave
    rollout.ready_at, rollout.approved, rollout.checked = after.ready_at, after.approved, after.checked
    rollout.tracks = [asdict(each) for each in after.tracks]
    rollout.looked_at = timezone.now().timestamp()
    ended = after.phase in ("Complete", "Aborted", "RolledBack", "Superseded")
    rollout.ended_at = (rollout.ended_at or timezone.now()) if ended else None
    rollout.save()
    members = after.members if before is None else _changed(before, after)
    fresh = [RolloutUnit(rollout=rollout, name=name, **asdict(each)) for name, each in members.items()]
    upsert_rows(fresh, ["rollout", "name"], list(_MEMBER))
    _assign(grid, before, after)
    grid.stable = None if after.phase in ("Complete", "Superseded") else rollout.stable
    grid.rollout = summary(strategy, after, rollout)
    grid.cells_version += 1
    grid.save(update_fields=["stable", "rollout", "cells_version"])
    is_news = before.phase != after.phase if before else bool(after.members)  # a first version is not rolled out
    if after.phase in _TOLD and is_news:
        event = NewEvent("", f"Rollout{after.phase}", sentence_of(strategy, after), warning=after.phase in _BAD)
        grid_events.record({grid.path: [event]}, unsent=True)
    change_log.record("grid", [grid.path])
    publish.request([grid])


def _changed(before: State, after: State) -> dict[str, Member]:
    return {name: each for name, each in after.members.items() if before.members.get(name) != each}


def _assign(grid: Grid, before: State | None, after: State) -> None:
    """Note which units should have which revision; of those that change their cells are due."""
    wanted: dict[int | None, list[str]] = {}
    for name, member in after.members.items():
        mine = _column(after, member)
        if before is None or name not in before.members or _column(before, before.members[name]) != mine:
            wanted.setdefault(mine, []).append(name)
    for number, names in wanted.items():
        grid.units.filter(name__in=names).update(assigned=number, failures=0, next_at=None)
    if before is not None:
        names = [name for several in wanted.values() for name in several]
        due_cells.enqueue([Cell(grid.key, grid.pk, name, changed=True) for name in names])


def _column(state: State, member: Member) -> int | None:
    """What `GridUnit.assigned` says of a member: nothing once it follows the grid again."""
    return None if state.phase == "Complete" and member.assigned == state.target else member.assigned


def summary(strategy: Strategy, state: State, rollout: Rollout) -> dict[str, Any]:
    """What a grid's status says of its rollout; `message` is a sentence."""
    tracks = [_told_of(each) for each in of_tracks(strategy, state)]
    return {
        **({"tracks": tracks} if tracks else {}),
        "phase": state.phase,
        "reason": state.reason,
        "target": state.target,
        "stable": rollout.stable,
        "wave": strategy.title(state.wave),
        "waves": [
            {"name": strategy.title(number), "units": each.total}
            for number, each in enumerate(of_waves(strategy, state))
            if each.total
        ],
        "units": len(state.members),
        "turns": state.turns(),
        "message": sentence_of(strategy, state).to_json(),
    }


def _told_of(track: TrackProgress) -> dict[str, Any]:
    found = {"name": track.name, "wave": track.wave, "reason": track.reason, "done": track.is_over}
    return {**found, "units": track.total, "turns": dict(track.counts), **({"paused": True} if track.paused else {})}
