"""Children of one template are alike but for their names and their NodeUnit, so what is asked of a child and its live
object is worked out once for all pairs that are alike.

Every answer about a pair depends on the fields that `likeness` keeps, and on no other. That holds for what compares
labels, annotations, owner references and specs, and says by whom they were set; not for what reads a name or a status.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from ..names import UNIT
from ..ownership.managed_fields import entries_of

Body = Mapping[str, Any]
Answer = TypeVar("Answer")
# Of metadata: each object has its own, and the API server strips it from what managers set (its managedFields).
_OF_ONE_OBJECT = {"name", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}


def once_for_alike(answer: Callable[[Body, Body], Answer]) -> Callable[[Body, Body], Answer]:
    """`answer(wanted, live)`, worked out once for all pairs that are alike."""
    known: dict[bytes, Answer] = {}

    def answered(wanted: Body, live: Body) -> Answer:
        mark = likeness(wanted, live)
        if mark is None:
            return answer(wanted, live)
        if mark not in known:
            known[mark] = answer(wanted, live)
        return known[mark]

    return answered


def likeness(wanted: Body, live: Body) -> bytes | None:
    """The same for pairs that are alike: the same fields, values and managers, but for their names and for a node
    selector and labels of a unit that are live as they are wanted. None for what cannot be written as JSON."""
    want, have = (_metadata(wanted), wanted["spec"]), (_metadata(live), live.get("spec") or {})
    for place in _OF_ONE_UNIT:
        want, have = _without_same(want, have, place)
    try:
        return orjson.dumps((wanted["kind"], want, have, list(_entries(live))))
    except TypeError:
        return None


# Where a child says which unit it is for: a step into the pair of metadata and spec, then into what is there.
_OF_ONE_UNIT: tuple[tuple[Any, ...], ...] = (
    (0, "labels", UNIT),
    (1, "selector", "matchLabels", UNIT),
    (1, "template", "metadata", "labels", UNIT),
    (1, "template", "spec", "nodeSelector"),
)


def _metadata(body: Body) -> dict[str, Any]:
    return {name: value for name, value in body["metadata"].items() if name not in _OF_ONE_OBJECT}


def _without_same(want: Any, have: Any, place: Sequence[Any]) -> tuple[Any, Any]:
    """Both without what is at this place, if it is the same in both."""
    value = _at(want, place)
    if value is None or value != _at(have, place):
        return want, have
    return _without(want, place), _without(have, place)


def _at(body: Any, place: Sequence[Any]) -> Any:
    for step in place:
        if not isinstance(body, dict | tuple):
            return None
        body = body.get(step) if isinstance(body, dict) else body[step]
    return body


def _without(body: Any, place: Sequence[Any]) -> Any:
    step, *rest = place
    if isinstance(body, tuple):
        return tuple(_without(each, rest) if index == step else each for index, each in enumerate(body))
    return {**body, step: _without(body[step], rest) if rest else None}


def _entries(live: Body) -> Iterator[dict[str, Any]]:
    """The managers' entries, where of their times only the order counts."""
    entries = entries_of(live)
    times = sorted({str(each.get("time") or "") for each in entries})
    for each in entries:
        yield {**each, "time": times.index(str(each.get("time") or ""))}
