"""The EndpointSlices of a Service that we keep: a pure function of the Service, its pods, the nodes and what is live.

Real endpoints are listed as Kubernetes' own controller lists them, packed by NodeUnit, so that the change of one pod
rewrites one small slice. Sentinels stand in slices of their own, which no pod changes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .endpoints import Endpoint, by_unit, endpoint_body, endpoints_of, port_bodies
from .hints import Hints, Unnamed, hint_names, hints, named, sentinel_zones
from .names import HEADLESS, MANAGED_BY, SERVICE_NAME, SLICE_MANAGER, TRIGGER_TIME
from .packing import pack
from .places import Places
from .pods import PodView
from .service import ServiceFacts

Body = dict[str, Any]
_Ports = tuple[tuple[int, ...], tuple[int, ...]]
_RESERVED = {SERVICE_NAME, MANAGED_BY, HEADLESS}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The Service whose kube-proxies refuse: its address by family. Its ports are 1, 2 and so on for each protocol, as
    many as `Wanted.refusing_ports` says."""

    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The slices a Service should have; the nodes that are refused for want of room (`unnamed`); the families for which
    there is no address to refuse with, and which therefore list no endpoint at all (`missing`); how many ports the
    refusing Service needs by protocol, before these slices are written (`refusing_ports`)."""

    slices: tuple[Body, ...]
    unnamed: tuple[Unnamed, ...] = ()
    missing: tuple[str, ...] = ()
    refusing_ports: Mapping[str, int] = field(default_factory=dict)


def wanted(
    service: ServiceFacts,
    where: Places,
    pods: Iterable[PodView],
    refusal: Refusal,
    live: Iterable[Mapping[str, Any]] = (),
    trigger: str = "",
) -> Wanted:
    """The slices a Service should have, complete and in order of name.

    `where` is made with the Service's key; `pods` may be any, its selector chooses; `live` are all EndpointSlices that
    carry its name, so that nothing moves without need. `trigger` is when the change happened that caused this (RFC
    3339, "" for unknown): kube-proxy measures its latency by it, and a slice that stays as it is keeps the old one.
    The same input gives the same output, and what is live already comes out unchanged.
    """
    pods, live = tuple(pods), tuple(live)
    kept = [each for each in live if is_kept(each)]
    foreign = {str(each["metadata"]["name"]) for each in live if not is_kept(each)}
    guarded = service.closure.mode != "prefer"
    missing = tuple(each for each in service.families if guarded and each not in refusal.addresses)
    slices: list[Body] = []
    unnamed: list[Unnamed] = []
    most = 0
    for family in service.families:
        if family in missing:
            continue
        here = [each for each in kept if each.get("addressType") == family]
        found = endpoints_of(service, where, pods, family)
        who = hints(len(service.ports), service.closure.failover, where, by_unit(found))
        unnamed += [each for each in who.unnamed if each not in unnamed]
        slices += _real(service, where, found, who, family, here, foreign)
        if guarded:
            sentinels = _sentinels(service, where, who.claimed, family, refusal.addresses[family], here, foreign)
            slices += sentinels
            most = max([most, *map(sentinel_number, sentinels)])
    before = {each["metadata"]["name"]: each for each in kept}
    stamped = (_stamped(each, before.get(each["metadata"]["name"]), trigger) for each in slices)
    protocols = dict.fromkeys(sorted(port.protocol for port in service.ports), most) if most else {}
    return Wanted(
        tuple(sorted(stamped, key=lambda each: str(each["metadata"]["name"]))), tuple(unnamed), missing, protocols
    )


def built_in(service: ServiceFacts, where: Places, pods: Iterable[PodView]) -> tuple[Body, ...]:
    """The slices that Kubernetes' own controller would keep for a Service with its selector, to be asked in advance: in
    everything but their names and their size."""
    pods = tuple(pods)
    found = (each for family in service.families for each in _unhinted(service, where, pods, family))
    return tuple(found)


def _unhinted(service: ServiceFacts, where: Places, pods: Iterable[PodView], family: str) -> Iterator[Body]:
    for number, ((ports, numbers), members) in enumerate(_by_ports(endpoints_of(service, where, pods, family))):
        entries = [endpoint_body(service, each, None) for each in members]
        yield _slice(
            service, f"{service.name}-v{family[-1]}x{number}", family, port_bodies(service, ports, numbers), entries
        )


def is_kept(body: Mapping[str, Any]) -> bool:
    """Whether a live EndpointSlice is one that we write."""
    return bool((body["metadata"].get("labels") or {}).get(MANAGED_BY) == SLICE_MANAGER)


def sentinel_number(body: Mapping[str, Any]) -> int:
    """The number of a sentinel's slice, from 1, which is its port as well; 0 for a slice of real endpoints."""
    found = re.search(r"-v[46]refuse([1-9][0-9]{0,4})$", str(body["metadata"]["name"]))
    return int(found[1]) if found else 0


