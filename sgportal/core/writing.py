"""In which order the slices of a Service are written, so that traffic stays closed after every single write."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .hints import hint_names, named
from .places import MAX_HINTS
from .slices import Body, is_kept, same_content, sentinel_number


@dataclass(frozen=True, slots=True)
class Write:
    """One write of an EndpointSlice. `body` is what it shall be (create, update) or was (delete)."""

    verb: Literal["create", "update", "delete"]
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The slice's name."""
        return str(self.body["metadata"]["name"])


def writes(live: Iterable[Mapping[str, Any]], wanted: Sequence[Body]) -> tuple[Write, ...]:
    """What makes the live slices that we keep agree with `wanted`; those of others are left alone.

    Sentinels come first with every zone they had or shall have, then real endpoints, those that gain any before those
    that lose any, then the sentinels shed what they need no more: at no moment is a node named by nobody.
    """
    before = {each["metadata"]["name"]: each for each in live if is_kept(each)}
    after = {each["metadata"]["name"]: each for each in wanted}
    guards = {name: each for name, each in after.items() if sentinel_number(each)}
    reals = {name: each for name, each in after.items() if name not in guards}
    widened = {name: _widened(each, before.get(name)) for name, each in guards.items()}
    gone = [each for name, each in before.items() if name not in after]
    return (
        *_changes(before, widened),
        *sorted(_changes(before, reals), key=lambda write: _loss(write, before)),
        *(Write("delete", each) for each in gone if not sentinel_number(each)),
        *_changes({**before, **widened}, guards),
        *(Write("delete", each) for each in gone if sentinel_number(each)),
    )


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
