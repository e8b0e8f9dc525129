"""Grids whose workloads were made before their rows: the database was lost, or is that of a backup. Which revision such
a workload has nobody knows; it is none of those that are stored, and stays as it is until somebody lets the rollout
reach it."""

from dataclasses import replace

from ....cluster import Cluster
from ....core.grids.grid import GridSpec
from ....core.names import GRID_SELECTOR
from ....core.ownership.identity import is_ours
from ....core.plans.plan import Step, plan
from ....models import Grid
from ....queries.per_unit.units import units_for
from ....queries.plans import last_seen, world


def behind(grid: Grid, spec: GridSpec, cluster: Cluster | None) -> set[str]:
    """The units that have a workload whose spec is another than the grid says now. Asks the cluster, where it is given,
    since the watch may not have seen them yet. Not those that a person has pinned, which no rollout changes. Raises
    ClusterError."""
    kind, units = spec.kind.child_kind, units_for(spec)
    if cluster is None:
        live = last_seen(spec, units)
    else:
        live = cluster.list(kind, spec.namespace, label_selector=f"{GRID_SELECTOR}={spec.name}").items
    ours = [each for each in live if is_ours(each, grid.owner)]
    if not ours:
        return set()
    seen = world(spec, grid, units, ours, units, waits=False)
    people = {name for name, each in seen.pinned.items() if each.by == "person"}
    planned = plan(_at_once(spec), replace(seen, pinned={}))
    return {step.unit for step in planned.steps if step.verb in ("update", "adopt") and _of_spec(step)} - people


def _of_spec(step: Step) -> bool:
    return any(change.path.startswith("/spec/") for change in step.changes)


def _at_once(spec: GridSpec) -> GridSpec:
    """The grid as if nobody had paused it: what waits for that, or for another grid, would come all at once then."""
    return replace(spec, requests=replace(spec.requests, paused=False, paused_units=frozenset()))
