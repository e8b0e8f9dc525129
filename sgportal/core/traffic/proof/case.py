"""A closed loop's case: a Service with all that lists endpoints for it, and what was seen besides.

Whoever wrote a slice, it counts as kube-proxy counts it; but where an endpoint is, and whether a sentinel refuses, is
believed of nobody who might lie.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ...units import NodeView
from ..service import ServiceFacts
from ..slices.endpoints import canonical
from ..slices.sentinels import sentinel_number
from ..slices.slices import is_kept
from ..slices.topology import Places, places
from .doubts import Doubt
from .proxy import Backend, PortName, Whereabouts, behind_wrapper, belongs_to, listings
from .worlds import Port, by_address, port_of

_NAMES = r"-v[46](units|refuse)[1-9][0-9]*"  # what the names of our slices add to their Service's


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen besides slices and nodes. `doubt` is why nothing can be known of any node, if so. `refusing` are
    the addresses of the Service that sentinels send to, None where nobody asked. `pods` gives the node of each pod's
    address, "" where pods on several have it, and `uids` are those of these pods. Without `pods` (nobody asked) our
    slices are believed where their endpoints are, those of strangers never."""

    doubt: Doubt | None = None
    refusing: frozenset[str] | None = None
    pods: Mapping[str, str] | None = None
    uids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """A Service with all that lists endpoints for it: each of `ports` with what nodes make of it, for mode wrapper by
    the value of the topology key. `sentinels` are names of slices that only refuse, `ready` the units that have a ready
    endpoint, `served` the ports that have one."""

    service: ServiceFacts
    seen: Seen
    where: Places
    ports: tuple[PortName, ...]
    outlooks: tuple[Port, ...]
    wrapped: tuple[tuple[Mapping[str, Port], Port], ...]
    sentinels: frozenset[str]
    ready: frozenset[str]
    served: frozenset[PortName]


def foreign(service: ServiceFacts, slices: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of slices that count to a Service whose slices are ours to write, and that are not ours."""
    counted = (
        each for each in slices if belongs_to(each, service.namespace, service.name) and not _ours(each, service)
    )
    return tuple(sorted(str(each["metadata"]["name"]) for each in counted)) if service.closure.manages_slices else ()


def _ours(slice_: Mapping[str, Any], service: ServiceFacts) -> bool:
    """Whether a slice is as we write them for this Service: label, name and owner, as far as that was kept. Who forges
    all three is found out by the pods."""
    metadata = slice_["metadata"]
    owners = {each.get("uid") for each in metadata.get("ownerReferences") or () if each.get("controller")}
    owned = "ownerReferences" not in metadata or not service.uid or service.uid in owners
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
        frozenset(each.unit for several in real for each in several) - {""},
        frozenset(port for port, several in zip(ports, real, strict=True) if several),
    )


def _whereabouts(service: ServiceFacts, slices: Sequence[Mapping[str, Any]], where: Places, seen: Seen) -> Whereabouts:
    """Where endpoints are: as the slices say that those wrote whose work it is, else as the pods that were seen."""
    manages_slices = service.closure.manages_slices
    believed = [each for each in slices if not manages_slices or _ours(each, service)]
    nodes, unseen = dict(seen.pods or {}), set()
    for endpoint in chain.from_iterable(each.get("endpoints") or () for each in believed if manages_slices):
        address, node = canonical(endpoint["addresses"][0]), endpoint.get("nodeName")
        if not node or address in nodes:
            continue
        if seen.pods is None:
            nodes[address] = node
        elif _may_be_gone(endpoint, seen):
            unseen.add(address)
    names = () if manages_slices and seen.pods is not None else (str(each["metadata"]["name"]) for each in believed)
    return Whereabouts(where.unit, nodes, frozenset(names), frozenset(unseen))


def _may_be_gone(endpoint: Mapping[str, Any], seen: Seen) -> bool:
    """Whether an endpoint of ours at an address that no pod has may be a pod's that is gone, or is yet to be seen: it
    names one, and not one that was seen and has another address."""
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
