"""Sentinels: endpoints that are always ready and at whose address every kube-proxy refuses.

There are two kinds. Some name every zone that a node has or is expected to have, so that a node which no endpoint names
finds nothing else; no pod changes their slices. Others name the nodes that no endpoint names, one by one: such a node
is refused in whatever zone it may be tomorrow. kube-proxy knows an endpoint by address and port, so that those of one
slice differ by address (one of each refusing Service), and slices differ by port.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count, islice
from typing import Any

from ...names import ANNOUNCED_ZONES, label_value_problem
from ..service import ServiceFacts
from .endpoints import port_bodies, slice_body
from .hints import hint_names, named
from .parts import Part
from .topology import MAX_HINTS, Places

Body = dict[str, Any]
Slot = tuple[int, str]  # the port and the address of a sentinel
Names = dict[Slot, tuple[str, ...]]
# Refusing Services at most: as many sentinels stand in one slice, which then name two thousand zones: those of a
# thousand NodeUnits, and the thousand that some node had before.
MOST_ADDRESSES = 250


@dataclass(frozen=True, slots=True)
class Refusal:
    """The Services whose kube-proxies refuse: their addresses by family, in order of number. Their ports are 1, 2 and
    so on for each protocol, as many as `Wanted.refusing_ports` says."""

    addresses: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Sentinels:
    """The slices of sentinels of one family, and of how many addresses they could make use."""

    slices: tuple[Body, ...]
    addresses: int


def sentinels_of(
    service: ServiceFacts,
    where: Places,
    parts: Mapping[str, Part],
    family: str,
    addresses: Sequence[str],
    live: Iterable[Mapping[str, Any]],
    foreign: Collection[str],
) -> Sentinels:
    """The sentinels beside these parts of a Service; `live` are its slices that we keep, of this family, `foreign` the
    names of slices that are not ours."""
    stem = f"{service.name}-v{family[-1]}refuse"
    barred = {sentinel_number({"metadata": {"name": name}}) for name in foreign if name.startswith(stem)}
    known = {number: each for each in live if (number := sentinel_number(each))}
    every = tuple(range(len(service.ports)))
    claimed = {zone for part in parts.values() for zone in part.assignment.zones}
    zones = [zone for zone in where.zones if zone not in claimed]
    odd = (number for number in count(1, 2) if number not in barred)
    zone_names = share(zones, _live_names(known, "forZones"), odd, addresses)
    found: list[tuple[tuple[int, ...], Names, Names]] = [(every, zone_names, {})]
    lonely = lonely_nodes(service, where, parts)
    found += [(ports, {}, nodes) for ports, nodes in _by_ports(service, lonely, known, barred, addresses)]
    slices = (
        _slice(service, f"{stem}{number}", family, ports, number, _bodies(number, zones_, nodes, addresses, where))
        for ports, zones_, nodes in found
        for number in sorted({number for number, _ in (*zones_, *nodes)})
    )
    most = max(map(len, (zones, *lonely.values())))
    return Sentinels(tuple(slices), min(MOST_ADDRESSES, _needed(most)))


def lonely_nodes(service: ServiceFacts, where: Places, parts: Mapping[str, Part]) -> dict[tuple[int, ...], list[str]]:
    """The nodes that no endpoint names, by the ports (indexes of the Service's) at which that is so."""
    served: dict[str, frozenset[int]] = {}
    for unit, part in parts.items():
        if part.ready:
            served.update(dict.fromkeys(part.assignment.nodes, part.ready.ports))
            for node in where.members.get(unit, ()) if part.assignment.zones else ():
                if where.zone[node] in part.assignment.zones:
                    served[node] = part.ready.ports
    found: dict[tuple[int, ...], list[str]] = {}
    lacking = {
        ports: tuple(port for port in range(len(service.ports)) if port not in ports)
        for ports in {frozenset[int](), *served.values()}
    }
    for node in where.unit:
        if ports := lacking[served.get(node, frozenset())]:
            found.setdefault(ports, []).append(node)
    return found


def _by_ports(
    service: ServiceFacts,
    lonely: Mapping[tuple[int, ...], Sequence[str]],
    known: Mapping[int, Mapping[str, Any]],
    barred: Collection[int],
    addresses: Sequence[str],
) -> Iterator[tuple[tuple[int, ...], Names]]:
    """The sentinels that name nodes, for each set of ports in slices of its own, which have even numbers."""
    live = _live_names(known, "forNodes")
    shown = {number: _port_names(each) for number, each in sorted(known.items()) if number % 2 == 0}
    taken = set(barred)
    for ports, nodes in sorted(lonely.items(), key=lambda item: (-len(item[0]), item[0])):
        wanted = frozenset((service.ports[port].name, service.ports[port].protocol) for port in ports)
        own = [number for number, names in shown.items() if names == wanted and number not in taken]
        used = {*taken, *shown}
        fresh = (number for number in count(2, 2) if number not in used)
        found = share(nodes, live, chain(own, fresh), addresses, together=False)
        taken |= {number for number, _ in found}
        yield ports, found


def _port_names(body: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((each.get("name") or "", each.get("protocol") or "TCP") for each in body.get("ports") or ())


def _needed(names: int) -> int:
    """How many sentinels so many names need, with room for one more name at least."""
    return names // MAX_HINTS + 1


def share(
    names: Collection[str],
    live: Mapping[Slot, Sequence[str]],
    numbers: Iterable[int],
    addresses: Sequence[str],
    together: bool = True,
) -> Names:
    """The names of each sentinel, in as few slices (`numbers`, without end) as there can be: each name stays where it
    is in `live`, new ones fill the room. With `together` that is the room beside all that a sentinel has now, so that
    it may carry old and new ones for a moment."""
    waiting = dict.fromkeys(sorted(names))
    slots = ((number, address) for number in numbers for address in addresses)
    first = list(islice(slots, -(-_needed(len(waiting)) // len(addresses)) * len(addresses)))
    kept: dict[Slot, list[str]] = {}
    for slot in first:
        kept[slot] = [name for name in dict.fromkeys(live.get(slot, ())) if name in waiting]
        for name in kept[slot]:
            del waiting[name]
    left = list(waiting)
    for slot in chain(first, slots):
        if not left:
            break
        here = kept.setdefault(slot, [])
        room = max(0, MAX_HINTS - len({*here, *(live.get(slot, ()) if together else ())}))
        here.extend(left[:room])
        left = left[room:]
    return {slot: tuple(sorted(several)) for slot, several in kept.items() if several}


def _live_names(known: Mapping[int, Mapping[str, Any]], kind: str) -> dict[Slot, list[str]]:
    return {
        (number, each["addresses"][0]): list(hint_names(each, kind))
        for number, body in known.items()
        for each in body.get("endpoints") or ()
    }


def _bodies(number: int, zones: Names, nodes: Names, addresses: Iterable[str], where: Places) -> list[Body]:
    return [
        sentinel(
            address, nodes.get((number, address)) or (where.nobody,), zones.get((number, address)) or (where.nowhere,)
        )
        for address in addresses
        if (number, address) in zones or (number, address) in nodes
    ]


@lru_cache(maxsize=16384)  # every Service of a key has the same ones, and they seldom change
def sentinel(address: str, nodes: tuple[str, ...], zones: tuple[str, ...]) -> Body:
    """An endpoint that is always ready, not to be changed. It does not say that it serves: no proxy asks that of one
    that is ready, and readers that do ask leave it out."""
    return {
        "addresses": [address],
        "conditions": {"ready": True, "serving": False, "terminating": False},
        "hints": {"forNodes": named(nodes), "forZones": named(zones)},
    }


def _slice(
    service: ServiceFacts, name: str, family: str, ports: tuple[int, ...], number: int, endpoints: list[Body]
) -> Body:
    return slice_body(service, name, family, port_bodies(service, ports, (number,) * len(ports)), endpoints)


def sentinel_number(body: Mapping[str, Any]) -> int:
    """The number of a slice of sentinels, from 1, which is their port as well; 0 for a slice of real endpoints."""
    found = re.search(r"-v[46]refuse([1-9][0-9]{0,4})$", str(body["metadata"]["name"]))
    return int(found[1]) if found else 0


def zones_named(body: Mapping[str, Any]) -> Iterator[str]:
    """The zones that a slice of sentinels names; none where it is of the kind that names nodes."""
    for each in (body.get("endpoints") or ()) if not names_nodes(body) else ():
        yield from hint_names(each, "forZones")


def announced_zones(service: Mapping[str, Any]) -> dict[str, float]:
    """The zones that are announced on a live refusing Service, each with when (seconds since the epoch); nothing where
    somebody wrote something else there."""
    text = (service["metadata"].get("annotations") or {}).get(ANNOUNCED_ZONES) or "{}"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    found = value.items() if isinstance(value, dict) else ()
    return {zone: at for zone, at in found if isinstance(at, int | float) and label_value_problem(zone) is None}


def names_nodes(body: Mapping[str, Any]) -> bool:
    """Whether a slice of sentinels is of the kind that names nodes."""
    return sentinel_number(body) % 2 == 0
