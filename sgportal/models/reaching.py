"""The reads about closed loops that both doors share: what each node reaches of a Service, by what was last seen."""

from collections.abc import Sequence

from ..core.closure import UNKNOWN
from ..core.desired import service_of
from ..core.endpoints import units_served
from ..core.grid import parse
from ..core.names import REFUSING_SERVICE
from ..core.places import places
from ..core.proof import NodeProof, proof
from ..core.slices import Refusal, built_in, wanted
from ..core.text import Invalid
from ..core.units import NodeView
from .intent import Grid
from .mirror import Node, Pod


def endpoints_of(grid: Grid) -> tuple[NodeProof, ...]:
    """What each node ought to see of a ServiceGrid's Service, by the nodes and pods last seen; nothing for a grid that
    is not valid."""
    try:
        service = service_of(parse(grid.source()), UNKNOWN)
    except Invalid:
        return ()
    nodes = Node.objects.versioned_views()
    pods = Pod.objects.filter(namespace=grid.namespace).views()
    where = places(nodes, grid.key)
    refusal = Refusal(dict.fromkeys(service.families, REFUSING_SERVICE))
    steered = service.closure.steered
    slices = wanted(service, where, pods, refusal).slices if steered else built_in(service, where, pods)
    return proof(service, slices, nodes)


def emptied(grid: Grid, before: Sequence[NodeView], after: Sequence[NodeView]) -> set[str]:
    """The NodeUnits that have an endpoint of a ServiceGrid before a change of labels and none after: pods stay on their
    nodes, the nodes change units."""
    try:
        service = service_of(parse(grid.source()), UNKNOWN)
    except Invalid:
        return set()
    pods = Pod.objects.filter(namespace=grid.namespace).views()
    was, will_be = (units_served(service, places(nodes, grid.key), pods) for nodes in (before, after))
    return was - will_be
