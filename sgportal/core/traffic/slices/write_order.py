"""In which order the slices of a Service are written, so that traffic stays closed after every single write."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .hints import hint_names, named
from .slices import Body, is_kept, same_content, sentinel_number
from .topology import MAX_HINTS


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
    live: Iterable[Mapping[str, Any]], wanted: Sequence[Body], was_closed: bool = True, stays_closed: bool = True
) -> tuple[Write, ...]:
    """What makes the live slices that we keep agree with `wanted`; those of others are left alone.

    Sentinels come first with every zone they had or shall have, then real endpoints, those that gain any before those
    that lose any, then the sentinels shed what they need no more: at no moment is a node named by nobody.

    A node that may go beyond its unit before (`was_closed` is False) or after (`stays_closed` is False), and is served
    both ways, must meet no sentinel on the way: they come last then, or go first.
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
    widened = {name: _widened(each, before.get(name)) for name, each in guards.items()}
    return (*_changes(before, widened), *served, *_changes({**before, **widened}, guards), *leaving)


def _changes(before: Mapping[str, Any], after: Mapping[str, Body]) -> Iterator[Write]:
    for name, body in after.items():
        if name not in before:
            yield Write("create", body)
        elif not same_content(before[name], body):
            yield Write("update", body)


def _loss(write: Write, before: Mapping[str, Any]) -> int:
    """How many endpoints a write takes away; below zero where it adds some."""
    had = (before.get(write.name) or {}).get("endpoints") or ()
    return len(had) - len(write.body["endpoints"])


def _widened(body: Body, live: Mapping[str, Any] | None) -> Body:
    """A sentinel's slice that also has the zones it has now."""
    sentinel = body["endpoints"][0]
    have = [zone for each in (live or {}).get("endpoints") or () for zone in hint_names(each, "forZones")]
    zones = list(dict.fromkeys([*hint_names(sentinel, "forZones"), *have]))[:MAX_HINTS]
    return {**body, "endpoints": [{**sentinel, "hints": {**sentinel["hints"], "forZones": named(sorted(zones))}}]}
