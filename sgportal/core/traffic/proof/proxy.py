"""What a node does with a Service's EndpointSlices: the rules of kube-proxy and of SuperEdge's filter, mirrored.

kube-proxy: pkg/proxy/endpointslicecache.go merges, pkg/proxy/topology.go chooses; `rules` says what differs between
versions. SuperEdge: application-grid-wrapper's pruning of slices.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...names import HEADLESS, PROXY_NAME, SERVICE_NAME, ZONE
from ...units import NodeView
from ..rules import LATEST, Rule
from ..slices.endpoints import canonical
from ..slices.hints import hint_names


@dataclass(frozen=True, slots=True)
class Backend:
    """An endpoint at one port, as a kube-proxy keeps it. `slice` is the EndpointSlice that lists it, `pod` and
    `claimed` are its pod and node as the slice has them ("" where it does not say). `node` is where the endpoint really
    is, as far as that is known, and `unit` the node's NodeUnit where that was asked. `unseen`: a slice of ours lists it
    and no pod with that address was seen."""

    address: str
    port: int
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    nodes: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    slice: str = ""
    pod: str = ""
    node: str = ""
    unit: str = ""
    claimed: str = ""
    unseen: bool = False

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class PortName:
    """What kube-proxy knows a Service's port by, in one address family: each family has a proxy of its own."""

    name: str
    protocol: str = "TCP"
    family: str = "IPv4"


def belongs_to(slice_: Mapping[str, Any], namespace: str, service: str) -> bool:
    """Whether kube-proxy counts a slice to this Service, whoever wrote it. It does not watch slices with the label of
    headless Services or of another proxy (cmd/kube-proxy/app/server.go)."""
    metadata = slice_["metadata"]
    labels = metadata.get("labels") or {}
    if HEADLESS in labels or PROXY_NAME in labels:
        return False
    return bool(metadata.get("namespace") == namespace and labels.get(SERVICE_NAME) == service)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where endpoints are: `units` gives the NodeUnit of each node, `nodes` the node of each address, as pods or slices
    that can be believed have it. Of an address that is not in `nodes` a slice is believed if `believed` names it;
    `unseen` are those of which nobody knows whether the slices that list them are right."""

    units: Mapping[str, str]
    nodes: Mapping[str, str]
    believed: frozenset[str] | None = None
    unseen: frozenset[str] = frozenset()

    def node(self, address: str, slice_name: str, claimed: str) -> str:
        """The node that an endpoint is on, "" where nobody can say."""
        if address in self.nodes:
            return self.nodes[address]
        return claimed if self.believed is None or slice_name in self.believed else ""


NOWHERE = Whereabouts({}, {})


def listings(
    slices: Iterable[Mapping[str, Any]], port: PortName, where: Whereabouts = NOWHERE
) -> dict[tuple[str, int], tuple[Backend, ...]]:
    """Every endpoint that the slices of a Service list at one port, by address and number, in order of slice. Slices
    that list one address differently leave it open which of them a kube-proxy goes by."""
    found: dict[tuple[str, int], list[Backend]] = {}
    for slice_ in sorted(slices, key=lambda each: str(each["metadata"]["name"])):
        number = _number(slice_, port)
        for endpoint in (slice_.get("endpoints") or ()) if number else ():
            backend = _backend(endpoint, number, slice_["metadata"]["name"], where)
            found.setdefault((backend.address, number), []).append(backend)
    return {place: tuple(several) for place, several in found.items()}


def merged(
    slices: Iterable[Mapping[str, Any]], port: PortName, units: Mapping[str, str] | None = None
) -> tuple[Backend, ...]:
    """The endpoints of all slices of a Service at one port, in order; one address and port counts once, and then the
    endpoint that is not terminating; among several of those the last (kube-proxy leaves open which: see `worlds`).
    `units` gives the NodeUnit of each node."""
    found = listings(slices, port, Whereabouts(units or {}, {}))
    kept = (
        next((each for each in reversed(several) if not each.terminating), several[0]) for several in found.values()
    )
    return tuple(sorted(kept, key=str))


def _number(slice_: Mapping[str, Any], port: PortName) -> int:
    """The port's number in a slice; 0 where the slice is of another family or lacks the port."""
    if slice_.get("addressType") != port.family:
        return 0
    wanted = (port.name, port.protocol)
    numbers = [
        each.get("port") or 0
        for each in slice_.get("ports") or ()
        if (each.get("name") or "", each.get("protocol") or "TCP") == wanted
    ]
    return int(numbers[0]) if numbers else 0


