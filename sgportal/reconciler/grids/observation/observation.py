"""What a reconcile decides about, read once: the grid, its NodeUnits, its cells, its children."""

import copy
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from django.utils import timezone

from ....cluster import Cluster
from ....core.grids.grid import GridSpec
from ....core.ownership.identity import is_ours
from ....core.plans.desired import Finding
from ....core.plans.plan import World
from ....core.pods import PodView
from ....core.traffic.closure import Capabilities
from ....core.units import NodeView, Unit, units_of
from ....models import Grid, GridUnit, Node, Pod
from ....queries.capabilities import capabilities_for
from ....queries.endpoints import Reach, can_for, front_notes, reach
from ....queries.per_unit.pins import pinned_specs
from ....queries.per_unit.sequence import unready_in
from ....queries.plans import world_of
from .children import known_strangers, live_children, stored_children

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """A grid, or some of its cells, as they were found. Plan, writes and status are made from this alone.

    `grid` is its row and `spec` what it says; `resource` its custom resource (None: there is none). `units`: its
    NodeUnits by name. `cells`: its rows by name of unit, also of units that have no nodes any more. `live`: every
    object that matters to it, and `pods` those of its own children. `can` and `reach`, of a ServiceGrid: what its
    Service may be kept in, and what each node reaches of it. `at`: when this was read; `answered`: when the API server
    had given its last answer, on the monotonic clock. `notes`: what else there is to know of its units. `left_out`:
    units that have nodes and that the grid is not for.
    """

    grid: Grid
    spec: GridSpec
    resource: Body | None
    units: Mapping[str, Unit]
    cells: Mapping[str, GridUnit]
    live: Sequence[Body]
    pods: tuple[PodView, ...]
    can: Capabilities
    reach: Reach | None
    at: datetime
    answered: float
    notes: tuple[Finding, ...] = ()
    left_out: Collection[str] = ()

    @property
    def own(self) -> list[Body]:
        """The grid's own children."""
        return [each for each in self.live if is_ours(each, self.grid.owner)]

    def world(self) -> World:
        """What a plan is made from."""
        deleting = bool(self.grid.deleting_since)
        found = world_of(self.grid, self.cells.values(), self.units, self.live, self.can, deleting)
        pinned = pinned_specs(self.grid, self.spec, self.cells.values(), self.units)
        unready = unready_in(self.grid, self.spec, self.cells.values(), self.units)
        return replace(found, left_out=self.left_out, pinned=pinned, unready=unready)

    def with_cells(self, names: Collection[str], **fields: Any) -> Self:
        """The same where these cells' rows say something else."""
        return replace(self, cells={**self.cells, **{name: changed(self.cells[name], **fields) for name in names}})

    def confirm(self, cluster: Cluster) -> None:
        """Make sure, before anything follows from this, that the cluster it came from is the one that is meant. Raises
        AnotherCluster, or the ClusterError for which it could not be told."""
        cluster.confirm(self.answered)


def changed(cell: GridUnit, **fields: Any) -> GridUnit:
    """A copy of a row with other values."""
    found = copy.copy(cell)
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def observe(grid: Grid, spec: GridSpec, resource: Body | None, cluster: Cluster) -> Observation:
    """Read a whole grid with a constant number of statements; the API server is asked for its children once. Some cells
    of several grids: `observation.cells.observe_cells`. Raises ClusterError."""

    def live(units: Collection[str], cells: Iterable[GridUnit]) -> list[Body]:
        return live_children(spec, units, cluster, known_strangers(grid, cells), last=bool(grid.deleting_since))

    return _observe(grid, spec, resource, live)


def observe_stored(grid: Grid, spec: GridSpec) -> Observation:
    """The same from what the watch last saw of its children, without a request."""

    def live(units: Collection[str], cells: Iterable[GridUnit]) -> list[Body]:
        return stored_children(spec, units, known_strangers(grid, cells))

    return _observe(grid, spec, None, live)


def _observe(
    grid: Grid,
    spec: GridSpec,
    resource: Body | None,
    live_among: Callable[[Collection[str], Iterable[GridUnit]], list[Body]],
) -> Observation:
    is_service = spec.kind.child_kind == "Service"
    nodes = _nodes(spec)
    there = units_of(nodes, spec.key)
    units = spec.its(there)
    cells = {row.name: row for row in grid.units.all()}
    live = live_among(units, cells.values())
    answered = time.monotonic()
    able = capabilities_for(spec)
    return Observation(
        grid=grid,
        spec=spec,
        resource=resource,
        units=units,
        cells=cells,
        live=live,
        pods=() if is_service else _pods(grid, spec, live),
        can=can_for(spec, grid, live, able),
        reach=reach(grid, spec, nodes, able) if is_service and not grid.deleting_since else None,
        at=timezone.now(),
        answered=answered,
        notes=front_notes(spec, nodes),
        left_out=there.keys() - units.keys(),
    )


def _nodes(spec: GridSpec) -> tuple[NodeView, ...]:
    """The nodes that matter: those of the units; of a ServiceGrid all, with what carries traffic there."""
    if spec.kind.child_kind == "Service":
        return Node.objects.proxied_views()
    return Node.objects.carrying(spec.key).views()


def _pods(grid: Grid, spec: GridSpec, live: Sequence[Body]) -> tuple[PodView, ...]:
    names = [each["metadata"]["name"] for each in live if is_ours(each, grid.owner)]
    rows = Pod.objects.filter(namespace=spec.namespace, child_kind=spec.kind.child_kind, child__in=names)
    return rows.views()
