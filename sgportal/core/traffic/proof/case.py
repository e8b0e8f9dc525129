"""A closed loop's case: a Service with all that lists endpoints for it, and what was seen besides.

Whoever wrote a slice, it counts as kube-proxy counts it; but where an endpoint is, and whether a sentinel refuses, is
believed of nobody who might lie.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ...units import NodeView
from ..service import ServiceFacts
from ..slices.endpoints import canonical
from ..slices.sentinels import sentinel_number
from ..slices.slices import is_built_in, is_kept
from ..slices.topology import MAX_HINTS, Places, places
from .agents import without_proxy
from .doubts import Doubt
from .proxy import Backend, PortName, Whereabouts, behind_wrapper, belongs_to, listings
from .worlds import Port, by_address, port_of

_NAMES = r"-v[46](units|refuse)[1-9][0-9]*"  # what the names of our slices add to their Service's


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen besides slices and nodes. `doubt` is why nothing can be known of any node, if so. `refusing` are
    the addresses of the Service that sentinels send to, None where nobody asked. `pods` gives the node of each pod's
    address, "" where pods on several have it, and `uids` are those of these pods: then no slice is believed where its
    endpoints are. Without `pods` (nobody asked) slices are, but for those of strangers where all should be ours."""

    doubt: Doubt | None = None
    refusing: frozenset[str] | None = None
    pods: Mapping[str, str] | None = None
    uids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """A Service with all that lists endpoints for it: each of `ports` with what nodes make of it, for mode wrapper by
    the value of the topology key. `sentinels` are names of slices that only refuse, `room` how many nodes the ready
    endpoints of each unit that has one can name, at the port that has the fewest of those it serves at, `served` the
    ports that have one, `unproxied` the nodes on which a kube-proxy would have been seen and was not."""

    service: ServiceFacts
    seen: Seen
    where: Places
    ports: tuple[PortName, ...]
    outlooks: tuple[Port, ...]
    wrapped: tuple[tuple[Mapping[str, Port], Port], ...]
    sentinels: frozenset[str]
    room: Mapping[str, int]
    served: frozenset[PortName]
    unproxied: frozenset[str]

    @property
    def ready(self) -> Set[str]:
        """The units that have a ready endpoint."""
        return self.room.keys()


def foreign(service: ServiceFacts, slices: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of slices that count to a Service whose slices are ours to write, and that are not ours."""
    counted = (each for each in slices if belongs_to(each, service.namespace, service.name) and not _due(each, service))
    return tuple(sorted(str(each["metadata"]["name"]) for each in counted)) if service.closure.manages_slices else ()


def _due(slice_: Mapping[str, Any], service: ServiceFacts) -> bool:
    """Whether a slice is as those write them for this Service whose work it is, we or Kubernetes' own controller: by
    label, name and owner, as far as that was kept. Who forges all three is found out by the pods."""
    metadata = slice_["metadata"]
    owners = {each.get("uid") for each in metadata.get("ownerReferences") or () if each.get("controller")}
    owned = "ownerReferences" not in metadata or not service.uid or service.uid in owners
    if not service.closure.manages_slices:
        return is_built_in(slice_) and owned
    return is_kept(slice_) and owned and bool(re.fullmatch(re.escape(service.name) + _NAMES, str(metadata["name"])))


def case_of(service: ServiceFacts, slices: Iterable[Mapping[str, Any]], nodes: Sequence[NodeView], seen: Seen) -> Case:
    """The case of a Service; `nodes` are all of the cluster, of `slices` those count that carry its name."""
    where = places(nodes, service.key)
    counted = tuple(each for each in slices if belongs_to(each, service.namespace, service.name))
    located = _whereabouts(service, counted, where, seen)
    ports = tuple(PortName(port.name, port.protocol, family) for family in service.families for port in service.ports)
    listed = [listings(counted, port, located) for port in ports]
    sentinels = frozenset(str(each["metadata"]["name"]) for each in counted if _refuses(each, seen))
    values = {node.name: node.labels[service.key] for node in nodes if service.key in node.labels}
    real = [
        [each for several in one.values() for each in several if each.ready and each.slice not in sentinels]
        for one in listed
    ]
    return Case(
        service,
        seen,
        where,
        ports,
        tuple(port_of(each.values()) for each in listed),
        tuple(_wrapped(each, service.name, values) for each in listed) if service.closure.mode == "wrapper" else (),
        sentinels,
        _room(real),
        frozenset(port for port, several in zip(ports, real, strict=True) if several),
        without_proxy(nodes),
    )


def _room(real: Iterable[Iterable[Backend]]) -> dict[str, int]:
    """How many nodes each unit's endpoints can name, from those of each port."""
    found: dict[str, int] = {}
    for backends in real:
        addresses = {(each.unit, each.address, each.port) for each in backends if each.unit}
        for unit, count in Counter(unit for unit, *_ in addresses).items():
            found[unit] = min(MAX_HINTS * count, found.get(unit, MAX_HINTS * count))
    return found


def _whereabouts(service: ServiceFacts, slices: Sequence[Mapping[str, Any]], where: Places, seen: Seen) -> Whereabouts:
    """Where endpoints are: as the pods that were seen have it; where nobody asked for those, as the slices say."""
    due = [each for each in slices if _due(each, service)]
    listed = [each for slice_ in due for each in slice_.get("endpoints") or () if each.get("nodeName")]
    if seen.pods is not None:
        gone = (each for each in listed if _may_be_gone(each, seen))
        unseen = frozenset(canonical(each["addresses"][0]) for each in gone) - seen.pods.keys()
        return Whereabouts(where.unit, seen.pods, frozenset(), unseen)
    if not service.closure.manages_slices:
        return Whereabouts(where.unit, {})
    said = {canonical(each["addresses"][0]): each["nodeName"] for each in reversed(listed)}
    return Whereabouts(where.unit, said, frozenset(str(each["metadata"]["name"]) for each in due))


def _may_be_gone(endpoint: Mapping[str, Any], seen: Seen) -> bool:
    """Whether an endpoint at an address that no pod has, in a slice that is due, may be a pod's that is gone, or is yet
    to be seen: it names one, and not one that was seen and has another address."""
    target = endpoint.get("targetRef") or {}
    return target.get("kind") == "Pod" and bool(target.get("uid")) and target["uid"] not in seen.uids


def _refuses(slice_: Mapping[str, Any], seen: Seen) -> bool:
    """Whether all that a slice lists is addresses of the Service that refuses, whoever wrote it. Where nobody asked for
    those a sentinel's is taken for one."""
    if seen.refusing is None:
        return is_kept(slice_) and sentinel_number(slice_) > 0
    addresses = {canonical(each["addresses"][0]) for each in slice_.get("endpoints") or ()}
    return bool(addresses) and addresses <= seen.refusing


def _wrapped(
    listed: Mapping[tuple[str, int], tuple[Backend, ...]], service: str, values: Mapping[str, str]
) -> tuple[Mapping[str, Port], Port]:
    backends = [each for several in listed.values() for each in several]
    by_value, rest = behind_wrapper(backends, service, values)
    return {value: port_of(by_address(several)) for value, several in by_value.items()}, port_of(by_address(rest))
