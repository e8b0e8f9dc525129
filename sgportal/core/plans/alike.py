"""Children of one template are alike but for their names and their NodeUnit, so what is asked of a child and its live
object is worked out once for all pairs that are alike.

Every answer about a pair depends on the fields that `likeness` keeps, and on no other. That holds for what compares
labels, annotations, owner references and specs, and says by whom they were set; not for what reads a name or a status.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import orjson

from ..names import UNIT
from ..overrides.form import NOWHERE, Tree
from ..ownership.managed_fields import entries_of

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


def once_for_alike(answer: Callable[[Body, Body], Answer]) -> Callable[..., Answer]:
    """`answer(wanted, live)`, worked out once for all pairs that are alike. A third argument is the tree of where in
    the wanted spec there are texts that differ per unit: what is live as it is wanted there makes no difference, unless
    the answer repeats it."""
    known: dict[bytes, Answer] = {}
    trees: dict[int, tuple[Tree, Tree]] = {}  # by identity: there are few, each for many children

    def answered(wanted: Body, live: Body, varying: Tree = NOWHERE) -> Answer:
        if id(varying) not in trees:
            trees[id(varying)] = varying, _merged(OF_ONE_UNIT, {1: varying})
        mark = likeness(wanted, live, trees[id(varying)][1])
        if mark is None:
            return answer(wanted, live)
        if mark not in known:
            found = answer(wanted, live)
            if _repeats(found, set(_texts(wanted["spec"], varying))):
                return found
            known[mark] = found
        return known[mark]

    return answered


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
    entries = entries_of(live)
    times = sorted({str(each.get("time") or "") for each in entries})
    for each in entries:
        yield {**each, "time": times.index(str(each.get("time") or ""))}
