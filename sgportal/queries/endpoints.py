"""The reads about closed loops that both doors share: what each node reaches of a Service, by what was last seen."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db.models import Q

from ..core.grids.grid import GridSpec, parse
from ..core.names import REFUSING_SERVICE, child_name, refusing_number
from ..core.ownership.identity import is_ours
from ..core.plans.desired import Finding, service_of, unasked
from ..core.pods import PodView
from ..core.text import Invalid, Sentence
from ..core.traffic.closure import SLICE_MODES, UNKNOWN, Capabilities
from ..core.traffic.front import misplaced_pods
from ..core.traffic.proof.agents import WRAPPER
from ..core.traffic.proof.annotated import annotated_proof, topology_keys
from ..core.traffic.proof.case import Seen, foreign
from ..core.traffic.proof.doubts import NO_SLICES, NOT_MADE, NOT_OURS, Doubt, data_plane_doubt, proxy_doubt
from ..core.traffic.proof.loop import Loop, loop_of
from ..core.traffic.proof.proof import BY_FILTER, NodeProof, proof
from ..core.traffic.service import ServiceFacts
from ..core.traffic.slices.endpoints import canonical, read_address, units_served
from ..core.traffic.slices.sentinels import Refusal
from ..core.traffic.slices.slices import built_in, wanted
from ..core.traffic.slices.topology import places
from ..core.units import NodeView
from ..models.cache import Child, Node, Pod, Slice
from ..models.intent import Grid
from ..models.scopes.current import everything, reading
from .capabilities import capabilities


def can_for(spec: GridSpec, grid: Grid | None, live: Iterable[Mapping[str, Any]], able: Capabilities) -> Capabilities:
    """What modes a grid's Service may be kept in, where the cluster is `able`. `live` holds the Service, if it is
    there. No query."""
    if spec.kind.child_kind != "Service":
        return UNKNOWN
    was_managed = grid is not None and grid.status.get("closure", "") in SLICE_MODES
    return unasked(spec, live, able, was_managed)


@dataclass(frozen=True, slots=True)
class _Sought:
    """A ServiceGrid's Service: as it is in the cluster, else as it is meant to be; `doubt` is why nobody knows where
    its traffic goes, if so. `refusing` are the addresses of the Services that refuse."""

    service: ServiceFacts
    doubt: Doubt | None
    refusing: frozenset[str]


def _service(grid: Grid, spec: GridSpec, able: Capabilities) -> _Sought:
    """A ServiceGrid's Service by what was last seen. One query."""
    name = child_name(grid.name, "Service", "")
    refusal = Q(namespace=settings.SGPORTAL_NAMESPACE, name__startswith=REFUSING_SERVICE)
    rows = list(Child.objects.filter(Q(namespace=grid.namespace, name=name) | refusal, kind="Service"))
    live = [row.body for row in rows if row.name == name]
    refusing = _addresses([row.body for row in rows if refusing_number(row.name)])
    can = can_for(spec, grid, live, able)
    ours = [each for each in live if is_ours(each, grid.owner)]
    service = service_of(spec, can, ours)
    if not ours:
        return _Sought(service, NOT_OURS if live else NOT_MADE, refusing)
    doubt = proxy_doubt(ours[0]) or data_plane_doubt(can.doubt(service.closure.mode))
    return _Sought(service, doubt, refusing)


