"""Rollouts begin, change and end with what a grid says: before anything is planned for a new version of it, each unit
is assigned the revision that it has."""

import random
from collections.abc import Collection, Mapping
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from ....cluster import Cluster
from ....core.grids.grid import GridSpec, parse
from ....core.plans.world import AS_IT_IS
from ....core.rollouts.division import divided
from ....core.rollouts.state import OVER, Member, Phase
from ....core.rollouts.strategy import Strategy
from ....core.rollouts.succession import begun, origins, redivided
from ....core.text import Invalid, say
from ....core.units import Unit
from ....models import Grid, GridUnit, Rollout
from ....queries.per_unit.rollouts import latest, state_of
from ....queries.per_unit.units import known_units, units_for
from ...queue import rollout_keys
from ...queue.together import requests_together
from ..events import grid_events
from ..events.grid_events import NewEvent
from . import package, rows, taken_over, turn


def prepare(grid: Grid, spec: GridSpec, cluster: Cluster | None = None) -> bool:
    """Hold a grid against its rollout: begin one where its children are to be made of something else than before, go on
    with the one under way where they are not. `grid` then says what its units follow. False: the grid has changed
    meanwhile, and nothing may be planned for what it said. Raises ClusterError where the cluster is asked."""
    if spec.rollout is None and grid.stable is None and not grid.rollout:
        return True
    known = grid.observed_generation or spec.rollout is None
    behind = set[str]() if known else taken_over.behind(grid, spec, cluster)
    with transaction.atomic(), requests_together():
        row, others = package.locked_with_package(grid)
        if row is None or row.generation != grid.generation:
            return False
        _hold_against(row, spec, behind, others)
    for name in ("stable", "rollout", "cells_version"):
        setattr(grid, name, getattr(row, name))
    return True


def _hold_against(grid: Grid, spec: GridSpec, behind: Collection[str], others: Collection[Grid]) -> None:
    rollout = latest(grid)
    if (strategy := spec.rollout) is None:
        _end(grid, rollout)
    elif rollout is not None and rollout.generation == grid.generation:
        return
    elif rollout is None or not rollout.generation:  # as a restored backup leaves it
        _first(grid, spec, strategy, behind)
    elif _makes_as(grid, spec, rollout.target):
        _go_on(grid, spec, strategy, rollout, others)
    else:
        _supersede(grid, spec, strategy, rollout)
    rollout_keys.wake([grid])


def _end(grid: Grid, rollout: Rollout | None) -> None:
    """The grid has no rollout any more: its units follow it."""
    if rollout is not None and rollout.phase not in OVER:
        Rollout.objects.filter(pk=rollout.pk).update(phase="Superseded", ended_at=timezone.now())
    grid.units.exclude(assigned=None).update(assigned=None)
    grid.stable, grid.rollout, grid.cells_version = None, {}, grid.cells_version + 1
    grid.save(update_fields=["stable", "rollout", "cells_version"])


def _first(grid: Grid, spec: GridSpec, strategy: Strategy, behind: Collection[str]) -> None:
    """The first rollout of a grid. What was never carried out has no workloads to be careful with, and is complete,
    unless they were there before its row."""
    stable = grid.observed_generation
    if behind:
        found = dict.fromkeys([*units_for(spec), *behind], (AS_IT_IS, AS_IT_IS))
        _open(grid, spec, strategy, AS_IT_IS, found, phase="Paused")
        _tell(grid, len(behind))
    elif not stable or _makes_as(grid, spec, stable):
        _open(grid, spec, strategy, grid.generation, {}, phase="Complete")
    else:
        _open(grid, spec, strategy, stable, _members_of(grid, stable, {}), command="")


def _tell(grid: Grid, count: int) -> None:
    text = say(
        "%(count)s NodeUnits run something else than the grid says, and how far its rollout was is not known: they stay"
        " as they are until somebody resumes it",
        count=count,
    )
    grid_events.record({grid.path: [NewEvent("", "RolloutTakenOver", text, warning=True)]}, unsent=True)


def _makes_as(grid: Grid, spec: GridSpec, number: int) -> bool:
    """Whether the grid at a revision made the same children."""
    revision = grid.revisions.filter(number=number).first()
    if revision is None:
        return False
    try:
        return spec.makes_as(parse(revision.source()))
    except Invalid:
        return False


def _go_on(grid: Grid, spec: GridSpec, strategy: Strategy, rollout: Rollout, others: Collection[Grid]) -> None:
    """The grid says something else of what does not concern its children: how it is rolled out, perhaps."""
    before = state_of(rollout)
    waves = divided(strategy, _units(spec, before.members), rollout.seed)
    after = redivided(strategy, before, waves)
    rollout.generation = grid.generation
    after = turn.commanded(grid, strategy, rollout, after)
    rows.store(grid, rollout, strategy, before, after)
    turn.stop_with(before, after, others)


def _supersede(grid: Grid, spec: GridSpec, strategy: Strategy, old: Rollout) -> None:
    """Another change while a rollout is under way, or after it: units keep what they have until the new one reaches
    them, and would go back to what they last proved to run."""
    complete = old.phase == "Complete"
    stable = old.generation if complete else old.stable
    if old.phase not in OVER:
        Rollout.objects.filter(pk=old.pk).update(phase="Superseded", ended_at=timezone.now())
    had = state_of(old).members
    # What a complete rollout could not reach is still to get what that one proved.
    missed = {name for name, each in had.items() if complete and each.turn == "deferred"}
    found = _members_of(grid, stable, had)
    members = {**found, **dict.fromkeys(missed & found.keys(), (stable, stable))}
    _open(grid, spec, strategy, stable, members, command=old.command)


def _members_of(grid: Grid, stable: int, old: Mapping[str, Member]) -> dict[str, tuple[int, int]]:
    """By unit, the revision to go back to and the one that it has now."""
    return origins({cell.name: _revision(cell, stable) for cell in grid.units.exclude(name="")}, old)


def _revision(cell: GridUnit, stable: int) -> int:
    return cell.revision or stable if cell.assigned is None else cell.assigned


def _open(
    grid: Grid,
    spec: GridSpec,
    strategy: Strategy,
    stable: int,
    members: Mapping[str, tuple[int, int]],
    command: str | None = None,
    phase: Phase | None = None,
) -> None:
    """Begin a rollout, where `command` is the annotation that was last carried out; None: what it says now asks for
    nothing. `phase`: where it begins, None: as the strategy says."""
    seed = package.seed_of(grid) or random.getrandbits(48)
    waves = divided(strategy, _units(spec, members), seed)
    now = timezone.now().timestamp()
    phase = phase or ("Pending" if strategy.start == "manual" else "Progressing")
    state = replace(begun(grid.generation, waves, members, now), phase=phase)
    rollout = Rollout(
        grid=grid, target=grid.generation, stable=stable, generation=grid.generation, seed=seed, looked_at=now
    )
    rollout.command = turn.command_of(grid) if command is None else command
    rows.store(grid, rollout, strategy, None, turn.commanded(grid, strategy, rollout, state))


def _units(spec: GridSpec, names: Mapping[str, object]) -> dict[str, Unit]:
    """These units, with their nodes as far as there are any."""
    known = known_units(spec.key, with_nodes=True)
    return {name: known.get(name) or Unit(name, ()) for name in names}
