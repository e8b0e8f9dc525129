"""NodeUnits that have just come: all grids of the label key get their workloads there at once, before any is looked at
whole, so that twenty grids have theirs in the time of twenty writes, not of twenty looks at all their units."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..cluster import Cluster, ClusterError
from ..core.plan import Step, plan
from ..core.text import Invalid
from ..core.units import Unit, units_of
from ..models import Grid, GridUnit, Node
from ..models.reading import spec_of, world
from . import recording, work
from .access import side_by_side
from .executing import Outcome, carry_out

log = logging.getLogger(__name__)
KIND = "arrivals"
A_FEW = 8  # units; more are a change of the grid, and a look at it costs little beside their writes


def keys_of(labels: Iterable[str]) -> set[str]:
    """The work keys for label keys whose units have changed members."""
    return {f"{KIND}/{label}" for label in labels}


def run(label: str, cluster: Cluster) -> None:
    """Create what the grids of a label key lack in a few new units; then have each grid looked at whole, which also
    finds whatever went wrong here."""
    bound = Grid.objects.filter(key=label)
    paths = [grid.path for grid in bound.only("kind", "namespace", "name")]
    try:
        recording.tell_done(_create(label, paths, cluster), cluster)
    except ClusterError as error:
        log.warning("%s: new NodeUnits wait for the look at each grid: %s", label, error)
    finally:
        work.request(paths)


def _create(label: str, paths: Sequence[str], cluster: Cluster) -> list[tuple[Grid, Outcome]]:
    if cluster.read_only:
        return []
    with work.borrowed(paths) as lease:
        grids = [grid for grid in Grid.objects.workloads().filter(key=label) if grid.path in lease.keys]
        steps = list(_missing([grid for grid in grids if _is_at_rest(grid)], label))
        bodies = side_by_side(lambda each: cluster.get(each[1].kind, each[1].namespace, each[1].name), steps)
        # Our own may be there, not recorded yet: whoever created it was killed.
        free = [each for each, body in zip(steps, bodies, strict=True) if body is None]
        outcomes = carry_out([step for _, step in free], cluster, lease.lost)
        return [(grid, outcome) for (grid, _), outcome in zip(free, outcomes, strict=True)]


def _is_at_rest(grid: Grid) -> bool:
    return not grid.deleting_since and grid.observed_generation == grid.generation


def _missing(grids: Sequence[Grid], label: str) -> Iterator[tuple[Grid, Step]]:
    """What to create for the units that a grid has never recorded, where those are a few."""
    units = units_of(Node.objects.carrying(label).views(), label)
    recorded = defaultdict(set)
    for pk, name in GridUnit.objects.filter(grid__in=grids).values_list("grid_id", "name"):
        recorded[pk].add(name)
    for grid in grids:
        new = {name: unit for name, unit in units.items() if name not in recorded[grid.pk]}
        if 0 < len(new) <= A_FEW:
            yield from ((grid, step) for step in _creations(grid, new))


def _creations(grid: Grid, units: Mapping[str, Unit]) -> Sequence[Step]:
    try:
        spec = spec_of(grid)
    except Invalid:  # which the whole look tells
        return ()
    return plan(spec, world(spec, grid, units, ())).steps
