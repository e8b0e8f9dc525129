"""How two manifests differ, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..text import pointer


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs: its JSON pointer, and its value in either (None: absent)."""

    path: str
    old: Any
    new: Any


def changes_between(before: Any, after: Any, where: str = "") -> Iterator[FieldChange]:
    """The fields that differ, each as deep as it can be told. Lists of the same length are compared entry by entry,
    others as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from changes_between(before.get(name), after.get(name), where + pointer(name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from changes_between(old, new, where + pointer(index))
    elif before != after or type(before) is not type(after):
        yield FieldChange(where, before, after)
