"""Which node is where: its NodeUnit by one key, its zone, and what that means for hints."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...names import NO_NODE, NO_ZONE, ZONE
from ...units import NodeView

# What the API server takes of hints per endpoint (discovery.k8s.io/v1, forNodes and forZones).
MAX_HINTS = 8


@dataclass(frozen=True, slots=True)
class Places:
    """Every node and where it is. Made once per change of nodes; every Service of the key shares it.

    `unit` and `zone` are by node ("" for none); `members` are the nodes of each unit, sorted; `zones` are the values
    that any node has or is expected to have one day, "" first; `own_zones` are those of each unit that no node outside
    it has; `nobody` and `nowhere` are names that no node and no zone has.
    """

    key: str
    unit: Mapping[str, str]
    zone: Mapping[str, str]
    members: Mapping[str, tuple[str, ...]]
    zones: tuple[str, ...]
    own_zones: Mapping[str, tuple[str, ...]]
    nobody: str = NO_NODE
    nowhere: str = NO_ZONE


def places(nodes: Iterable[NodeView], key: str, expected: Collection[str] = ()) -> Places:
    """Where each node is, by the labels `key` and topology.kubernetes.io/zone. `expected` are zones that nodes may have
    one day. The name of a NodeUnit is among them as long as any of its nodes has no zone, for many a site is called
    the same as its zone."""
    unit: dict[str, str] = {}
    zone: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    units_in: dict[str, set[str]] = {}
    for node in sorted(nodes, key=lambda each: each.name):
        unit[node.name] = node.labels.get(key, "")
        zone[node.name] = node.labels.get(ZONE, "")
        units_in.setdefault(zone[node.name], set()).add(unit[node.name])
        if unit[node.name]:
            members.setdefault(unit[node.name], []).append(node.name)
    own: dict[str, list[str]] = {}
    for name in sorted(units_in):
        if name and len(units_in[name]) == 1 and (only := next(iter(units_in[name]))):
            own.setdefault(only, []).append(name)
    names = [name for name, nodes_ in members.items() if not all(zone[node] for node in nodes_)]
    return Places(
        key,
        unit,
        zone,
        {name: tuple(members[name]) for name in sorted(members)},
        tuple(sorted({"", *units_in, *names, *expected})),
        {name: tuple(zones) for name, zones in own.items()},
        _unused(NO_NODE, unit),
        _unused(NO_ZONE, {*units_in, *names, *expected}),
    )


def _unused(name: str, taken: Collection[str]) -> str:
    """`name`, or one like it where somebody really is called so (labels are free text)."""
    return next(each for each in (name, *(f"{name}{i}" for i in range(len(taken)))) if each not in taken)


def spread(names: Sequence[str], seats: int) -> list[tuple[str, ...]]:
    """Share names among `seats` endpoints, at most MAX_HINTS on each and none twice on one: round and round, so that
    the counts of any two names differ by at most one, and every name has a seat where MAX_HINTS × seats allow it."""
    width = min(MAX_HINTS, len(names))
    return [tuple(names[(seat * width + i) % len(names)] for i in range(width)) for seat in range(seats)]
