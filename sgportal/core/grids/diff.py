"""How a live object differs from what we want of it: only over the fields that are ours.

Left-scoped: what the server or others add elsewhere is theirs. Four things count: a wanted field that differs; a
field we once applied (per `metadata.managedFields`, Kubernetes "Server-Side Apply") and no longer want; an extra entry
in a collection that a grid's template defines as a whole (containers, environment, selectors, ports); and on a Service
what says how its traffic is kept, which nobody else may say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ..names import CLOSURE, SELECTOR, TOPOLOGY_KEYS
from ..text import pointer

FIELD_MANAGER = "sgportal"

# How the API server identifies the entries of a list (its OpenAPI "x-kubernetes-list-map-keys"); others are atomic.
_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_WHOLE = {"containers", "initContainers", "volumes", "env", "ports", "nodeSelector", "limits", "requests"}
_QUANTITIES = {"limits", "requests", "capacity", "overhead", "sizeLimit", "divisor"}
_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {suffix: 2 ** (10 * (power + 1)) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))}


@dataclass(frozen=True, slots=True)
class Change:
    """One field that will change: its JSON pointer in the live object, its value now and then (None: absent).

    `foreign` marks an entry somebody else added, which server-side apply alone would leave in place.
    """

    path: str
    old: Any
    new: Any
    foreign: bool = False


def differences(desired: Mapping[str, Any], live: Mapping[str, Any]) -> tuple[Change, ...]:
    """What must change in `live` for it to agree with `desired` (metadata's labels, annotations, owners; spec)."""
    names = ("labels", "annotations", "ownerReferences")
    metadata = {key: desired["metadata"][key] for key in names if key in desired["metadata"]}
    changes = [
        *_compare(metadata, live["metadata"], "/metadata", ""),
        *_compare(desired["spec"], live.get("spec") or {}, "/spec", "spec"),
    ]
    keeping = tuple(_left_by_others(desired, live)) if desired.get("kind") == "Service" else ()
    seen = {change.path for change in (*changes, *keeping)}
    dropped = {change.path: change for change in _no_longer_wanted(desired, live)}
    ours = [dropped.get(change.path, change) for change in changes]
    return (*ours, *keeping, *(change for path, change in dropped.items() if path not in seen))


def _left_by_others(desired: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Change]:
    """A Service's selector and our annotations where they are not wanted: they must go whoever wrote them, kubectl or
    SuperEdge, for one of them left in place would make another controller write EndpointSlices."""
    places = [("annotations", name, "metadata") for name in (CLOSURE, SELECTOR, TOPOLOGY_KEYS)]
    for name, key, part in [*places, ("", "selector", "spec")]:
        want, have = desired.get(part) or {}, live.get(part) or {}
        want, have = (each.get(name) or {} for each in (want, have)) if name else (want, have)
        if have.get(key) and key not in want:
            yield Change(pointer(*filter(None, (part, name, key))), have[key], None, foreign=True)


def _compare(want: Any, have: Any, path: str, name: str) -> Iterator[Change]:
    if isinstance(want, Mapping):
        yield from _compare_maps(want, have if isinstance(have, Mapping) else {}, path, name)
    elif isinstance(want, Sequence) and not isinstance(want, str):
        yield from _compare_lists(want, have if isinstance(have, list) else [], path, name)
    elif not _same(want, have, path):
        yield Change(path, have, want)


def _compare_maps(want: Mapping[str, Any], have: Mapping[str, Any], path: str, name: str) -> Iterator[Change]:
    for key, value in want.items():
        yield from _compare(value, have.get(key), path + pointer(key), key)
    for key in sorted(_WHOLE & have.keys() - want.keys()):
        if have[key] and isinstance(have[key], list | dict):
            yield Change(path + pointer(key), have[key], None, foreign=True)
    if "resources" not in want and have.get("resources"):
        yield from _compare_maps({}, have["resources"], path + "/resources", "resources")
    if name in _WHOLE or path == "/spec/selector":
        for key in have.keys() - want.keys() - {"matchLabels", "matchExpressions"}:
            yield Change(path + pointer(key), have[key], None, foreign=True)


def _compare_lists(want: Sequence[Any], have: Sequence[Any], path: str, name: str) -> Iterator[Change]:
    keys = _merge_keys(name, path)
    if not keys:
        if len(want) != len(have) or any(
            True for i, each in enumerate(want) for _ in _compare(each, have[i], path, "")
        ):
            yield Change(path, have or None, want)
        return
    places = {_identity(each, keys): index for index, each in enumerate(have)}
    for each in want:
        index = places.get(_identity(each, keys))
        if index is None:
            yield Change(path + pointer("-"), None, each)
        else:
            yield from _compare(each, have[index], path + pointer(index), "")
    wanted = {_identity(each, keys) for each in want}
    if name in _WHOLE:
        for identity, index in places.items():
            if identity not in wanted:
                yield Change(path + pointer(index), have[index], None, foreign=True)


def _merge_keys(name: str, path: str) -> tuple[str, ...]:
    if name == "ports":
        return ("port", "protocol") if path == "/spec/ports" else ("containerPort", "protocol")
    return _MERGE_KEYS.get(name, ())


def _identity(entry: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(entry.get(key) or ("TCP" if key == "protocol" else None) for key in keys)


def _same(want: Any, have: Any, path: str) -> bool:
    if want == have and type(want) is type(have):
        return True
    if have is None:
        return not want  # the server leaves out false, 0 and ""
    parts = path.split("/")
    if _QUANTITIES & set(parts[-2:]):
        left, right = quantity(want), quantity(have)
        return left is not None and left == right
    return bool(want == have and isinstance(want, bool) == isinstance(have, bool))


def quantity(value: Any) -> Decimal | None:
    """The number a Kubernetes quantity such as `500m` or `1Gi` stands for, or None where it is none."""
    found = re.fullmatch(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkMGTPE]|[KMGTPE]i)?", str(value))
    try:
        number = Decimal(found[1]) if found else None
    except InvalidOperation:
        return None
    if found is None or number is None:
        return None
    suffix = found[2] or ""
    return number * _BINARY[suffix] if suffix in _BINARY else number.scaleb(_SUFFIXES[suffix])


def _no_longer_wanted(desired: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Change]:
    for entry in live["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource"):
            yield from _unwanted(entry.get("fieldsV1") or {}, desired, live, "")


def _unwanted(owned: Mapping[str, Any], want: Any, have: Any, path: str) -> Iterator[Change]:
    """Each outermost owned field that is live but no longer wanted."""
    for step, inner in owned.items():
        found = _step(step, want, have)
        if found is None:
            continue
        place, next_want, next_have = found
        if next_have is None:
            continue
        if next_want is None:
            if next_have not in ({}, [], ""):
                yield Change(path + pointer(place), next_have, None)
        else:
            yield from _unwanted(inner, next_want, next_have, path + pointer(place))


def _step(step: str, want: Any, have: Any) -> tuple[str | int, Any, Any] | None:
    if step.startswith("f:") and isinstance(have, Mapping):
        name = step[2:]
        return name, want.get(name) if isinstance(want, Mapping) else None, have.get(name)
    if step.startswith("k:") and isinstance(have, list):
        keys = tuple(re.findall(r'"(\w+)":', step))
        for index, entry in enumerate(have):
            if _matches_key(step, entry, keys):
                wanted = want if isinstance(want, Sequence) else ()
                return (
                    index,
                    next((each for each in wanted if _identity(each, keys) == _identity(entry, keys)), None),
                    entry,
                )
    return None


def _matches_key(step: str, entry: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    pairs = re.findall(r'"(\w+)":("(?:[^"\\]|\\.)*"|[^,}]+)', step)
    return bool(pairs) and all(str(entry.get(key)) == value.strip('"') for key, value in pairs) and bool(keys)
