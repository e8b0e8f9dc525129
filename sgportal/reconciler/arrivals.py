"""NodeUnits that have just come: their workloads are created before the grid is looked at whole, so that twenty grids
have theirs in the time of twenty writes, not of twenty looks at all their units."""

import threading

from ..cluster import Cluster
from ..core.grid import GridSpec
from ..core.names import child_name
from ..core.plan import plan
from ..models import Child, Grid
from ..models.reading import world
from . import observing, recording
from .executing import Outcome, carry_out

A_FEW = observing.ONE_BY_ONE  # units; more are a change of the grid, and a look at it costs little beside their writes


def create_for_newcomers(grid: Grid, spec: GridSpec, cluster: Cluster, lost: threading.Event) -> list[Outcome]:
    """What became of creating the workloads of a few units that have none. The watch's rows only say where to look: an
    object that exists is left to the whole look. Raises ClusterError."""
    kind = spec.kind.child_kind
    if kind == "Service" or grid.deleting_since or cluster.read_only or grid.observed_generation != grid.generation:
        return []
    children = Child.objects.filter(kind=kind, namespace=spec.namespace, grid_name=spec.name)
    known = set(children.values_list("name", flat=True))
    units = {
        name: unit for name, unit in observing.units(spec).items() if child_name(spec.name, kind, name) not in known
    }
    if not 0 < len(units) <= A_FEW:
        return []
    steps = recording.ready_to_try(grid, plan(spec, world(spec, grid, units, ())).steps)
    there = {body["metadata"]["name"] for body in observing.by_name(spec, [step.name for step in steps], cluster)}
    return carry_out([step for step in steps if step.name not in there], cluster, lost)
