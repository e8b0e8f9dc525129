"""The order between the members of a ServiceGroup: `spec.dependsOn`, by member the members that it waits for.

A member is named as kubectl names an object: `deploymentgrid/web`, the kind also in its plural or by its short name.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ..schema import wrong_type
from ..text import Problem, pointer, say
from .kinds import KINDS

_WHERE = "/spec/dependsOn"
_PLURALS = {name: each.plural for each in KINDS.values() for name in (each.kind.lower(), each.plural, each.short)}


def place_of(reference: str) -> str:
    """`<plural>/<name>` of what a reference names, "" where it names no grid."""
    kind, _, name = reference.partition("/")
    plural = _PLURALS.get(kind.lower())
    return f"{plural}/{name}" if plural and name and "/" not in name else ""


def depends_on(spec: Mapping[str, Any], kind: str, name: str) -> list[str]:
    """The members, as `<plural>/<name>`, that a member of a valid package waits for."""
    mine = f"{KINDS[kind].plural}/{name}"
    found = (on for who, on in (spec.get("dependsOn") or {}).items() if place_of(who) == mine)
    return list(dict.fromkeys(place_of(each) for on in found for each in on))


def ring_through(start: str, waits_for: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shortest way by which a grid waits for itself, from it back to it; () where it does not. `waits_for`: the
    grids by the place of the one that waits for them, as `<plural>/<name>`."""
    ways: deque[tuple[str, ...]] = deque([(start,)])
    seen: set[str] = set()
    while ways:
        way = ways.popleft()
        for place in waits_for.get(way[-1], ()):
            if place == start:
                return (*way, start)
            if place not in seen:
                seen.add(place)
                ways.append((*way, place))
    return ()


def order_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with `dependsOn` of a package: who is no member, who cannot wait, who waits for itself."""
    members = set(_members(spec["grids"]))
    graph: dict[str, set[str]] = {}
    sound = True
    for who, on in (spec.get("dependsOn") or {}).items():
        where = _WHERE + pointer(who)
        if not isinstance(on, list):
            sound = False
            yield wrong_type(on, "a list", where)
            continue
        for place, reference in ((where, who), *((where + pointer(index), each) for index, each in enumerate(on))):
            if not isinstance(reference, str) or place_of(reference) not in members:
                sound = False
                yield Problem(place, _no_member(reference))
        if place_of(who).startswith("servicegrids/"):
            sound = False
            yield Problem(where, say("a ServiceGrid has one Service for all NodeUnits and waits for no other grid"))
        if sound:
            graph.setdefault(place_of(who), set()).update(map(place_of, on))
    if sound:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as cycle:
            yield Problem(_WHERE, say("these wait for one another: %(names)s", names=" → ".join(cycle.args[1])))


def _no_member(reference: Any) -> Any:
    return say("“%(name)s” is no member; name one as deploymentgrid/web", name=str(reference)[:100])


def _members(grids: Any) -> Iterator[str]:
    for each in grids:
        if isinstance(each, Mapping) and isinstance(each.get("metadata"), Mapping) and each.get("kind") in list(KINDS):
            yield f"{KINDS[each['kind']].plural}/{each['metadata'].get('name')}"
