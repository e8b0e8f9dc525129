"""Which nodes each endpoint names, so that every node is served by its own NodeUnit or by nobody.

kube-proxy (1.34 and later, pkg/proxy/topology.go) uses the ready endpoints that name its node, else those that name
its zone, else all. So real endpoints name nodes of their unit, and sentinels every other node and every zone: a node
that no endpoint names finds a sentinel, and no other way out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...names import ZONE
from ...text import Sentence, say
from .endpoints import Endpoint
from .topology import MAX_HINTS, Places, spread

EndpointKey = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Nodes of a unit that no endpoint can name, and what would help; they are refused."""

    unit: str
    nodes: tuple[str, ...]
    sentence: Sentence


def named(names: Iterable[str]) -> list[dict[str, str]]:
    """Names as EndpointSlices write them."""
    return [{"name": name} for name in names]


def key_of(endpoint: Endpoint) -> EndpointKey:
    """What kube-proxy knows an endpoint by."""
    return endpoint.address, endpoint.numbers


@dataclass(frozen=True, slots=True)
class ReadyEndpoints:
    """The ready endpoints of a unit, in groups that have the same ports of the Service; `ports` are all that any of
    them has, `room` is how many nodes they can name, and `complete` says that each of them has every port."""

    groups: tuple[tuple[EndpointKey, ...], ...]
    ports: frozenset[int]
    room: int
    complete: bool


def ready_endpoints_of(endpoints: Iterable[Endpoint], all_ports: int) -> ReadyEndpoints | None:
    """The voices of a unit with these endpoints of a Service of `all_ports` ports; None where nobody can speak."""
    groups: dict[tuple[int, ...], dict[EndpointKey, None]] = {}
    for each in endpoints:
        if each.ready and each.ports and each.unit:
            groups.setdefault(each.ports, {})[key_of(each)] = None
    if not groups:
        return None
    ports = frozenset(port for has in groups for port in has)
    seats = [max(len(keys) for has, keys in groups.items() if port in has) for port in ports]
    complete = len(groups) == 1 and len(next(iter(groups))) == all_ports
    return ReadyEndpoints(tuple(tuple(keys) for keys in groups.values()), ports, MAX_HINTS * min(seats), complete)


@dataclass(frozen=True, slots=True)
class HintAssignment:
    """What a unit's endpoints name together: nodes, zones instead of nodes, and the nodes they have no room for."""

    nodes: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def hint_assignments(
    ready_by_unit: Mapping[str, ReadyEndpoints], failover: Sequence[str], where: Places
) -> dict[str, HintAssignment]:
    """What each unit's endpoints name; `failover` are the units that empty ones may borrow from, in order."""
    guests = _guests(failover, where, ready_by_unit)
    found = {}
    for unit, ready in ready_by_unit.items():
        members = where.members.get(unit, ())
        if len(members) > ready.room:
            found[unit] = _overflowing(where, unit, ready, ready.complete and not _shares(unit, ready_by_unit))
        else:
            found[unit] = HintAssignment(members + tuple(guests.get(unit, ())))
    return found


def _guests(
    failover: Sequence[str], where: Places, ready_by_unit: Mapping[str, ReadyEndpoints]
) -> dict[str, list[str]]:
    """The nodes of empty units by the unit that lends to them, as far as it has room beside its own nodes."""
    found: dict[str, list[str]] = {}
    lenders = [unit for unit in failover if unit in ready_by_unit]
    room = {unit: max(0, ready_by_unit[unit].room - len(where.members.get(unit, ()))) for unit in lenders}
    for unit, members in where.members.items() if lenders else ():
        waiting = members if unit not in ready_by_unit else ()
        for lender in lenders:
            taken, waiting = waiting[: room[lender]], waiting[room[lender] :]
            found.setdefault(lender, []).extend(taken)
            room[lender] -= len(taken)
    return found


def _shares(unit: str, ready_by_unit: Mapping[str, ReadyEndpoints]) -> bool:
    """Whether another unit has a voice of this one, two pods with one address: kube-proxy would hear either."""
    own = {key for group in ready_by_unit[unit].groups for key in group}
    others = (group for other, ready in ready_by_unit.items() if other != unit for group in ready.groups)
    return any(not own.isdisjoint(group) for group in others)


def _overflowing(where: Places, unit: str, ready: ReadyEndpoints, may_claim: bool) -> HintAssignment:
    """What a unit with more nodes than room names: zones where it may, nodes as far as they go.

    A zone stands for nodes only where no other node has it, and where every port of the Service would be served by it:
    for a port without an endpoint that names it, a zone without a sentinel would be open to all.
    """
    members = where.members[unit]
    zones = where.own_zones.get(unit, ())[: ready.room] if may_claim else ()
    others = tuple(node for node in members if where.zone[node] not in zones)
    return HintAssignment(others[: ready.room], zones, others[ready.room :])


def unnamed(unit: str, ready: ReadyEndpoints, assignment: HintAssignment) -> Unnamed:
    """The nodes that a unit's endpoints have no room for, as a person should know of them."""
    return Unnamed(
        unit,
        assignment.left,
        _too_many(len(assignment.left), unit, ready.room, len(assignment.nodes) + len(assignment.left)),
    )


Hints = dict[str, list[dict[str, str]]]


def hints_of(ready: ReadyEndpoints, assignment: HintAssignment, where: Places) -> dict[EndpointKey, Hints]:
    """The hints of each voice of a unit."""
    return {
        key: _hints(nodes, zones, where)
        for group in ready.groups
        for key, nodes, zones in zip(
            group, spread(assignment.nodes, len(group)), spread(assignment.zones, len(group)), strict=True
        )
    }


def silence(where: Places) -> Hints:
    """The hints of an endpoint that names nobody: it is not ready, or in no unit."""
    return _hints((), (), where)


def _hints(nodes: Sequence[str], zones: Sequence[str], where: Places) -> Hints:
    return {"forNodes": named(sorted(nodes) or (where.nobody,)), "forZones": named(sorted(zones) or (where.nowhere,))}


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


def hint_names(endpoint: Mapping[str, Any], kind: str) -> Iterator[str]:
    """The names that an endpoint of an EndpointSlice has in `forNodes` or `forZones`."""
    for each in (endpoint.get("hints") or {}).get(kind) or ():
        yield each.get("name") or ""
