"""Children of one template are alike but for their names and their NodeUnit, so what is asked of a child and its live
object is worked out once for all pairs that are alike.

Every answer about a pair depends on the fields that `likeness` keeps, and on no other. That holds for what compares
labels, annotations, owner references and specs, and says by whom they were set; not for what reads a name or a status.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from typing import Any, TypeVar

import orjson

from ..grids.grid import GridSpec
from ..names import UNIT
from ..overrides.form import NOWHERE, Tree
from ..ownership.ignored import Ignored
from ..ownership.managed_fields import entries_of
from .per_unit.shared import Shape, Shared

MOST_KEPT = 4  # answers about the children of one grid, between two plans
Body = Mapping[str, Any]
Answer = TypeVar("Answer")
# Where a child says which unit it is for, in the pair of its metadata and its spec.
OF_ONE_UNIT: Tree = {
    0: {"labels": {UNIT: None}},
    1: {
        "selector": {"matchLabels": {UNIT: None}},
        "template": {"metadata": {"labels": {UNIT: None}}, "spec": {"nodeSelector": None}},
    },
}
_LISTS = (list, tuple)
# Of metadata: each object has its own, and the API server strips it from what managers set (its managedFields).
_OF_ONE_OBJECT = {"name", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}


def once_for_alike(answer: Callable[[Body, Body], Answer], most: int | None = None) -> Callable[..., Answer]:
    """`answer(wanted, live)`, worked out once for all pairs that are alike. A third argument is the tree of where in
    the wanted spec there are texts that differ per unit: what is live as it is wanted there makes no difference, unless
    the answer repeats it. A fourth (`make`, None for unknown) is the same for wanted bodies that differ in nothing but
    those texts, their name and their unit. No more than `most` answers are remembered, nor of so many trees."""
    known: dict[Hashable, Answer] = {}
    places = _Places()

    def answered(wanted: Body, live: Body, varying: Tree = NOWHERE, make: Hashable = None) -> Answer:
        nonlocal places
        if most is not None and places.trees > most:
            places = _Places()
        tree = places.of_wanted(varying)
        if make is not None and isinstance(live, Shared):
            texts = _texts_apart(wanted, live, tree, places.of_others(live.shape, varying, tree))
            mark: Hashable = None if texts is None else (make, live.shape, *texts)
        else:
            mark = likeness(wanted, live, tree)
        if mark is None:
            return answer(wanted, live)
        if (before := known.get(mark)) is not None:
            return before
        found = answer(wanted, live)
        if not _repeats(found, set(_texts(wanted["spec"], varying))):
            if len(known) == most:
                known.clear()
            known[mark] = found
        return found

    return answered


def comparing(
    compare: Callable[[Sequence[Ignored], Body, Body], Answer], spec: GridSpec, live: Iterable[Body]
) -> Callable[..., Answer]:
    """`compare` of a grid's children with what is `live`, once for all that are alike. Of plain objects, as a worker
    has a few of them again and again, what was found is kept with the grid for the next plan."""
    if any(isinstance(each, Shared) for each in live):
        return once_for_alike(partial(compare, spec.ignored))
    if compare not in spec.made:
        spec.made[compare] = once_for_alike(partial(compare, spec.ignored), MOST_KEPT)
    found: Callable[..., Answer] = spec.made[compare]
    return found


@dataclass(slots=True)
class _Places:
    """Trees of places, by the identity of what they are made from: there are few, each for many children."""

    _wanted: dict[int, tuple[Tree, Tree]] = field(default_factory=dict)
    _others: dict[tuple[Shape, int], Tree] = field(default_factory=dict)

    @property
    def trees(self) -> int:
        """How many are kept."""
        return len(self._wanted)

    def of_wanted(self, varying: Tree) -> Tree:
        """Where children of one make differ, in the pair of metadata and spec."""
        if id(varying) not in self._wanted:
            self._wanted[id(varying)] = varying, _merged(OF_ONE_UNIT, {1: varying})
        return self._wanted[id(varying)][1]

    def of_others(self, shape: Shape, varying: Tree, tree: Tree) -> Tree:
        """Where else live objects of a shape differ, in that pair, times of managers aside."""
        mark = shape, id(varying)
        if mark not in self._others:
            metadata, spec = _inner(shape.tree, "metadata"), _inner(shape.tree, "spec")
            managers = _inner(metadata, "managedFields")
            times: Tree = {step: {"time": None} for step in managers}
            apart = _besides(metadata, dict.fromkeys(_OF_ONE_OBJECT))
            apart |= _besides({"managedFields": managers}, {"managedFields": times}) if managers else {}
            self._others[mark] = _besides({0: apart, 1: spec}, tree)
        return self._others[mark]


def _inner(tree: Tree, step: str) -> Tree:
    return tree.get(step) or NOWHERE


def _besides(places: Tree, tree: Tree) -> dict[Any, Tree | None]:
    """The places that no way of a tree leads to."""
    found: dict[Any, Tree | None] = {}
    for step, inner in places.items():
        if step not in tree:
            if inner != NOWHERE:
                found[step] = inner
        elif inner is not None and (others := tree[step]) is not None and (left := _besides(inner, others)):
            found[step] = left
    return found


def _texts_apart(wanted: Body, live: Shared, tree: Tree, others: Tree) -> list[Hashable] | None:
    """What makes a pair another than those of the same make and shape: what is not as it is wanted at the places of a
    tree, the live texts at those of `others`, the order in which managers wrote. None for what is no JSON."""
    want, have = (wanted["metadata"], wanted["spec"]), (live["metadata"], live.get("spec") or {})
    found: list[Hashable] = [*_order(live)]
    try:
        _add_unlike(want, have, tree, found)
    except TypeError:
        return None
    return found + list(_texts(have, others)) if others else found


def _add_unlike(want: Any, have: Any, tree: Tree, found: list[Hashable]) -> None:
    """Add, for each place of a tree, what is wanted and live there, or on the way there; None where that is the same.
    Raises TypeError for what is no JSON."""
    if isinstance(want, dict) and isinstance(have, dict):
        for step, inner in tree.items():
            left, right = want.get(step), have.get(step)
            if inner is not None:
                _add_unlike(left, right, inner, found)
            else:
                found.append(None if left == right and left is not None else orjson.dumps((left, right)))
    elif isinstance(want, _LISTS) and isinstance(have, _LISTS):
        for step, inner in tree.items():
            left = want[step] if step < len(want) else None
            right = have[step] if step < len(have) else None
            if inner is not None:
                _add_unlike(left, right, inner, found)
            else:
                found.append(None if left == right and left is not None else orjson.dumps((left, right)))
    else:
        found.append(orjson.dumps((want, have)))


def likeness(wanted: Body, live: Body, tree: Tree) -> bytes | None:
    """The same for pairs that are alike: the same fields, values and managers, but for their names and for what is live
    as it is wanted at the places of a `tree` in the pair of metadata and spec. None for what cannot be written as
    JSON."""
    want, have = (_metadata(wanted), wanted["spec"]), (_metadata(live), live.get("spec") or {})
    want, have = _without_same(want, have, tree)
    try:
        return orjson.dumps((wanted["kind"], want, have, list(_entries(live))))
    except TypeError:
        return None


def _metadata(body: Body) -> dict[str, Any]:
    return {name: value for name, value in body["metadata"].items() if name not in _OF_ONE_OBJECT}


def _without_same(want: Any, have: Any, tree: Tree) -> tuple[Any, Any]:
    """Both without what is at these places, as far as it is there and the same in both."""
    if isinstance(want, dict) and isinstance(have, dict):
        steps = [each for each in tree.items() if each[0] in want and each[0] in have]
        want, have = want.copy(), have.copy()
    elif isinstance(want, _LISTS) and isinstance(have, _LISTS):
        steps = [each for each in tree.items() if each[0] < len(want) and each[0] < len(have)]
        want, have = list(want), list(have)
    else:
        return want, have
    for step, inner in steps:
        if inner is not None:
            want[step], have[step] = _without_same(want[step], have[step], inner)
        elif want[step] is not None and want[step] == have[step]:
            want[step] = have[step] = None
    return want, have


def _merged(first: Tree | None, second: Tree | None) -> Any:
    """The places of both trees; what is at the end of one is as a whole."""
    if first is None or second is None:
        return None
    inner = {step: _merged(first[step], second[step]) for step in first.keys() & second.keys()}
    return {**first, **second, **inner}


def _texts(value: Any, tree: Tree) -> Iterator[str]:
    """The texts at these places."""
    for step, inner in tree.items():
        if inner is None:
            yield value[step]
        else:
            yield from _texts(value[step], inner)


def _repeats(answer: Any, texts: Collection[str]) -> bool:
    """Whether one of some texts is anywhere in an answer."""
    if not texts:
        return False
    if isinstance(answer, str):
        return any(text in answer for text in texts)
    if is_dataclass(answer):
        return any(_repeats(getattr(answer, each.name), texts) for each in fields(answer))
    if isinstance(answer, Mapping):
        return _repeats(list(answer), texts) or _repeats(list(answer.values()), texts)
    return isinstance(answer, Iterable) and any(_repeats(each, texts) for each in answer)


def _entries(live: Body) -> Iterator[dict[str, Any]]:
    """The managers' entries, where of their times only the order counts."""
    for each, order in zip(entries_of(live), _order(live), strict=True):
        yield {**each, "time": order}


def _order(live: Body) -> list[int]:
    """Which of the managers' entries is how late."""
    times = [str(each.get("time") or "") for each in entries_of(live)]
    if len(times) == 1:
        return [0]
    order = sorted(set(times))
    return [order.index(each) for each in times]
