"""Objects as they are stored, read so that those which are alike share what is the same in them.

Children of one template differ in a few texts: their name, uid and version, the name of their NodeUnit, and times.
Their JSON without these is their shape. It is parsed once, and each object of it is that with its own texts put in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ...overrides.form import NOWHERE, Tree, put

_MARK = "\x7f"  # JSON may contain it: then nothing is put in its place
_UNIT, _UID, _VERSION, _TIME = (_MARK + each for each in "uivt")
_ESCAPED = "\\u007"
_A_TIME = re.compile(r'"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)"')


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What objects have in common: `value` has these `texts`, in which marks stand for an object's own, at the places
    of a `tree`, in order."""

    value: Any
    tree: Tree
    texts: Sequence[str]


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
        if unit:
            marked = marked.replace(unit, _UNIT)
        shape = self._shape(marked)
        if shape is None:
            return dict(orjson.loads(text))
        own_texts = {_UNIT: unit, _UID: uid, _VERSION: version}
        found = Shared(put(shape.value, shape.tree, _texts(shape.texts, own_texts, iter(parts[1::2]))))
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
    """None where a mark is part of a name, a number or an escape: it stands for what is no text then."""
    try:
        value = orjson.loads(marked)
    except orjson.JSONDecodeError:
        return None
    texts: list[str] = []
    tree = _where(value, texts)
    if sum(each.count(_MARK) for each in texts) != marked.count(_MARK):
        return None
    return Shape(value, tree or NOWHERE, texts)


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


def _texts(forms: Sequence[str], own: Mapping[str, str], times: Iterator[str]) -> Iterator[str]:
    """The texts of one object, in the same order."""
    for form in forms:
        if form in own:
            yield own[form]
            continue
        for mark, text in own.items():  # the unit, which was marked last, first
            form = form.replace(mark, text)
        while _TIME in form:
            form = form.replace(_TIME, next(times), 1)
        yield form
