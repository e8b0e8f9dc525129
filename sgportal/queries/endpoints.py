"""The reads about closed loops that both doors share: what each node reaches of a Service, by what was last seen."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.grids.desired import service_of, unasked
from ..core.grids.grid import GridSpec, parse
from ..core.names import REFUSING_SERVICE, child_name
from ..core.pods import PodView
from ..core.text import Invalid, Sentence
from ..core.traffic.annotated import annotated_proof, topology_keys
from ..core.traffic.closure import STEERED, UNKNOWN, Capabilities
from ..core.traffic.endpoints import read_address, units_served
from ..core.traffic.proof import BEHIND_WRAPPER, NodeProof, proof
from ..core.traffic.service import ServiceFacts
from ..core.traffic.slices import Refusal, built_in, wanted
from ..core.traffic.topology import places
from ..core.units import NodeView
from ..models.intent import Grid
from ..models.mirror import Child, Node, Pod, Slice
from .capabilities import capabilities


def can_for(spec: GridSpec, grid: Grid | None, live: Iterable[Mapping[str, Any]]) -> Capabilities:
    """What modes a grid's Service may be kept in; one query for a ServiceGrid, none for others. `live` holds its
    Service where there is one."""
    if spec.kind.child_kind != "Service":
        return UNKNOWN
    was_steered = grid is not None and grid.status.get("closure", "") in STEERED
    return unasked(spec, live, capabilities(), was_steered)


def _service(grid: Grid) -> tuple[ServiceFacts, Sentence | None]:
    """A grid's Service as it is meant to be, and why nobody knows where its traffic goes, if so. Raises Invalid."""
    spec = parse(grid.source())
    rows = Child.objects.filter(kind="Service", namespace=grid.namespace, name=child_name(grid.name, "Service", ""))
    live = [row.body for row in rows]
    can = can_for(spec, grid, live)
    service = service_of(spec, can, live)
    return service, can.doubt(service.closure.mode)


@dataclass(frozen=True, slots=True)
class Reach:
    """What each node reaches of a Service. `observed` says that it was found from the EndpointSlices last seen; else
    there are none yet, and it is what the pods last seen would make of it."""

    nodes: tuple[NodeProof, ...]
    observed: bool


def endpoints_of(grid: Grid) -> Reach:
    """What each node reaches of a ServiceGrid's Service; nothing for a grid that is not valid."""
    try:
        service, doubt = _service(grid)
    except Invalid:
        return Reach((), False)
    nodes = Node.objects.versioned_views()
    rows = Slice.objects.filter(namespace=grid.namespace, service=service.name)
    if seen := [row.body for row in rows]:
        return Reach(proof(service, seen, nodes, doubt=doubt), True)
    pods = Pod.objects.filter(namespace=grid.namespace).views()
    where = places(nodes, grid.key)
    known = {read_address(address)[0] for pod in pods for address in pod.ips}
    service = replace(service, families=tuple(each for each in service.families if each in known) or service.families)
    refusal = Refusal(dict.fromkeys(service.families, REFUSING_SERVICE))
    steered = service.closure.steered
    slices = wanted(service, where, pods, refusal).slices if steered else built_in(service, where, pods)
    return Reach(proof(service, slices, nodes, doubt=doubt), False)


@dataclass(frozen=True, slots=True)
class Annotated:
    """A Service that no ServiceGrid makes, with the label keys that SuperEdge's filter on the nodes would hold it to,
    what each node would reach of it then, and what that is worth."""

    namespace: str
    name: str
    keys: tuple[str, ...]
    nodes: tuple[NodeProof, ...]
    reason: Sentence

    @property
    def states(self) -> dict[str, int]:
        """How many nodes are in which state."""
        return dict(Counter(each.state for each in self.nodes))


def annotated(namespace: str = "", name: str = "") -> list[Annotated]:
    """Every such Service, or the one of this name, in order."""
    rows = Child.objects.filter(kind="Service", owner_uid="", body__metadata__annotations__topologyKeys__isnull=False)
    if name:
        rows = rows.filter(namespace=namespace, name=name)
    grids = Grid.objects.filter(kind="ServiceGrid").values_list("namespace", "name")
    ours = {(space, child_name(grid, "Service", "")) for space, grid in grids}
    found = [
        (row, keys)
        for row in rows.order_by("namespace", "name")
        if (row.namespace, row.name) not in ours and (keys := topology_keys(row.body))
    ]
    nodes = Node.objects.versioned_views() if found else ()
    doubt = capabilities().unfiltered if found else None
    pods: dict[str, list[PodView]] = {}
    for pod in Pod.objects.filter(namespace__in={row.namespace for row, _ in found}).views():
        pods.setdefault(pod.namespace, []).append(pod)
    return [
        Annotated(row.namespace, row.name, keys, proofs, doubt or BEHIND_WRAPPER)
        for row, keys in found
        for proofs in [annotated_proof(row.body, nodes, pods.get(row.namespace, ()), doubt)]
    ]


def emptied(grid: Grid, before: Sequence[NodeView], after: Sequence[NodeView]) -> set[str]:
    """The NodeUnits that have an endpoint of a ServiceGrid before a change of labels and none after: pods stay on their
    nodes, the nodes change units."""
    try:
        service, _ = _service(grid)
    except Invalid:
        return set()
    pods = Pod.objects.filter(namespace=grid.namespace).views()
    was, will_be = (units_served(service, places(nodes, grid.key), pods) for nodes in (before, after))
    return was - will_be
