"""Objects as they are stored, read so that those which are alike share what is the same in them.

Children of one template differ in a few texts: their name, uid and version, the name of their NodeUnit, and times.
Their JSON without these is their shape. It is parsed once, and each object of it is that with its own texts put in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson

from ...overrides.form import NOWHERE, Tree

_MARK = "\x7f"  # JSON may contain it: then nothing is put in its place
_UNIT, _UID, _VERSION, _TIME = (_MARK + each for each in "uivt")
_ESCAPED = "\\u007"
_A_TIME = re.compile(r'"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)"')


# What is at the end of a way into a value, by its step and its index among texts, and where the ways go on.
_Ways = tuple[tuple[tuple[Any, int], ...], tuple[tuple[Any, Any], ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What objects have in common: `value` has these `texts`, in which marks stand for an object's own, at the places
    of a `tree`, in order. Of the texts, those at `mixed` are more than a mark, those at `times` are a time each."""

    value: Any
    tree: Tree
    texts: Sequence[str]
    mixed: Sequence[int]
    times: Sequence[int]
    ways: _Ways

    def filled(self, own: Mapping[str, str], times: Sequence[str]) -> Any:
        """The object with these texts in place of the marks of all but times, and these times."""
        texts = [own.get(text, text) for text in self.texts]
        for index in self.mixed:
            for mark, text in own.items():  # the unit, which was marked last, first
                texts[index] = texts[index].replace(mark, text)
        for index, time in zip(self.times, times, strict=True):
            texts[index] = time
        return _put(self.value, self.ways, texts)


def _put(value: Any, ways: _Ways, texts: Sequence[str]) -> Any:
    """The value with texts at the ends of all ways. What is not on a way is the same object."""
    found = value.copy()
    for step, index in ways[0]:
        found[step] = texts[index]
    for step, inner in ways[1]:
        found[step] = _put(found[step], inner, texts)
    return found


class Shared(dict[str, Any]):
    """An object that shares with others of its `shape` all but texts at the places of the shape's tree, so nobody
    changes it. What is put beside it under a further key (its status) is no part of the shape."""

    __slots__ = ("shape",)
    shape: Shape


class Reader:
    """Reads objects. Of a shape that only one has, no more is remembered than its hash."""

    def __init__(self) -> None:
        self._once: set[int] = set()
        self._shapes: dict[str, Shape | None] = {}

    def read(self, text: str, unit: str, uid: str, version: str) -> dict[str, Any]:
        """The object of a JSON text, where `unit` ("" for none), its uid and its resourceVersion are its own. The same
        as parsing it. Raises ValueError for what is no JSON."""
        if _MARK in text or _ESCAPED in text:
            return dict(orjson.loads(text))
        colon = '": "' if '": "' in text else '":"'
        parts = _A_TIME.split(text)
        marked = f'"{_TIME}"'.join(parts[::2])
        for name, own, mark in (("uid", uid, _UID), ("resourceVersion", version, _VERSION)):
            if own:
                marked = marked.replace(f'"{name}{colon}{own}"', f'"{name}{colon}{mark}"', 1)
        if len(unit) > 1:  # a single letter is in marks, too
            marked = marked.replace(unit, _UNIT)
        shape = self._shape(marked)
        if shape is None:
            return dict(orjson.loads(text))
        found = Shared(shape.filled({_UNIT: unit, _UID: uid, _VERSION: version}, parts[1::2]))
        found.shape = shape
        return found

    def _shape(self, marked: str) -> Shape | None:
        """The shape of a marked text, None for the first of a shape, and where a mark is anywhere but in a text."""
        if marked in self._shapes:
            return self._shapes[marked]
        if (mark := hash(marked)) not in self._once:
            self._once.add(mark)
            return None
        return self._shapes.setdefault(marked, _shape_of(marked))


def _shape_of(marked: str) -> Shape | None:
    """None where a mark is part of a name, a number or an escape, for what it stands for is no text then; or a time
    part of a text."""
    try:
        value = orjson.loads(marked)
    except orjson.JSONDecodeError:
        return None
    texts: list[str] = []
    tree = _where(value, texts) or NOWHERE
    times = [index for index, text in enumerate(texts) if text == _TIME]
    if sum(each.count(_MARK) for each in texts) != marked.count(_MARK) or len(times) != marked.count(_TIME):
        return None
    mixed = [index for index, text in enumerate(texts) if text not in (_UNIT, _UID, _VERSION, _TIME)]
    return Shape(value, tree, texts, mixed, times, _ways(tree, count()))


def _ways(tree: Tree, numbers: Iterator[int]) -> _Ways:
    """A tree as `_put` goes through it; its ends are numbered in its order."""
    ends, inner = [], []
    for step, further in tree.items():
        if further is None:
            ends.append((step, next(numbers)))
        else:
            inner.append((step, _ways(further, numbers)))
    return tuple(ends), tuple(inner)


def _where(value: Any, texts: list[str]) -> Tree | None:
    """The tree of all texts with marks, which are appended in its order, None where there are none."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: dict[Any, Tree | None] = {}
    for step, each in steps:
        if isinstance(each, str):
            if _MARK in each:
                found[step] = None
                texts.append(each)
        elif inner := _where(each, texts):
            found[step] = inner
    return found or None