def _addresses(bodies: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    specs = [body.get("spec") or {} for body in bodies if not proxy_doubt(body)]
    return frozenset(
        canonical(each) for spec in specs for each in spec.get("clusterIPs") or [spec.get("clusterIP")] if each
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """What each node reaches of a Service, and what that comes to. `observed` says that it was found from the
    EndpointSlices last seen; else there are none, and `nodes` tell what the pods last seen would make of it."""

    nodes: tuple[NodeProof, ...]
    observed: bool
    loop: Loop


def endpoints_of(grid: Grid) -> Reach:
    """What each node that may be read reaches of a ServiceGrid's Service; nothing for a grid that is not valid."""
    try:
        spec = parse(grid.source())
    except Invalid:
        return Reach((), False, loop_of(()))
    with everything():
        found = reach(grid, spec, Node.objects.proxied_views(), capabilities())
    if reading().is_all:
        return found
    known = set(Node.objects.values_list("name", flat=True))
    proofs = tuple(each for each in found.nodes if each.node in known)
    return Reach(proofs, found.observed, loop_of(proofs))


def reach(grid: Grid, spec: GridSpec, nodes: Sequence[NodeView], able: Capabilities) -> Reach:
    """What each of all `nodes` reaches of a ServiceGrid's Service, where the cluster is `able`. Three queries."""
    sought = _service(grid, spec, able)
    service = sought.service
    slices, is_free = _slices(grid.namespace, service.name)
    strangers = foreign(service, slices)
    if slices:
        pods, uids = _places_of_pods(grid.namespace) if _is_held(service, nodes) else (None, frozenset())
        seen = Seen(sought.doubt, sought.refusing if is_free else frozenset(), pods, uids)
        proofs = proof(service, slices, nodes, seen=seen)
        datagrams = any(port.protocol == "UDP" for port in service.ports)
        return Reach(proofs, True, loop_of(proofs, strangers, datagrams))
    service, foreseen = _foreseen(service, nodes, grid)
    proofs = proof(service, foreseen, nodes, seen=Seen(sought.doubt or NO_SLICES))
    return Reach(proofs, False, loop_of(proofs))


def _is_held(service: ServiceFacts, nodes: Sequence[NodeView]) -> bool:
    """Whether anybody keeps a Service's traffic within NodeUnits, so that it matters where its endpoints really are:
    we, or SuperEdge's filter, where it was seen on a node."""
    filtered = service.closure.mode == "wrapper" and any(each.role == WRAPPER for node in nodes for each in node.agents)
    return filtered or service.closure.manages_slices


def _slices(namespace: str, service: str) -> tuple[list[dict[str, Any]], bool]:
    """The slices of a Service, and whether nobody lists endpoints for the Service that refuses."""
    wanted = Q(namespace=namespace, service=service)
    refusal = Q(namespace=settings.SGPORTAL_NAMESPACE, service__startswith=REFUSING_SERVICE)
    rows = list(Slice.objects.filter(wanted | refusal))
    guests = [row for row in rows if refusing_number(row.service) and row.body.get("endpoints")]
    return [row.body for row in rows if row.service == service], not guests


def _places_of_pods(namespace: str) -> tuple[dict[str, str], frozenset[str]]:
    """The node of each address that a pod of a namespace has, "" where pods on several nodes have it, and the uids of
    the pods that have one. One that ends counts where no other has its address."""
    rows = Pod.objects.filter(namespace=namespace).exclude(node="").exclude(phase__in=("Succeeded", "Failed"))
    pods = list(rows.values_list("uid", "node", "ips", "terminating"))
    found: dict[str, str] = {}
    for ending in (False, True):
        here: dict[str, str] = {}
        for ip, node in ((canonical(ip), node) for _, node, ips, ends in pods if ends is ending for ip in ips):
            here[ip] = node if here.get(ip, node) == node else ""
        found = here | found
    return found, frozenset(uid for uid, _, ips, _ in pods if ips)


def _foreseen(
    service: ServiceFacts, nodes: Sequence[NodeView], grid: Grid
) -> tuple[ServiceFacts, Sequence[Mapping[str, Any]]]:
    """The slices that the pods last seen would make, and the Service with the families that they have."""
    pods = Pod.objects.filter(namespace=grid.namespace).views()
    where = places(nodes, grid.key)
    known = {read_address(address)[0] for pod in pods for address in pod.ips}
    service = replace(service, families=tuple(each for each in service.families if each in known) or service.families)
    if not service.closure.manages_slices:
        return service, built_in(service, where, pods)
    return service, wanted(service, where, pods, Refusal(dict.fromkeys(service.families, (REFUSING_SERVICE,)))).slices


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
    nodes = Node.objects.proxied_views() if found else ()
    doubt = data_plane_doubt(capabilities().unfiltered) if found else None
    pods: dict[str, list[PodView]] = {}
    for pod in Pod.objects.filter(namespace__in={row.namespace for row, _ in found}).views():
        pods.setdefault(pod.namespace, []).append(pod)
    return [
        Annotated(row.namespace, row.name, keys, proofs, doubt.sentence if doubt else BY_FILTER)
        for row, keys in found
        for proofs in [annotated_proof(row.body, nodes, pods.get(row.namespace, ()), doubt)]
    ]


def emptied(grid: Grid, before: Sequence[NodeView], after: Sequence[NodeView]) -> set[str]:
    """The NodeUnits that have an endpoint of a ServiceGrid before a change of labels and none after: pods stay on their
    nodes, the nodes change units."""
    try:
        spec = parse(grid.source())
    except Invalid:
        return set()
    service = _service(grid, spec, capabilities()).service
    pods = Pod.objects.filter(namespace=grid.namespace).views()
    was, will_be = (units_served(service, places(nodes, grid.key), pods) for nodes in (before, after))
    return was - will_be


def front_notes(spec: GridSpec, nodes: Sequence[NodeView]) -> tuple[Finding, ...]:
    """What is amiss with the pods behind the plain Services of single NodeUnits. One query; none where there are no
    such Services."""
    if spec.front != "perUnit":
        return ()
    pods = Pod.objects.filter(namespace=spec.namespace, terminating=False).exclude(phase__in=("Succeeded", "Failed"))
    placed = pods.exclude(node="").values_list("labels", "node")
    unit_of = {node.name: node.labels.get(spec.key) or "" for node in nodes}
    selector = (spec.template or {}).get("selector") or {}
    return tuple(Finding(*each) for each in misplaced_pods(selector, unit_of, placed))