def same_content(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether two EndpointSlices say the same, whatever the server has added to one."""
    return _content(left) == _content(right)


def _content(body: Mapping[str, Any]) -> tuple[Any, ...]:
    metadata = body["metadata"]
    return (
        metadata.get("labels"),
        metadata.get("ownerReferences"),
        body.get("addressType"),
        body.get("ports") or [],
        body.get("endpoints") or [],
    )


def _stamped(body: Body, before: Mapping[str, Any] | None, trigger: str) -> Body:
    """The slice with the time of the change that caused it, or of the one before where nothing changed."""
    if before and same_content(body, before):
        trigger = (before["metadata"].get("annotations") or {}).get(TRIGGER_TIME) or ""
    if trigger:
        body["metadata"]["annotations"] = {TRIGGER_TIME: trigger}
    return body


def _real(
    service: ServiceFacts,
    where: Places,
    found: Sequence[Endpoint],
    who: Hints,
    family: str,
    live: Sequence[Mapping[str, Any]],
    foreign: set[str],
) -> Iterator[Body]:
    """The slices of real endpoints: for each set of port numbers its own, for a slice's ports hold for all within."""
    taken = foreign | {each["metadata"]["name"] for each in live}
    names = _free_names(f"{service.name}-v{family[-1]}units", taken)
    for (ports, numbers), members in _by_ports(found):
        shown = port_bodies(service, ports, numbers)
        same = [each for each in live if (each.get("ports") or []) == shown and not sentinel_number(each)]
        for name, listed in pack(by_unit(members), same, where, names).items():
            entries = [endpoint_body(service, each, who.of(each, where)) for each in listed]
            yield _slice(service, name, family, shown, entries)


def _by_ports(found: Iterable[Endpoint]) -> list[tuple[_Ports, list[Endpoint]]]:
    by_ports: dict[_Ports, list[Endpoint]] = {}
    for each in found:
        by_ports.setdefault((each.ports, each.numbers), []).append(each)
    return sorted(by_ports.items(), key=lambda item: item[0])


def _free_names(stem: str, taken: set[str]) -> Iterator[str]:
    return (name for number in count(1) if (name := f"{stem}{number}") not in taken)


def _sentinels(
    service: ServiceFacts,
    where: Places,
    claimed: frozenset[str],
    family: str,
    address: str,
    live: Iterable[Mapping[str, Any]],
    foreign: set[str],
) -> list[Body]:
    """One slice for each sentinel, as they share an address and must differ by port."""
    stem = f"{service.name}-v{family[-1]}refuse"
    barred = {sentinel_number({"metadata": {"name": name}}) for name in foreign if name.startswith(stem)}
    numbered = {number: tuple(_zones_of(each)) for each in live if (number := sentinel_number(each))}
    wanted_zones = (zone for zone in where.zones if zone not in claimed)
    return [
        _slice(
            service,
            f"{stem}{number}",
            family,
            port_bodies(service, tuple(range(len(service.ports))), (number,) * len(service.ports)),
            [_sentinel(address, zones, where)],
        )
        for number, zones in sentinel_zones(wanted_zones, numbered, barred).items()
    ]


def _zones_of(body: Mapping[str, Any]) -> Iterator[str]:
    for endpoint in body.get("endpoints") or ():
        yield from hint_names(endpoint, "forZones")


def _sentinel(address: str, zones: Sequence[str], where: Places) -> Body:
    """An endpoint that is always ready, named for no node and for these zones."""
    return {
        "addresses": [address],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "hints": {"forNodes": named((where.nobody,)), "forZones": named(zones)},
    }


def _slice(service: ServiceFacts, name: str, family: str, ports: list[Body], endpoints: list[Body]) -> Body:
    labels = {key: value for key, value in service.labels.items() if key not in _RESERVED}
    labels |= {SERVICE_NAME: service.name, MANAGED_BY: SLICE_MANAGER} | ({HEADLESS: ""} if service.headless else {})
    owner = {"apiVersion": "v1", "kind": "Service", "name": service.name, "uid": service.uid}
    metadata = {
        "name": name,
        "namespace": service.namespace,
        "labels": labels,
        "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": family,
        "ports": ports,
        "endpoints": endpoints,
    }
