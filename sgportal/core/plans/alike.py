"""Children of one template are alike but for their names and their NodeUnit, so what is asked of a child and its live
object is worked out once for all pairs that are alike.

Every answer about a pair depends on the fields that `likeness` keeps, and on no other. That holds for what compares
labels, annotations, owner references and specs, and says by whom they were set; not for what reads a name or a status.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import orjson

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
    selector that is live as it is wanted. None for what cannot be written as JSON."""
    want, have = wanted["spec"], live.get("spec") or {}
    if (selector := _node_selector(want)) and selector == _node_selector(have):
        want, have = _without_node_selector(want), _without_node_selector(have)
    try:
        return orjson.dumps((wanted["kind"], _metadata(wanted), want, _metadata(live), have, list(_entries(live))))
    except TypeError:
        return None


def _metadata(body: Body) -> dict[str, Any]:
    return {name: value for name, value in body["metadata"].items() if name not in _OF_ONE_OBJECT}


def _node_selector(spec: Body) -> Any:
    pod = (spec.get("template") or {}).get("spec") or {}
    return pod.get("nodeSelector")


def _without_node_selector(spec: Body) -> dict[str, Any]:
    pod = {**spec["template"]["spec"], "nodeSelector": None}
    return {**spec, "template": {**spec["template"], "spec": pod}}


def _entries(live: Body) -> Iterator[dict[str, Any]]:
    """The managers' entries, where of their times only the order counts."""
    entries = entries_of(live)
    times = sorted({str(each.get("time") or "") for each in entries})
    for each in entries:
        yield {**each, "time": times.index(str(each.get("time") or ""))}
