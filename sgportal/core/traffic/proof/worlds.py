"""What a proxy may make of a Service of which slices list one address differently.

kube-proxy reads slices in Go's random order of maps, so that one listing or the other holds, for as long as the slices
stay. Every choice of one listing per address is a world; here it is worked out what some world lets a node reach,
without going through them one by one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..rules import LATEST, Rule
from .proxy import Backend, Table, table

# What matters of a ready listing to one node; that of one that is not ready is 0. A world's is that of its listings.
_READY, _NO_NODES, _THIS_NODE, _NO_ZONES, _THIS_ZONE = 1, 2, 4, 8, 16
_BITS = 5
_Marks = frozenset[int]


@dataclass(frozen=True, slots=True)
class Reached:
    """What a node reaches: `certain` says that no other listing could make it more or less. `nothing` says that it may
    be that there is none at all."""

    backends: tuple[Backend, ...]
    nothing: bool


@dataclass(frozen=True, slots=True)
class Port:
    """The endpoints of one port: those that all slices agree on as a table, else every listing of each address."""

    agreed: Table | None
    listed: tuple[tuple[Backend, ...], ...]

    def of(self, node: str, zone: str, rule: Rule = LATEST) -> Reached:
        """Those that the proxy of a node in a zone ("" for none) may send traffic to, in any world."""
        if self.agreed is not None:
            found = self.agreed.of(node, zone, rule)
            return Reached(found, not found)
        return _possible([_choices(each, rule) for each in self.listed], node, zone, rule)

    def here(self, node: str) -> Reached:
        """The same of a Service with internalTrafficPolicy Local: its own pods, whatever the hints."""
        own = [each for several in self.listed for each in several if each.claimed == node]
        ready = tuple(each for each in own if each.ready)
        last = tuple(each for each in own if each.serving and each.terminating)
        found = table(own)
        doubled = len({(each.address, each.port) for each in own}) < len(own)
        if not doubled and all(len(several) == 1 for several in self.listed):
            alone = found.ready or found.last
            return Reached(alone, not alone)
        return Reached((*ready, *(each for each in last if each not in ready)), True)


def port_of(listed: Iterable[tuple[Backend, ...]]) -> Port:
    """A port from every listing of each of its addresses."""
    distinct = tuple(tuple(_distinct(several)) for several in listed)
    if all(len(several) == 1 for several in distinct):
        return Port(table(each for (each,) in distinct), distinct)
    return Port(None, distinct)


def by_address(backends: Iterable[Backend]) -> list[tuple[Backend, ...]]:
    """Listings, gathered by their address and number."""
    found: dict[tuple[str, int], list[Backend]] = {}
    for each in backends:
        found.setdefault((each.address, each.port), []).append(each)
    return [tuple(several) for several in found.values()]


def _distinct(several: Sequence[Backend]) -> Iterator[Backend]:
    """The listings that a proxy treats differently."""
    seen = set()
    for each in several:
        effect = (each.ready, each.serving, each.terminating, each.nodes, each.zones, each.claimed)
        if effect not in seen:
            seen.add(effect)
            yield each


def _choices(several: tuple[Backend, ...], rule: Rule) -> tuple[Backend, ...]:
    running = tuple(each for each in several if not each.terminating)
    return running if running and rule.running_first else several


def _marks(backend: Backend, node: str, zone: str) -> int:
    if not backend.ready:
        return 0
    by_node = _THIS_NODE if node in backend.nodes else 0 if backend.nodes else _NO_NODES
    by_zone = _THIS_ZONE if zone in backend.zones else 0 if backend.zones else _NO_ZONES
    return _READY | by_node | by_zone


def _chosen(world: int, zone: str, rule: Rule) -> int:
    """The mark of those that a node uses in a world; 0 for those that serve while they terminate."""
    if rule.nodes and world & _THIS_NODE and not world & _NO_NODES:
        return _THIS_NODE
    if rule.counts(zone) and world & _THIS_ZONE and not world & _NO_ZONES:
        return _THIS_ZONE
    return world & _READY


def _possible(addresses: Sequence[tuple[Backend, ...]], node: str, zone: str, rule: Rule) -> Reached:
    """Addresses whose listings have the same marks are alike, so that there are few kinds of them to go through."""
    marked = [frozenset(_marks(each, node, zone) for each in several) for several in addresses]
    kinds = Counter(marked)
    used: set[tuple[_Marks, int]] = set()
    for kind in kinds:
        others = _worlds(kinds - Counter((kind,)))
        for mark in kind:
            choices = {_chosen(world | mark, zone, rule) for world in others}
            if any(mark & choice if choice else not mark for choice in choices):
                used.add((kind, mark))
    found = tuple(
        each
        for kind, several in zip(marked, addresses, strict=True)
        for each in several
        if (kind, mark := _marks(each, node, zone)) in used and (mark or (each.serving and each.terminating))
    )
    silent = all(
        any(not (each.ready or (each.serving and each.terminating)) for each in several) for several in addresses
    )
    return Reached(found, silent)


def _worlds(kinds: Mapping[_Marks, int]) -> set[int]:
    """The marks of every world of so many addresses of each kind; more of one than there are marks make no more."""
    worlds = {0}
    for kind, count in kinds.items():
        for _ in range(min(count, _BITS)):
            worlds = {world | mark for world in worlds for mark in kind}
    return worlds
