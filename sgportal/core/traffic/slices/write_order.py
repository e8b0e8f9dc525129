"""In which order the slices of a Service are written, so that traffic stays closed after every single write."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...names import NO_ZONE
from .hints import hint_names, named
from .sentinels import names_nodes, sentinel_number
from .slices import is_kept, same_content
from .topology import MAX_HINTS

Slices = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Write:
    """One write of an EndpointSlice. `body` is what it shall be (create, update) or was (delete)."""

    verb: Literal["create", "update", "delete"]
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The slice's name."""
        return str(self.body["metadata"]["name"])


def writes(
    live: Iterable[Mapping[str, Any]],
    wanted: Sequence[Mapping[str, Any]],
    was_closed: bool = True,
    stays_closed: bool = True,
    naming: bool = True,
) -> tuple[Write, ...]:
    """What makes the live slices that we keep agree with `wanted`; those of others are left alone.

    Sentinels come first, with every zone they had or shall have and without the nodes that are to be served; then real
    endpoints, those that gain any before those that lose any; then the sentinels again, as they shall be: at no moment
    is a zone named by nobody, nor a node by both.

    A node that may go beyond its unit before (`was_closed` is False) or after (`stays_closed` is False), and is served
    both ways, must meet no sentinel on the way: they come last then, or go first. With `naming` False no sentinel names
    a node that it does not name yet: its zone is named all the same.
    """
    before = {each["metadata"]["name"]: each for each in live if is_kept(each)}
    after = {each["metadata"]["name"]: each for each in wanted}
    guards = {name: each for name, each in after.items() if sentinel_number(each)}
    reals = {name: each for name, each in after.items() if name not in guards}
    gone = [Write("delete", each) for name, each in before.items() if name not in after]
    served = (
        *sorted(_changes(before, reals), key=lambda write: _loss(write, before)),
        *(each for each in gone if not sentinel_number(each.body)),
    )
    leaving = tuple(each for each in gone if sentinel_number(each.body))
    if not stays_closed:
        return (*leaving, *served, *_changes(before, guards))
    if not was_closed:
        return (*served, *_changes(before, guards), *leaving)
    between = _between(before, guards)
    over = {name for name, body in between.items() if name not in guards and not body["endpoints"]}
    first = (
        *_changes(before, {name: body for name, body in between.items() if name not in over}),
        *(each for each in leaving if each.name in over),
    )
    last = {name: each for name, each in guards.items() if naming or not names_nodes(each)}
    rest = (each for each in leaving if each.name not in over and (naming or not names_nodes(each.body)))
    return (*first, *served, *_changes({**before, **between}, last), *rest)


def _changes(before: Slices, after: Slices) -> Iterator[Write]:
    for name, body in after.items():
        if name not in before:
            yield Write("create", body)
        elif not same_content(before[name], body):
            yield Write("update", body)


def _loss(write: Write, before: Slices) -> int:
    """How many endpoints a write takes away; below zero where it adds some."""
    had = (before.get(write.name) or {}).get("endpoints") or ()
    return len(had) - len(write.body["endpoints"])


def _between(before: Slices, guards: Slices) -> dict[str, Mapping[str, Any]]:
    """The slices of sentinels while real endpoints are written: those that name zones with old and new ones, those that
    name nodes without any that shall be named no more."""
    found: dict[str, Mapping[str, Any]] = {
        name: _widened(each, before.get(name)) for name, each in guards.items() if not names_nodes(each)
    }
    still: dict[str, frozenset[tuple[str, str]]] = {}
    for body in guards.values():
        for node in _names(body, "forNodes") if names_nodes(body) else ():
            still[node] = _ports(body)
    for name, body in before.items():
        if sentinel_number(body) and names_nodes(body):
            ports = _ports(body)
            found[name] = _shed(body, {node for node, others in still.items() if others >= ports})
    return found


def _names(body: Mapping[str, Any], kind: str) -> Iterator[str]:
    for each in body.get("endpoints") or ():
        yield from hint_names(each, kind)


def _ports(body: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((each.get("name") or "", each.get("protocol") or "TCP") for each in body.get("ports") or ())


def _widened(body: Mapping[str, Any], live: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A slice whose sentinels also have the zones they have now, and that also has the sentinels it has now."""
    if live is None or same_content(live, body):
        return body
    had = {each["addresses"][0]: each for each in live.get("endpoints") or ()}
    endpoints = [_with_zones(each, had.pop(each["addresses"][0], None)) for each in body["endpoints"]]
    return {**body, "endpoints": [*endpoints, *had.values()]}


def _with_zones(sentinel: Mapping[str, Any], live: Mapping[str, Any] | None) -> Mapping[str, Any]:
    zones = dict.fromkeys([*hint_names(sentinel, "forZones"), *hint_names(live or {}, "forZones")])
    several = sorted(list(zones)[:MAX_HINTS])
    return {**sentinel, "hints": {**sentinel["hints"], "forZones": named(several)}}


def _shed(body: Mapping[str, Any], nodes: set[str]) -> Mapping[str, Any]:
    """A slice whose sentinels name these nodes only. One that names zones has no part in it."""
    kept = []
    for each in body.get("endpoints") or ():
        left = [node for node in hint_names(each, "forNodes") if node in nodes]
        if left:
            kept.append({**each, "hints": {**each["hints"], "forNodes": named(left)}})
        elif any(not zone.startswith(NO_ZONE) for zone in hint_names(each, "forZones")):
            kept.append(each)
    return {**body, "endpoints": kept}
