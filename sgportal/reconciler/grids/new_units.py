"""NodeUnits that have just come: all grids of the label key get their workloads there at once, before any is looked at
whole, so that twenty grids have theirs in the time of twenty writes, not of twenty looks at all their units."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.utils import timezone

from ...cluster import Cluster, ClusterError, Throttled, Unreachable
from ...core.plans.plan import Step, World, plan
from ...core.text import Invalid
from ...core.units import Unit, units_of
from ...models import Grid, GridUnit, Node
from ...queries.plans import spec_of
from ...queries.policy import closed
from ..process.connection import map_parallel
from ..queue import workqueue
from .status import record
from .writes.apply import StepResult, apply_steps

log = logging.getLogger(__name__)
KIND = "arrivals"
A_FEW = 8  # units; more are a change of the grid, and a look at it costs little beside their writes


def keys_of(labels: Iterable[str]) -> set[str]:
    """The work keys for label keys whose units have changed members."""
    return {f"{KIND}/{label}" for label in labels}


def run(label: str, cluster: Cluster) -> None:
    """Create what the grids of a label key lack in a few new units; have each grid looked at whole, which also finds
    whatever went wrong here; then tell what was done."""
    done: list[tuple[Grid, StepResult]] = []
    try:
        if not cluster.read_only:
            done = _create(label, cluster)
    except ClusterError as error:
        log.warning("%s: new NodeUnits wait for the look at each grid: %s", label, error)
    finally:
        workqueue.enqueue(grid.path for grid in Grid.objects.filter(key=label).only("kind", "namespace", "name"))
    record.record_writes(done, cluster)


def _create(label: str, cluster: Cluster) -> list[tuple[Grid, StepResult]]:
    units = units_of(Node.objects.carrying(label).views(), label)
    lacking = [grid.path for grid, _ in _newcomers(label, units)]
    if not lacking:
        return []
    with workqueue.acquire_free(lacking) as lease:
        newcomers = [each for each in _newcomers(label, units) if each[0].path in lease.keys]
        steps = _one_of_each_name((grid, step) for grid, new in newcomers for step in _creations(grid, new))
        free = map_parallel(lambda each: _is_free(each[1], cluster), steps)
        steps = [each for each, is_free in zip(steps, free, strict=True) if is_free]
        results = apply_steps([step for _, step in steps], cluster, lease.lost)
        return [(grid, result) for (grid, _), result in zip(steps, results, strict=True)]


def _newcomers(label: str, units: Mapping[str, Unit]) -> list[tuple[Grid, dict[str, Unit]]]:
    """The grids at rest that have no row for a few of these units, with those."""
    grids = [grid for grid in Grid.objects.workloads().filter(key=label) if _is_at_rest(grid)]
    recorded = defaultdict(set)
    for pk, name in GridUnit.objects.filter(grid__in=grids).values_list("grid_id", "name"):
        recorded[pk].add(name)
    new = ((grid, {name: unit for name, unit in units.items() if name not in recorded[grid.pk]}) for grid in grids)
    return [(grid, several) for grid, several in new if 0 < len(several) <= A_FEW]


def _is_at_rest(grid: Grid) -> bool:
    return not grid.deleting_since and grid.observed_generation == grid.generation and not closed(grid.namespace)


def _creations(grid: Grid, units: Mapping[str, Unit]) -> Sequence[Step]:
    try:
        return plan(spec_of(grid), World(units, (), grid.owner, timezone.now().timestamp())).steps
    except Invalid:  # which the look at the grid tells
        return ()
    except Exception:
        log.exception("%s: left to the look at the grid", grid.path)
        return ()


def _one_of_each_name(steps: Iterable[tuple[Grid, Step]]) -> list[tuple[Grid, Step]]:
    """Without those whose object another grid's step names: grid `a` in unit `b-c`, grid `a-b` in unit `c`."""
    found: dict[tuple[str, str, str], tuple[Grid, Step]] = {}
    for grid, step in steps:
        found.setdefault((step.kind, step.namespace, step.name), (grid, step))
    return list(found.values())


def _is_free(step: Step, cluster: Cluster) -> bool:
    """Whether nothing has the name: our own may be there, not recorded yet, for whoever created it was killed."""
    try:
        return cluster.get(step.kind, step.namespace, step.name) is None
    except (Unreachable, Throttled):
        raise
    except ClusterError:
        return False
