"""Make the cluster agree with one grid: observe, plan, apply, record the status."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...cluster import Cluster, Conflict
from ...core.plans.plan import Step, plan
from ...core.policy.rules import held
from ...core.text import Invalid
from ...core.traffic.proof.proof import POD_NOT_SEEN
from ...models import Grid
from ...queries.freshness import seen_once
from ...queries.plans import is_carried_out, spec_of
from ...queries.policy import closed
from ..queue import due_cells, workqueue
from ..queue.due_cells import Cell
from . import operations
from .observation.children import confirmed, vanished
from .observation.observation import Observation, observe
from .resource import sync
from .rollouts import begin as rollouts
from .status import cells, record
from .status.judge import after
from .writes import deletion_brake, field_ownership
from .writes.apply import StepResult, apply_steps, is_cut_short, raise_first, raise_if_cut_short

NODES_UNKNOWN = 1.0  # seconds until another look while the nodes have never been listed
WATCH_BEHIND = 1.0  # seconds until another look while the watch does not know that all children are gone
ANOTHER_WRITER = 1.0  # seconds until another try after somebody else was faster
MOST_STEPS = 1000  # of one task
MOST_SECONDS = 4.0  # after which it begins no more of them
PART = 250  # steps, between two looks whether a NodeUnit has new members, which wait for the grid's lease
LEFT_TO_CELLS = 60.0  # seconds until it is made sure that the cells did what was left to them
POD_NOT_SEEN_SECONDS = 5.0  # seconds until another look while a slice tells of a pod that is yet to be seen
CHILDREN_GOING = 1.0  # seconds until another look while deleted children linger


def reconcile(grid: Grid, cluster: Cluster, lease: workqueue.KeyLease) -> float | None:
    """Make the cluster agree with a grid. Seconds until it wants another look, or None. In a closed namespace nothing
    is written but the status, and what is under way there to be deleted.

    Raises ClusterError where the cluster could not be read or stopped answering; whatever was written is recorded.
    """
    if not seen_once("nodes"):
        return NODES_UNKNOWN
    shut = None if grid.deleting_since else closed(grid.namespace)
    synced = sync.sync(grid, cluster.reading() if shut else cluster)
    if not synced.proceed:
        return synced.requeue_after
    if not (shut or grid.deleting_since or cluster.read_only) and operations.carry_out(grid):
        return 0.0
    try:
        spec = spec_of(grid)
    except Invalid as invalid:
        record.record_invalid(grid, synced.resource, invalid, cluster)
        return _finish_deletion(grid, cluster, []) if grid.deleting_since and not cluster.read_only else None

    if not (grid.deleting_since or cluster.read_only or rollouts.prepare(grid, spec, cluster)):
        return 0.0
    seen = observe(grid, spec, synced.resource, cluster)
    if not grid.deleting_since and vanished(grid, seen.own):
        return WATCH_BEHIND
    if cells.has_news_of_nodes(seen):
        seen.confirm(cluster)
        seen = cells.note_nodes(seen)
    planned = held(plan(spec, seen.world()), shut)
    if cluster.read_only:  # another controller manages the grids: what is left to do is to show what there is
        if not grid.deleting_since:
            record.record(seen, replace(planned, steps=()), (), cluster)
        return None
    if planned.steps:
        seen.confirm(cluster)
    if any(step.verb == "adopt" for step in planned.steps) and sync.is_leaving(grid, cluster):
        return ANOTHER_WRITER
    seen, planned = deletion_brake.restrain(seen, planned)
    steps = confirmed(cells.ready_to_try(seen.cells, _not_in_cells(grid, planned.steps)), spec, cluster)
    results, left = _apply(grid, steps, cluster, lease)

    if grid.deleting_since:
        raise_first(results)
        return 0.0 if left else _finish_deletion(grid, cluster, seen.own)
    carried_out = is_carried_out(grid)  # before that is recorded
    rows = record.record(seen, planned, results, cluster, shut)
    if not shut:
        field_ownership.take_over(seen, planned, after(seen, results), cluster)
    raise_if_cut_short(results)
    return _leave_to_cells(grid, left, carried_out) if left else _requeue_after(seen, rows, results)


def _apply(
    grid: Grid, steps: Sequence[Step], cluster: Cluster, lease: workqueue.KeyLease
) -> tuple[list[StepResult], Sequence[Step]]:
    """Apply as many steps as one task may, deletions last; what became of them, and those that are left. It gives way
    to NodeUnits that get new members, whose workloads wait for the lease."""
    until, steps = time.monotonic() + MOST_SECONDS, sorted(steps, key=lambda step: step.verb == "delete")
    results: list[StepResult] = []
    while len(results) < len(steps):
        done = len(results)
        results += apply_steps(steps[done : min(done + PART, MOST_STEPS)], cluster, lease.lost)
        left = steps[len(results) :]
        if is_cut_short(results):
            return [*results, *(StepResult(step, skipped=True) for step in left)], ()
        if left and (len(results) >= MOST_STEPS or time.monotonic() >= until or _has_to_give_way(grid)):
            return results, left
    return results, ()


def _has_to_give_way(grid: Grid) -> bool:
    return grid.kind != "ServiceGrid" and not grid.deleting_since and due_cells.is_any_moved(grid.key)


def _not_in_cells(grid: Grid, steps: Sequence[Step]) -> Sequence[Step]:
    """Without those that were left to batches of cells before."""
    changing = due_cells.changing(grid.pk) if len(steps) and not grid.deleting_since else ()
    return [step for step in steps if step.unit not in changing] if changing else steps


def _leave_to_cells(grid: Grid, steps: Sequence[Step], carried_out: bool) -> float | None:
    """Leave what is more than one task may do to batches of cells, which any worker takes; deletions, which are counted
    over all grids, and a ServiceGrid's Services to the next task for the grid. Seconds until that."""
    if grid.kind == "ServiceGrid":
        return 0.0
    in_cells = [step for step in steps if step.verb in ("create", "update") and step.unit]
    due_cells.enqueue([Cell(grid.key, grid.pk, step.unit, changed=not carried_out) for step in in_cells])
    return LEFT_TO_CELLS if len(in_cells) == len(steps) else 0.0


def _finish_deletion(grid: Grid, cluster: Cluster, left: Sequence[Any]) -> float | None:
    waiting = left and grid.propagation != "Orphan"
    if waiting or (grid.cluster_uid and cluster.get(grid.kind, grid.namespace, grid.name) is not None):
        return CHILDREN_GOING
    cluster.confirm()
    sync.forget(grid)
    return None


def _requeue_after(seen: Observation, rows: cells.Cells, results: Sequence[StepResult]) -> float | None:
    """Seconds until the first of what units wait for. A pod that comes into sight wakes no ServiceGrid."""
    if any(isinstance(result.error, Conflict) for result in results):
        return ANOTHER_WRITER
    later = cells.requeue_after(seen.grid, rows)
    if seen.reach and any(each.reason == POD_NOT_SEEN for each in seen.reach.nodes):
        return POD_NOT_SEEN_SECONDS if later is None else min(later, POD_NOT_SEEN_SECONDS)
    return later
