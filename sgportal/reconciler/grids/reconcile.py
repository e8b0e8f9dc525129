"""Make the cluster agree with one grid: observe, plan, apply, record the status."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import F
from django.utils import timezone

from ...cluster import Cluster, Conflict
from ...core.grids.grid import GridSpec
from ...core.ownership.identity import is_ours
from ...core.plans.contest import Attempt, retry_at
from ...core.plans.plan import Plan, World, plan
from ...core.plans.retirement import HELD, KEPT
from ...core.policy.rules import held
from ...core.text import Invalid
from ...models import Grid, GridUnit
from ...queries.freshness import seen_once
from ...queries.plans import spec_of, world
from ...queries.policy import closed
from ..queue import workqueue
from . import deletion_brake, field_ownership, observe, sync_resource, update_status
from .apply import Outcome, carry_out
from .creation_failures import LOOK_AGAIN

NODES_UNKNOWN = 1.0  # seconds until another look while the nodes have never been listed
WATCH_BEHIND = 1.0  # seconds until another look while the watch does not know that all children are gone
ANOTHER_WRITER = 1.0  # seconds until another try after somebody else was faster
CHILDREN_GOING = 1.0  # seconds until another look while deleted children linger


def reconcile(grid: Grid, cluster: Cluster, lease: workqueue.KeyLease) -> float | None:
    """Make the cluster agree with a grid. Seconds until it wants another look, or None. In a closed namespace nothing
    is written but the status, and what is under way there to be deleted.

    Raises ClusterError where the cluster could not be read or stopped answering; whatever was written is recorded.
    """
    if not seen_once("nodes"):
        return NODES_UNKNOWN
    shut = None if grid.deleting_since else closed(grid.namespace)
    settled = sync_resource.settle(grid, cluster.reading() if shut else cluster)
    if not settled.goes_on:
        return settled.look_again
    try:
        spec = spec_of(grid)
    except Invalid as invalid:
        update_status.record_invalid(grid, invalid, cluster)
        return _finish_deletion(grid, cluster, []) if grid.deleting_since and not cluster.read_only else None

    seen = _observe(grid, spec, cluster)
    if not grid.deleting_since and observe.vanished(grid, seen.live):
        return WATCH_BEHIND
    planned = held(plan(spec, seen), shut)
    if cluster.read_only:
        _only_record(grid, spec, seen, planned, cluster)
        return None
    planned = deletion_brake.restrain(grid, spec, seen, planned)
    steps = observe.confirmed(update_status.ready_to_try(grid, planned.steps), spec, cluster)
    outcomes = carry_out(steps, cluster, lease.lost)

    if grid.deleting_since:
        update_status.raise_first(outcomes)
        return _finish_deletion(grid, cluster, [each for each in seen.live if is_ours(each, seen.owner)])
    update_status.record(grid, spec, seen, planned, outcomes, cluster, shut)
    if not shut:
        field_ownership.claim(spec, seen, planned, update_status.after(seen, outcomes), cluster)
    return _next_look(grid, outcomes)


def _only_record(grid: Grid, spec: GridSpec, seen: World, planned: Plan, cluster: Cluster) -> None:
    """What is left to do while another controller manages the grids: show what there is."""
    if not grid.deleting_since:
        update_status.record(grid, spec, seen, replace(planned, steps=()), (), cluster)


def _observe(grid: Grid, spec: GridSpec, cluster: Cluster) -> World:
    units = observe.units(spec)
    live = observe.children(spec, units, cluster, observe.known_strangers(grid))
    cluster.confirm()
    deletion_brake.forget_decisions(grid, units)
    update_status.note_gone(grid, spec, units, live)
    return world(spec, grid, units, live, deleting=bool(grid.deleting_since))


def _finish_deletion(grid: Grid, cluster: Cluster, left: Sequence[Any]) -> float | None:
    waiting = left and grid.propagation != "Orphan"
    if waiting or (grid.cluster_uid and cluster.get(grid.kind, grid.namespace, grid.name) is not None):
        return CHILDREN_GOING
    cluster.confirm()
    sync_resource.forget(grid)
    return None


def _next_look(grid: Grid, outcomes: Sequence[Outcome]) -> float | None:
    """Seconds until the first of what units wait for."""
    update_status.raise_if_cut_short(outcomes)
    if any(isinstance(outcome.error, Conflict) for outcome in outcomes):
        return ANOTHER_WRITER
    waiting = grid.units.exclude(next_at=None, gone_since=None, attempts={})
    times = [when for unit in waiting for when in _times(unit)]
    now = timezone.now().timestamp()
    if grid.kind == "StatefulSetGrid" and grid.units.filter(state="Progressing", ready__lt=F("desired")).exists():
        times.append(now + LOOK_AGAIN)
    return max(0.5, min(times) - now) if times else None


def _times(unit: GridUnit) -> Iterator[float]:
    """When a unit wants another look, epoch seconds: its back-off, its grace time is over, a field is to be retried."""
    if unit.next_at:
        yield unit.next_at.timestamp()
    if unit.gone_since and unit.retirement not in (HELD, KEPT):
        yield unit.gone_since.timestamp() + update_status.grace_seconds()
    if retry := retry_at({name: Attempt.from_json(each) for name, each in unit.attempts.items()}):
        yield retry
