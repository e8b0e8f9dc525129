"""Field ownership and server-side apply (Kubernetes "Server-Side Apply"; structured-merge-diff's rules)."""

from typing import Any

import orjson

from ..kinds.shapes import Shape
from ..objects.errors import ApiError
from ..objects.values import Object, copy, now
from .ownership import Path, field_set, from_v1, in_words, key_step, remove_field, to_v1, value_at, with_structs

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def _entries(body: Object) -> list[Object]:
    return list(body["metadata"].get("managedFields") or [])


def _without_managed(body: Object) -> Object:
    metadata = {k: v for k, v in body["metadata"].items() if k not in ("managedFields", "resourceVersion")}
    return {**body, "metadata": metadata}


def track_update(before: Object | None, after: Object, manager: str, subresource: str, shape: Shape) -> Object:
    """`after` with its managedFields brought up to date after an ordinary write by `manager`: it owns what it changed,
    nobody owns what is gone. The write may itself have changed who owns what; what cannot be understood is ignored."""
    old = _without_managed(before) if before else {"metadata": {}}
    new = _without_managed(after)
    have = field_set(new, shape)
    before_set = field_set(old, shape) if before else set()
    changed = {path for path in have if path not in before_set or value_at(old, path) != value_at(new, path)}
    entries, mine = [], None
    for entry in (_given(after) or _entries(before)) if before else []:
        is_mine = _is(entry, manager, "Update", subresource)
        owned = from_v1(entry["fieldsV1"]) & have
        owned = owned | changed if is_mine else owned - {path for path in changed if not path[-1].startswith("k:")}
        mine = entry if is_mine else mine
        if owned:
            fresh = {**entry, "fieldsV1": to_v1(owned)}
            entries.append({**fresh, "time": now()} if is_mine and changed else fresh)
    if mine is None and changed:
        entries.append(_entry(manager, "Update", after["apiVersion"], changed, subresource))
    return {**after, "metadata": {**after["metadata"], "managedFields": entries}}


def _given(body: Object) -> list[Object]:
    entries = _entries(body)
    return entries if all({"manager", "operation", "fieldsV1"} <= entry.keys() for entry in entries) else []


def _is(entry: Object, manager: str, operation: str, subresource: str) -> bool:
    same = entry.get("manager") == manager and entry.get("operation") == operation
    return same and (entry.get("subresource") or "") == subresource


def _entry(manager: str, operation: str, api_version: str, paths: set[Path], subresource: str = "") -> Object:
    entry = {
        "manager": manager,
        "operation": operation,
        "apiVersion": api_version,
        "time": now(),
        "fieldsType": "FieldsV1",
        "fieldsV1": to_v1(paths),
    }
    return {**entry, "subresource": subresource} if subresource else entry


def apply(
    live: Object | None, config: Object, manager: str, force: bool, shape: Shape, subresource: str = ""
) -> Object:
    """The object after `manager` applied `config`. Raises 409 with a cause per conflict unless `force`."""
    wanted = field_set(config, shape)
    if live is None:
        entries = [_entry(manager, "Apply", config["apiVersion"], wanted, subresource)]
        body = copy(config)
        return {**body, "metadata": {**body["metadata"], "managedFields": entries}}
    entries = _entries(live)
    mine = next((each for each in entries if _is(each, manager, "Apply", subresource)), None)
    others = [each for each in entries if each is not mine]
    others = _settle_conflicts(others, live, config, wanted, force)
    result: Object = merge(live, config, shape)
    if mine:
        kept = wanted.union(*(from_v1(each["fieldsV1"]) for each in others))
        _prune(result, from_v1(mine["fieldsV1"]), kept, shape)
    entry = _entry(manager, "Apply", config["apiVersion"], wanted, subresource)
    if mine and mine["fieldsV1"] == entry["fieldsV1"]:
        entry["time"] = mine["time"]
    result["metadata"]["managedFields"] = sorted([*others, entry] if wanted else others, key=_place)
    if manager == "kubectl" and not subresource:
        _note_last_applied(result, config)
    return result


def _place(entry: Object) -> tuple[str, ...]:
    """Where an entry stands among the others, as structured-merge-diff sorts them: an apply that changes nothing must
    not move one."""
    return tuple(str(entry.get(name) or "") for name in ("operation", "time", "manager", "apiVersion", "subresource"))


def _note_last_applied(body: Object, config: Object) -> None:
    """Keep what `kubectl apply` without --server-side compares with, where it has been at work, in place."""
    annotations = body["metadata"].get("annotations") or {}
    if annotations.get(LAST_APPLIED):
        about = {**config["metadata"], "annotations": dict(config["metadata"].get("annotations") or {})}
        about["annotations"].pop(LAST_APPLIED, None)
        metadata = {key: value for key, value in about.items() if value or key != "annotations"}
        kept = orjson.dumps({**config, "metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode() + "\n"
        body["metadata"]["annotations"] = {**annotations, LAST_APPLIED: kept}


def _settle_conflicts(
    others: list[Object], live: Object, config: Object, wanted: set[Path], force: bool
) -> list[Object]:
    causes, settled = [], []
    for other in others:
        owned = from_v1(other["fieldsV1"])
        lost = {
            path
            for path in owned & wanted
            if not path[-1].startswith("k:") and value_at(live, path) != value_at(config, path)
        }
        causes += [
            {
                "reason": "FieldManagerConflict",
                "message": f'conflict with "{other["manager"]}" using {other["apiVersion"]}',
                "field": in_words(path),
            }
            for path in sorted(lost)
        ]
        if owned - lost:
            settled.append({**other, "fieldsV1": to_v1(owned - lost)} if lost else other)
    if causes and not force:
        plural = "conflict" if len(causes) == 1 else "conflicts"
        text = "\n".join(f"{each['message']}: {each['field']}" for each in causes)
        raise ApiError(409, f"Apply failed with {len(causes)} {plural}: {text}", causes=causes)
    return settled


def merge(live: Any, config: Any, shape: Shape) -> Any:
    """The live value with everything in `config` set; lists merge as their kind has it."""
    if shape.atomic:
        return copy(config)
    if isinstance(config, dict):
        result = copy(live) if isinstance(live, dict) else {}
        for key, value in config.items():
            result[key] = merge(result.get(key), value, shape.of(key))
        return result
    if isinstance(config, list):
        have = live if isinstance(live, list) else []
        if shape.keys and all(isinstance(each, dict) for each in config):
            return _merge_entries(have, config, shape)
        if shape.is_set:
            return [*have, *(each for each in config if each not in have)]
    return copy(config)


def _merge_entries(live: list[Any], config: list[Any], shape: Shape) -> list[Any]:
    result = list(live)
    for entry in config:
        step = key_step(entry, shape.keys)
        place = next((i for i, each in enumerate(result) if key_step(each, shape.keys) == step), None)
        if place is None:
            result.append(copy(entry))
        else:
            result[place] = merge(result[place], entry, shape.entry())
    return result


def _prune(body: Object, before: set[Path], kept: set[Path], shape: Shape) -> None:
    """Remove what a manager applied before and nobody applies now, in place. With the last owned field inside it a
    struct goes as a whole, defaults that nobody owns included (structured-merge-diff's `prune`)."""
    needed = {path[:end] for path in kept for end in range(1, len(path) + 1)} | {("f:metadata",)}
    for path in sorted(with_structs(before, shape) - needed, key=len):
        remove_field(body, path)
