"""The EndpointSlices of a Service that we keep: a pure function of the Service, its pods, the nodes and what is live.

Real endpoints are listed as Kubernetes' own controller lists them, packed by NodeUnit, so that the change of one pod
rewrites one small slice. Sentinels stand in slices of their own; where nobody is listed they are all there is, while
Kubernetes' own controller leaves an empty slice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ...names import BUILT_IN_SLICES, MANAGED_BY, MIRRORED_SLICES, SLICE_MANAGER, TRIGGER_TIME
from ...pods import PodView
from ..service import ServiceFacts
from .endpoints import endpoint_body, endpoints_of, port_bodies, serving_pods, slice_body
from .hints import Unnamed, unnamed
from .packing import pack
from .parts import Entry, Part, PortMap, parts_of
from .sentinels import Refusal, sentinel_number, sentinels_of
from .topology import Places

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The slices a Service should have; the nodes that are refused for want of room (`unnamed`); the families for which
    there is no address to refuse with, and which therefore list no endpoint at all (`missing`); how many ports the
    refusing Services need by protocol, before these slices are written (`refusing_ports`), and how many of them would
    make the fewest slices (`refusing_services`). `parts`, made for `service`
    at `where`, spare the next answer most of the work, and share their bodies with `slices`: change neither."""

    slices: tuple[Body, ...]
    unnamed: tuple[Unnamed, ...]
    missing: tuple[str, ...]
    refusing_ports: Mapping[str, int]
    refusing_services: int
    service: ServiceFacts = field(repr=False)
    where: Places = field(repr=False)
    parts: Mapping[str, Mapping[str, Part]] = field(repr=False)


def wanted(
    service: ServiceFacts,
    where: Places,
    pods: Iterable[PodView],
    refusal: Refusal,
    live: Iterable[Mapping[str, Any]] = (),
    trigger: str = "",
    before: Wanted | None = None,
) -> Wanted:
    """The slices a Service should have, complete and in order of name.

    `where` is made with the Service's key; `pods` may be any, its selector chooses; `live` are all EndpointSlices that
    carry its name, so that nothing moves without need. `trigger` is when the change happened that caused this (RFC
    3339, "" for unknown): kube-proxy measures its latency by it, and a slice that stays as it is keeps the old one.
    The same input gives the same output, and what is live already comes out unchanged; `before`, the last answer, never
    changes the answer, it only makes it quicker where `where` is the very same object.
    """
    live = tuple(live)
    kept = [each for each in live if is_kept(each)]
    foreign = {str(each["metadata"]["name"]) for each in live if not is_kept(each)}
    guarded = service.closure.mode != "prefer"
    missing = tuple(each for each in service.families if guarded and not refusal.addresses.get(each))
    known = before.parts if before and before.where is where and before.service == service else {}
    listed = serving_pods(service, where, pods)
    parts = {
        family: parts_of(service, where, listed, family, known.get(family, {}))
        for family in service.families
        if family not in missing
    }
    slices: list[Body] = []
    services = 1
    for family, units in parts.items():
        here = [each for each in kept if each.get("addressType") == family]
        slices += _real(service, where, units, family, here, foreign)
        if guarded:
            guards = sentinels_of(service, where, units, family, refusal.addresses[family], here, foreign)
            slices += guards.slices
            services = max(services, guards.addresses)
    live_by_name = {each["metadata"]["name"]: each for each in kept}
    stamped = (_stamped(each, live_by_name.get(each["metadata"]["name"]), trigger) for each in slices)
    return Wanted(
        tuple(sorted(stamped, key=lambda each: str(each["metadata"]["name"]))),
        tuple(dict.fromkeys(each for units in parts.values() for each in _unnamed(units))),
        missing,
        _refusing_ports(service, slices),
        services,
        service,
        where,
        parts,
    )


def _unnamed(parts: Mapping[str, Part]) -> Iterator[Unnamed]:
    return (
        unnamed(unit, part.ready, part.assignment)
        for unit, part in parts.items()
        if part.ready and part.assignment.left
    )


def _refusing_ports(service: ServiceFacts, slices: Iterable[Body]) -> dict[str, int]:
    most = max(map(sentinel_number, slices), default=0)
    return dict.fromkeys(sorted(port.protocol for port in service.ports), most) if most else {}


def built_in(service: ServiceFacts, where: Places, pods: Iterable[PodView]) -> tuple[Body, ...]:
    """The slices that Kubernetes' own controller would keep for a Service with its selector, to be asked in advance: in
    everything but their names and their size."""
    listed = [pod for members in serving_pods(service, where, pods).values() for pod in members]
    found: list[Body] = []
    for family in service.families:
        by_ports: dict[PortMap, list[Body]] = {}
        for each in endpoints_of(service, where, listed, family):
            by_ports.setdefault((each.ports, each.numbers), []).append(endpoint_body(service, each, None))
        for ports, entries in sorted(by_ports.items(), key=lambda item: item[0]):
            name = f"{service.name}-v{family[-1]}x{len(found)}"
            found.append(slice_body(service, name, family, port_bodies(service, *ports), entries))
    return tuple(found)


def is_kept(body: Mapping[str, Any]) -> bool:
    """Whether a live EndpointSlice is one that we write."""
    return _manager(body) == SLICE_MANAGER


def is_built_in(body: Mapping[str, Any]) -> bool:
    """Whether Kubernetes' own controller manages a slice, for a Service with a selector."""
    return _manager(body) == BUILT_IN_SLICES


def is_leftover(body: Mapping[str, Any]) -> bool:
    """Whether a slice was made by Kubernetes' own controllers, for a selector or as a copy of Endpoints."""
    return _manager(body) in (BUILT_IN_SLICES, MIRRORED_SLICES)


def _manager(body: Mapping[str, Any]) -> str:
    return str((body["metadata"].get("labels") or {}).get(MANAGED_BY) or "")


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
        body["endpoints"] = before.get("endpoints") or []  # the very same, so that comparing again costs nothing
        trigger = (before["metadata"].get("annotations") or {}).get(TRIGGER_TIME) or ""
    if trigger:
        body["metadata"]["annotations"] = {TRIGGER_TIME: trigger}
    return body


def _real(
    service: ServiceFacts,
    where: Places,
    parts: Mapping[str, Part],
    family: str,
    live: Sequence[Mapping[str, Any]],
    foreign: set[str],
) -> Iterator[Body]:
    """The slices of real endpoints: for each set of port numbers its own, for a slice's ports hold for all within."""
    names = _free_names(f"{service.name}-v{family[-1]}units", foreign | {each["metadata"]["name"] for each in live})
    by_ports: dict[PortMap, dict[str, list[Entry]]] = {}
    for unit, part in parts.items():
        for entry in part.entries:
            by_ports.setdefault(entry.ports, {}).setdefault(unit, []).append(entry)
    for ports, units in sorted(by_ports.items(), key=lambda item: item[0]):
        shown = port_bodies(service, *ports)
        same = [each for each in live if (each.get("ports") or []) == shown and not sentinel_number(each)]
        for name, entries in pack(units, same, where, names).items():
            yield slice_body(service, name, family, shown, [entry.body for entry in entries])


def _free_names(stem: str, taken: set[str]) -> Iterator[str]:
    return (name for number in count(1) if (name := f"{stem}{number}") not in taken)
