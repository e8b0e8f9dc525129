"""Which nodes each endpoint names, so that every node is served by its own NodeUnit or by nobody.

kube-proxy (1.34 and later, pkg/proxy/topology.go) uses the ready endpoints that name its node, else those that name
its zone, else all. So real endpoints name nodes of their unit, and sentinels name every zone: a node that no endpoint
names finds a sentinel, and no other way out.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .endpoints import Endpoint
from .names import ZONE
from .places import MAX_HINTS, Places, spread
from .text import Sentence, say

Voice = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Nodes of a unit that no endpoint can name, and what would help; they are refused."""

    unit: str
    nodes: tuple[str, ...]
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Hints:
    """Who names whom in one family. `nodes` and `zones` are by voice, an endpoint's address and port numbers, by which
    kube-proxy knows endpoints apart; `claimed` are the zones that real endpoints name instead of sentinels."""

    nodes: Mapping[Voice, tuple[str, ...]] = field(default_factory=dict)
    zones: Mapping[Voice, tuple[str, ...]] = field(default_factory=dict)
    claimed: frozenset[str] = frozenset()
    unnamed: tuple[Unnamed, ...] = ()

    def of(self, endpoint: Endpoint, where: Places) -> dict[str, list[dict[str, str]]]:
        """The hints of an endpoint; one that is not ready, or in no unit, names nobody."""
        voice = voice_of(endpoint)
        nodes = (self.nodes.get(voice) if endpoint.ready else None) or (where.nobody,)
        zones = (self.zones.get(voice) if endpoint.ready else None) or (where.nowhere,)
        return {"forNodes": named(nodes), "forZones": named(zones)}


def named(names: Iterable[str]) -> list[dict[str, str]]:
    """Names as EndpointSlices write them."""
    return [{"name": name} for name in names]


def voice_of(endpoint: Endpoint) -> Voice:
    """What kube-proxy knows an endpoint by."""
    return endpoint.address, endpoint.numbers


@dataclass(frozen=True, slots=True)
class _Choir:
    """The ready voices of a unit, in groups that have the same ports of the Service."""

    groups: tuple[tuple[Voice, ...], ...]
    room: int
    complete: bool

    @staticmethod
    def of(endpoints: Iterable[Endpoint], all_ports: int) -> "_Choir | None":
        groups: dict[tuple[int, ...], dict[Voice, None]] = {}
        for each in endpoints:
            if each.ready and each.ports:
                groups.setdefault(each.ports, {})[voice_of(each)] = None
        if not groups:
            return None
        seats = [max(len(voices) for has, voices in groups.items() if port in has) for port in set().union(*groups)]
        complete = len(groups) == 1 and len(next(iter(groups))) == all_ports
        return _Choir(tuple(tuple(voices) for voices in groups.values()), MAX_HINTS * min(seats), complete)


def hints(
    all_ports: int, failover: Sequence[str], where: Places, units: Iterable[tuple[str, Sequence[Endpoint]]]
) -> Hints:
    """Who names whom, for a Service of `all_ports` ports with these endpoints of each unit; `failover` are the units
    that empty ones may borrow from, in order."""
    choirs = {unit: choir for unit, members in units if unit and (choir := _Choir.of(members, all_ports))}
    guests = _guests(failover, where, choirs)
    nodes: dict[Voice, tuple[str, ...]] = {}
    zones: dict[Voice, tuple[str, ...]] = {}
    unnamed = []
    for unit, choir in choirs.items():
        to_name, by_zone, left = _split(where, unit, choir)
        if left:
            unnamed.append(Unnamed(unit, left, _too_many(len(left), unit, choir.room, len(to_name) + len(left))))
        for group in choir.groups:
            nodes.update(zip(group, map(_sorted, spread([*to_name, *guests.get(unit, ())], len(group))), strict=True))
            zones.update(zip(group, map(_sorted, spread(by_zone, len(group))), strict=True))
    claimed = frozenset(zone for several in zones.values() for zone in several)
    return Hints(nodes, zones, claimed, tuple(unnamed))


def _sorted(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _guests(failover: Sequence[str], where: Places, choirs: Mapping[str, _Choir]) -> dict[str, list[str]]:
    """The nodes of empty units by the unit that lends to them, as far as it has room beside its own nodes."""
    found: dict[str, list[str]] = {}
    lenders = [unit for unit in failover if unit in choirs]
    room = {unit: choirs[unit].room - len(where.members.get(unit, ())) for unit in lenders}
    for unit, members in where.members.items() if lenders else ():
        waiting = list(members) if unit not in choirs else []
        for lender in lenders:
            taken, waiting = waiting[: max(0, room[lender])], waiting[max(0, room[lender]) :]
            found.setdefault(lender, []).extend(taken)
            room[lender] -= len(taken)
    return found


def _split(where: Places, unit: str, choir: _Choir) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The unit's nodes to name, the zones to name instead of nodes, and the nodes for which there is no room.

    A zone stands for nodes only where no other node has it, and where every port of the Service would be served:
    for a port without an endpoint that names it, a zone without a sentinel would be open to all.
    """
    members = where.members.get(unit, ())
    if len(members) <= choir.room:
        return members, (), ()
    zones = where.own_zones.get(unit, ())[: choir.room] if choir.complete else ()
    others = tuple(node for node in members if where.zone[node] not in zones) if zones else members
    return others[: choir.room], zones, others[choir.room :]


def _too_many(left: int, unit: str, room: int, nodes: int) -> Sentence:
    return say(
        "%(left)s nodes of NodeUnit “%(unit)s” are refused: its ready endpoints can name %(room)s nodes, each "
        "%(each)s; %(replicas)s ready endpoints would do, or a value of %(zone)s that only this unit's nodes have",
        left=left,
        unit=unit,
        room=room,
        each=MAX_HINTS,
        replicas=-(-nodes // MAX_HINTS),
        zone=ZONE,
    )


def sentinel_zones(
    wanted: Iterable[str], live: Mapping[int, Sequence[str]], barred: Collection[int] = ()
) -> dict[int, tuple[str, ...]]:
    """The zones of each sentinel by number, from 1: each zone stays with the sentinel it has in `live`, new ones fill
    what room there is beside all that a sentinel has now, so that it may carry old and new ones for a moment. `barred`
    are numbers that somebody else has taken."""
    waiting = dict.fromkeys(sorted(wanted))
    kept: dict[int, list[str]] = {}
    for number in sorted(live):
        here = [zone for zone in live[number] if zone in waiting]
        kept[number] = here
        for zone in here:
            del waiting[zone]
    number, left = 1, list(waiting)
    while left:
        full = {*live.get(number, ()), *kept.get(number, ())}
        room = 0 if number in barred else max(0, MAX_HINTS - len(full))
        kept.setdefault(number, []).extend(left[:room])
        left, number = left[room:], number + 1
    return {number: tuple(sorted(zones)) for number, zones in sorted(kept.items()) if zones}


def hint_names(endpoint: Mapping[str, Any], kind: str) -> Iterator[str]:
    """The names that an endpoint of an EndpointSlice has in `forNodes` or `forZones`."""
    for each in (endpoint.get("hints") or {}).get(kind) or ():
        yield each.get("name") or ""