def _backend(endpoint: Mapping[str, Any], number: int, slice_name: str, where: Whereabouts) -> Backend:
    conditions = endpoint.get("conditions") or {}
    claimed = endpoint.get("nodeName") or ""
    address = canonical(endpoint["addresses"][0])
    node = where.node(address, slice_name, claimed)
    return Backend(
        address,
        number,
        conditions.get("ready") is not False,
        conditions.get("serving") is not False,
        conditions.get("terminating") is True,
        frozenset(hint_names(endpoint, "forNodes")),
        frozenset(hint_names(endpoint, "forZones")),
        slice_name,
        (endpoint.get("targetRef") or {}).get("name") or "",
        node,
        where.units.get(node, ""),
        claimed,
        address in where.unseen,
    )


@dataclass(frozen=True, slots=True)
class Table:
    """The endpoints of one port as every kube-proxy sees them. `last` are those that serve while they terminate, used
    where none is ready; `by_node` and `by_zone` are None where a ready endpoint lacks that kind of hint."""

    ready: tuple[Backend, ...]
    last: tuple[Backend, ...]
    by_node: Mapping[str, tuple[Backend, ...]] | None
    by_zone: Mapping[str, tuple[Backend, ...]] | None

    def of(self, node: str, zone: str, rule: Rule = LATEST) -> tuple[Backend, ...]:
        """Those that the kube-proxy of a node in a zone ("" for none) sends traffic to; nothing is a refusal."""
        named = (self.by_node or {}).get(node) if rule.nodes else None
        named = named or ((self.by_zone or {}).get(zone) if rule.counts(zone) else None)
        return named or self.ready or self.last


def table(backends: Iterable[Backend]) -> Table:
    """The endpoints of one port (from `merged`), ready to be asked for many nodes."""
    backends = tuple(backends)
    ready = tuple(each for each in backends if each.ready)
    last = tuple(each for each in backends if each.serving and each.terminating)
    return Table(
        ready, last, _by_hint((each.nodes, each) for each in ready), _by_hint((each.zones, each) for each in ready)
    )


def _by_hint(hinted: Iterable[tuple[frozenset[str], Backend]]) -> dict[str, tuple[Backend, ...]] | None:
    found: dict[str, list[Backend]] = {}
    for names, backend in hinted:
        if not names:
            return None
        for name in names:
            found.setdefault(name, []).append(backend)
    return {name: tuple(several) for name, several in found.items()}


def here(table: Table, node: str) -> tuple[Backend, ...]:
    """Those that a node may use of a Service with internalTrafficPolicy Local: its own pods, whatever the hints."""
    return tuple(each for each in table.ready if each.claimed == node) or tuple(
        each for each in table.last if each.claimed == node
    )


def effective(
    slices: Iterable[Mapping[str, Any]], node: NodeView, port: PortName, local: bool = False
) -> tuple[Backend, ...]:
    """What a node's kube-proxy (see `obeys_hints`) uses of a Service's slices, at one port; `local` is its
    internalTrafficPolicy."""
    found = table(merged(slices, port))
    return here(found, node.name) if local else found.of(node.name, node.labels.get(ZONE, ""))


def behind_wrapper(
    backends: Iterable[Backend], service: str, values: Mapping[str, str]
) -> tuple[Mapping[str, tuple[Backend, ...]], tuple[Backend, ...]]:
    """The endpoints of one port as nodes behind SuperEdge's wrapper see them: by each value of the Service's topology
    key, and for nodes without the key; `values` are those of the nodes that carry it, by node.

    An endpoint is passed to nodes whose value its own node has. A slice counts to the Service whose name is the slice's
    without its last dash and what follows; one that counts to no such Service is passed whole to every node.
    """
    everywhere, by_value = [], dict[str, list[Backend]]()
    for each in backends:
        if each.slice.rpartition("-")[0] != service:
            everywhere.append(each)
        elif each.claimed in values:
            by_value.setdefault(values[each.claimed], []).append(each)
    return {value: (*several, *everywhere) for value, several in by_value.items()}, tuple(everywhere)
