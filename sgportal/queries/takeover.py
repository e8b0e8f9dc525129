"""What taking over from SuperEdge's controller would do, and handing back to it, by what was last seen."""

from collections.abc import Iterator
from dataclasses import replace

from ..core.names import MANAGED_BY, SLICE_MANAGER
from ..core.plans.plan import Step, plan
from ..core.superedge.controller import handed_back, harmless
from ..core.text import Invalid, say
from ..core.traffic.closure import UNKNOWN
from ..models.cache import Slice
from ..models.intent import Grid
from .per_unit.units import units_for
from .plans import last_seen, plan_of, world

_SLICE_GOES = say("the Service has its selector again, from which Kubernetes makes EndpointSlices of its own")


def takeover_steps() -> tuple[tuple[str, Step], ...]:
    """The path of a grid and a step that would run, for every step of every valid grid. None is what one hopes for: the
    children are accepted as SuperEdge left them."""
    found = []
    for grid in Grid.objects.exclude(spec={}):
        try:
            found += [(grid.path, step) for step in plan_of(grid).steps]
        except Invalid:
            continue
    return tuple(found)


def grids_handed_back() -> list[Grid]:
    """The grids whose children are left to SuperEdge when the cluster is."""
    return list(Grid.objects.in_cluster().filter(deleting_since=None))


def handback_steps() -> tuple[tuple[str, Step], ...]:
    """The path of a grid and a step that leaves one of its children as SuperEdge would make it, and the EndpointSlices
    of ours that go."""
    found = []
    for grid in grids_handed_back():
        spec = handed_back(grid.source())
        if spec is not None:
            units = units_for(spec)
            seen = replace(world(spec, grid, units, last_seen(spec, units), units), can=UNKNOWN)
            found += [(grid.path, step) for step in harmless(plan(spec, seen).steps)]
    return (*found, *_slices())


def _slices() -> Iterator[tuple[str, Step]]:
    for row in Slice.objects.order_by("namespace", "name"):
        if (row.body.get("metadata", {}).get("labels") or {}).get(MANAGED_BY) == SLICE_MANAGER:
            path = f"servicegrids/{row.namespace}/{row.service}"
            yield path, Step("delete", "EndpointSlice", row.namespace, row.name, "", _SLICE_GOES)
