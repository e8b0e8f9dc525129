"""Who set which field of a live object: `metadata.managedFields` (Kubernetes "Server-Side Apply", FieldsV1)."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..names import FIELD_MANAGER
from .field_paths import ATOMIC_MAPS, ONE_VALUE, Field, keys_in, value_at

Fields = Mapping[str, Any]
Body = Mapping[str, Any]
_ATOMIC: Fields = {}
_SCALER = "kube-controller-manager"  # as a HorizontalPodAutoscaler's controller appears in managedFields


def entries_of(body: Body) -> list[Body]:
    """The entries of `managedFields` that are about the object itself or its scale, not its status."""
    return [each for each in body["metadata"].get("managedFields") or () if each.get("subresource") != "status"]


def is_ours(entry: Body) -> bool:
    """Whether an entry is the portal's own."""
    return entry.get("manager") == FIELD_MANAGER and not entry.get("subresource")


def is_applied(entry: Body) -> bool:
    """Whether an entry is what the portal applied: what the next apply leaves out of it, the API server removes."""
    return is_ours(entry) and entry.get("operation") == "Apply"


def name_of(entry: Body) -> str:
    """An entry's manager, as people know it."""
    manager = str(entry.get("manager") or "unknown")
    if manager == _SCALER and entry.get("subresource") == "scale":
        return f"HorizontalPodAutoscaler ({manager})"
    return manager


def node_at(fields: Fields, field: Field) -> Fields | None:
    """What a set of fields says of a field: what of it is in the set, {} where it is in it as a whole; None where it is
    not in the set."""
    node = fields
    for depth, step in enumerate(field):
        inner = _inner(node, step)
        if inner is None:
            return _ATOMIC if depth and node == _ATOMIC else None
        node = inner
    return node


def _inner(node: Fields, step: str) -> Fields | None:
    inner: Fields | None = node.get(step)
    if inner is None and step.startswith("k:"):  # the API server may escape in a way of its own
        keys = keys_in(step)
        inner = next((each for name, each in node.items() if name.startswith("k:") and keys_in(name) == keys), None)
    return inner


def setters(body: Body, field: Field, others_only: bool = True) -> tuple[str, ...]:
    """The managers that set a field or anything in it, the latest first; the portal is none of them unless it is
    asked for."""
    found = [
        (str(each.get("time") or ""), name_of(each))
        for each in entries_of(body)
        if not (others_only and is_ours(each)) and node_at(each.get("fieldsV1") or {}, field) is not None
    ]
    return tuple(dict.fromkeys(name for _, name in sorted(found, reverse=True)))


def leaves(fields: Fields, field: Field = ()) -> Iterator[Field]:
    """The fields of a set that hold no other."""
    inner = {step: each for step, each in fields.items() if step != "."}
    if not inner and field:
        yield field
    for step, each in inner.items():
        yield from leaves(each, (*field, step))


def rewritten(body: Body, claimed: Sequence[Field], released: Sequence[Field]) -> list[dict[str, Any]] | None:
    """`managedFields` in which `claimed` fields are the portal's alone, so that an apply that leaves them out removes
    them, and `released` ones are no longer the portal's, so that such an apply keeps them. None where it is so."""
    before = list(body["metadata"].get("managedFields") or ())
    entries = [copy.deepcopy(dict(each)) for each in before]
    mine = next((each for each in entries if is_applied(each)), None)
    if claimed and mine is None:
        mine = {"manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": body["apiVersion"]}
        mine |= {"fieldsType": "FieldsV1", "fieldsV1": {}}
        entries.append(mine)
    for field in claimed:
        for each in entries:
            if each is not mine:
                _take(each.get("fieldsV1") or {}, field)
        if mine is not None:
            _put(mine["fieldsV1"], field, value_at(body, field))
    for entry in filter(is_ours, entries):
        for field in released:
            _take(entry["fieldsV1"], field)
    entries = [each for each in entries if each.get("fieldsV1")]
    return None if entries == before else entries


def _take(fields: dict[str, Any], field: Field) -> None:
    """Take a field out of a set, and what that leaves empty."""
    step = next((each for each in fields if _is(each, field[0])), None)
    if step is None:
        return
    if len(field) > 1:
        _take(fields[step], field[1:])
    if len(field) == 1 or not fields[step]:
        del fields[step]


def _is(step: str, wanted: str) -> bool:
    return step == wanted or (step[:2] == "k:" == wanted[:2] and keys_in(step) == keys_in(wanted))


def _put(fields: dict[str, Any], field: Field, value: Any) -> None:
    """Put a field into a set: an entry of a list as a whole, an object with all that is in it."""
    for step in field:
        here = next((each for each in fields if _is(each, step)), step)
        fields = fields.setdefault(here, {})
    fields.update({".": {}} if field[-1].startswith("k:") else _spread(value, field))


def _spread(value: Any, field: Field) -> dict[str, Any]:
    if not isinstance(value, dict) or field in ONE_VALUE or field[-1][2:] in ATOMIC_MAPS:
        return {}
    return {".": {}, **{f"f:{name}": _spread(each, (*field, f"f:{name}")) for name, each in value.items()}}


def covers(fields: Fields, others: Fields) -> bool:
    """Whether a set holds everything that another holds."""
    if fields == _ATOMIC:
        return True
    return all(
        (inner := _inner(fields, step)) is not None and (inner == each or covers(inner, each))
        for step, each in others.items()
        if step != "."
    )


def outermost(fields: Fields, choose: Callable[[Field], bool], field: Field = ()) -> Iterator[Field]:
    """The outermost fields of a set that `choose` takes."""
    for step, inner in fields.items():
        if step == ".":
            continue
        if choose((*field, step)):
            yield (*field, step)
        else:
            yield from outermost(inner, choose, (*field, step))
