"""`run(key)`: make one key right. Read everything, ask the core once, write, record what was observed."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from ..cluster import Cluster, ClusterError, Conflict
from ..core.grid import GridSpec
from ..core.plan import Plan, World, is_ours, plan
from ..core.text import Invalid
from ..models import Grid, Mirror
from ..models.reading import spec_of, world
from . import arrivals, custom, labels, observing, recording, superedge_fields, superedge_tasks, work
from .access import cluster as connected
from .executing import Outcome, carry_out

log = logging.getLogger(__name__)
NODES_UNKNOWN = 1.0  # seconds until another look while the nodes have never been listed
ANOTHER_WRITER = 1.0  # seconds until another try after somebody else was faster
CHILDREN_GOING = 1.0  # seconds until another look while deleted children linger


def run(key: str) -> None:
    """Make a key right if it is due and nobody is at it; on failure it is retried for ever, ever more slowly."""
    with work.held(key) as lease:
        if lease is None:
            return
        try:
            revisit = _dispatch(key, lease)
        except ClusterError as error:
            log.warning("%s: %s", key, error)
            work.failed(lease, str(error), error.retry_after)
        except Exception as error:
            log.exception("%s: unexpected", key)
            work.failed(lease, f"{type(error).__name__}: {error}")
        else:
            work.finished(lease, revisit)


def _dispatch(key: str, lease: work.Held) -> float | None:
    kind, _, rest = key.partition("/")
    if kind == "labeljobs":
        labels.run(rest, connected())
        return None
    if kind == arrivals.KIND:
        arrivals.run(rest, connected())
        return None
    if kind == superedge_tasks.KIND:
        superedge_tasks.run(rest)
        return None
    namespace, _, name = rest.partition("/")
    grid = Grid.objects.at(kind, namespace, name).first() or custom.find(kind, namespace, name, connected())
    return reconcile(grid, connected(), lease) if grid else None


def reconcile(grid: Grid, cluster: Cluster, lease: work.Held) -> float | None:
    """Make the cluster agree with a grid. Seconds until it wants another look, or None.

    Raises ClusterError where the cluster could not be read or stopped answering; whatever was written is recorded.
    """
    if not Mirror.objects.filter(resource="nodes").exclude(synced_at=None).exists():
        return NODES_UNKNOWN
    if not custom.settle(grid, cluster):
        return None
    try:
        spec = spec_of(grid)
    except Invalid as invalid:
        recording.record_invalid(grid, invalid, cluster)
        return _finish_deletion(grid, cluster, []) if grid.deleting_since and not cluster.read_only else None

    seen = _observe(grid, spec, cluster)
    planned = plan(spec, seen)
    if grid.deleting_since and grid.propagation == "Orphan":
        planned = Plan(())
    if cluster.read_only:
        _only_record(grid, spec, seen, planned, cluster)
        return None
    steps = observing.confirmed(recording.ready_to_try(grid, planned.steps), spec, cluster)
    outcomes = carry_out(steps, cluster, lease.lost)

    if grid.deleting_since:
        recording.raise_first(outcomes)
        return _finish_deletion(grid, cluster, [each for each in seen.live if is_ours(each, seen.owner)])
    recording.record(grid, spec, seen, planned, outcomes, cluster)
    superedge_fields.claim(spec, seen, planned, recording.after(seen, outcomes), cluster)
    return _next_look(grid, outcomes)


def _only_record(grid: Grid, spec: GridSpec, seen: World, planned: Plan, cluster: Cluster) -> None:
    """What is left to do while another controller manages the grids: show what there is."""
    if not grid.deleting_since:
        recording.record(grid, spec, seen, Plan((), planned.findings), (), cluster)


def _observe(grid: Grid, spec: GridSpec, cluster: Cluster) -> World:
    units = observing.units(spec)
    live = observing.children(spec, units, cluster, observing.known_strangers(grid))
    recording.note_gone(grid, spec, units, live)
    return world(spec, grid, units, live, deleting=bool(grid.deleting_since))


def _finish_deletion(grid: Grid, cluster: Cluster, left: Sequence[Any]) -> float | None:
    waiting = left and grid.propagation != "Orphan"
    if waiting or (grid.cluster_uid and cluster.get(grid.kind, grid.namespace, grid.name) is not None):
        return CHILDREN_GOING
    custom.forget(grid)
    return None


def _next_look(grid: Grid, outcomes: Sequence[Outcome]) -> float | None:
    """When the soonest back-off or grace time of a unit is over."""
    recording.raise_if_cut_short(outcomes)
    if any(isinstance(outcome.error, Conflict) for outcome in outcomes):
        return ANOTHER_WRITER
    now = timezone.now()
    times = [unit.next_at for unit in grid.units.exclude(next_at=None)]
    grace = timedelta(seconds=recording.grace_seconds())
    times += [unit.gone_since + grace for unit in grid.units.exclude(gone_since=None) if unit.gone_since]
    return max(0.5, (min(t for t in times if t) - now).total_seconds()) if times else None
