"""Fields of an object, named as the API server names them, and patterns that choose some.

A field is a tuple of the steps of FieldsV1 (Kubernetes "Server-Side Apply"): `f:<name>` into an object, `k:<keys as
JSON>` to an entry of a list that is merged by these keys. A list that is not merged so is one field, as a whole.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..kubernetes_fields import LIST_KEYS
from ..text import pointer

Field = tuple[str, ...]
NAMED = 5  # of many fields, so many are named

# What the specs of children consist of, where lists are merged by keys. Two kinds of lists have the name `ports`.
_PARTS = ("ObjectMeta", "PodSpec", "Container", "ResourceRequirements")
_MERGED = {name: keys for part in _PARTS for name, keys in LIST_KEYS[part].items() if keys}
_SERVICE_PORTS = LIST_KEYS["ServiceSpec"]["ports"]
_LIST_KEYS = {name: tuple(key for key, _ in keys) for name, keys in _MERGED.items()}
_SERVICE_KEYS: dict[Field, tuple[str, ...]] = {("f:spec", "f:ports"): tuple(key for key, _ in _SERVICE_PORTS)}
_DEFAULTS = {
    key: default for keys in (*_MERGED.values(), _SERVICE_PORTS) for key, default in keys if default is not None
}
ATOMIC_MAPS = frozenset(("nodeSelector", "matchLabels"))  # the API server owns and replaces each as one value
SELECTOR_FIELD: Field = ("f:spec", "f:selector")
ONE_VALUE = frozenset((SELECTOR_FIELD,))  # of a Service
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def list_keys(field: Field) -> tuple[str, ...]:
    """The keys by which the API server merges the list that a field is; () for a list that it takes as a whole."""
    return _SERVICE_KEYS.get(field) or _LIST_KEYS.get(field[-1][2:] if field else "", ())


def entry_step(entry: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The step to an entry of a list that is merged by `keys`."""
    return _step_of(tuple((key, entry.get(key, _DEFAULTS.get(key))) for key in keys))


@lru_cache(maxsize=16384)
def _step_of(pairs: tuple[tuple[str, Any], ...]) -> str:
    found = {key: value for key, value in sorted(pairs) if value is not None}
    return "k:" + json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def has_keys(entry: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    """Whether an entry of a list is the one with these keys."""
    return all(entry.get(key, _DEFAULTS.get(key)) == value for key, value in keys.items())


@lru_cache(maxsize=4096)
def keys_in(step: str) -> Mapping[str, Any]:
    """The keys that a `k:` step holds."""
    found: Mapping[str, Any] = json.loads(step[2:])
    return found


def place_of(field: Field, body: Any) -> str:
    """The JSON pointer (RFC 6901) of a field in an object, `/-` for an entry that its list does not have."""
    parts: list[str | int] = []
    for step in field:
        if step.startswith("f:"):
            parts.append(step[2:])
            body = body.get(step[2:]) if isinstance(body, dict) else None
        else:
            entries = body if isinstance(body, list) else []
            index = next((i for i, each in enumerate(entries) if has_keys(each, keys_in(step))), None)
            parts.append("-" if index is None else index)
            body = None if index is None else entries[index]
    return pointer(*parts)


@lru_cache(maxsize=10_000)
def in_words(field: Field) -> str:
    """A field as people and `spec.ignoreDifferences` write it, `spec.template.spec.containers[name="c"].image`."""
    return "".join(_in_words(step) for step in field).removeprefix(".")


def _in_words(step: str) -> str:
    if step.startswith("f:"):
        name = step[2:]
        return f".{name}" if _PLAIN_NAME.fullmatch(name) else f"[{json.dumps(name, ensure_ascii=False)}]"
    if step.startswith("k:"):
        pairs = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in keys_in(step).items())
        return f"[{','.join(pairs)}]"
    return f"[={step[2:]}]"


@dataclass(frozen=True, slots=True)
class Entry:
    """A part of a pattern: the entries of a list that have these values."""

    keys: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Anything:
    """A part of a pattern: whatever is there."""


Part = str | int | Entry | Anything
Pattern = tuple[Part, ...]
ANY = Anything()


def fits(pattern: Pattern, field: Field) -> bool:
    """Whether a pattern (without numbers, see `resolved`) means this field or something that holds it."""
    return len(pattern) <= len(field) and all(map(_fits, pattern, field))


def touches(pattern: Pattern, field: Field) -> bool:
    """Whether a pattern means this field, something that holds it, or something within it."""
    return all(map(_fits, pattern, field))


def _fits(part: Part, step: str) -> bool:
    if part is ANY:
        return True
    if isinstance(part, str):
        return step == f"f:{part}"
    if not isinstance(part, Entry) or not step.startswith("k:"):
        return False
    keys = keys_in(step)
    return all(keys.get(key) == value for key, value in part.keys)


def pattern_of(field: Field) -> Pattern:
    """The pattern that means just this field."""
    return tuple(each[2:] if each.startswith("f:") else Entry(tuple(keys_in(each).items())) for each in field)


def resolved(pattern: Pattern, body: Any, field: Field = ()) -> Pattern | None:
    """The pattern with each number replaced by what identifies that entry in `body`; None where there is no such
    entry, and so nothing that it means."""
    if not pattern or not any(isinstance(part, int) for part in pattern):
        return pattern
    head, rest = pattern[0], pattern[1:]
    if isinstance(head, int):
        entries = body if isinstance(body, list | tuple) else ()
        if head >= len(entries) or not list_keys(field):
            return None
        step = entry_step(entries[head], list_keys(field))
        inner = resolved(rest, entries[head], (*field, step))
        return None if inner is None else (Entry(tuple(keys_in(step).items())), *inner)
    step, found = next(_choices(head, body, field), ("", None))
    inner = resolved(rest, found, (*field, step))
    return None if inner is None else (head, *inner)


def _choices(part: Part, body: Any, field: Field) -> Iterator[tuple[str, Any]]:
    return ((step, value) for step, value in within(body, field) if _fits(part, step))


def within(body: Any, field: Field) -> Iterator[tuple[str, Any]]:
    """The steps from the value of a field to what is in it, each with its value; none into an atomic list."""
    if isinstance(body, dict):
        yield from ((f"f:{name}", value) for name, value in body.items())
    elif isinstance(body, list | tuple) and (keys := list_keys(field)):
        yield from ((entry_step(entry, keys), entry) for entry in body)


def value_at(body: Any, field: Field) -> Any:
    """The value of a field; None where there is none. What is in an atomic list cannot be asked for."""
    for step in field:
        if isinstance(body, dict):
            body = body.get(step[2:]) if step.startswith("f:") else None
        elif isinstance(body, list | tuple) and step.startswith("k:"):
            body = next((each for each in body if has_keys(each, keys_in(step))), None)
        else:
            return None
    return body


def listed(fields: Iterable[Field]) -> str:
    """Fields in words; of many the first few."""
    names = list(dict.fromkeys(map(in_words, fields)))
    return ", ".join(names[:NAMED] + ([f"… (+{len(names) - NAMED})"] if len(names) > NAMED else []))


def without(body: Any, patterns: Sequence[Pattern], field: Field = ()) -> Any:
    """A copy of `body` without what the patterns mean."""
    if not patterns:
        return body
    kept = []
    for step, value in within(body, field):
        rest = [each[1:] for each in patterns if _fits(each[0], step)]
        if all(rest):
            kept.append((step, without(value, rest, (*field, step))))
    if isinstance(body, dict):
        return {step[2:]: value for step, value in kept}
    return [value for _, value in kept] if list_keys(field) else body
