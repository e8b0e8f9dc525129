"""Laying a patch over a child's spec: objects field by field, lists entry by entry where the API server merges them.

A field that is null in a patch, or `{$patch: delete}`, is removed; so is an entry of a merged list with
`$patch: delete` beside its keys. Other lists are replaced as a whole. Values may be traced (`tracing`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..kubernetes_fields import FIELDS, LIST_KEYS
from ..schema import Keys
from .tracing import untraced

DIRECTIVE = "$patch"
DELETE = "delete"
Path = tuple[str, ...]


def merged(base: Any, patch: Any, type_name: str, keys: Keys | None = None) -> Any:
    """`base`, declared as `type_name` in FIELDS, with the patch laid over it; neither is changed. `keys` are those by
    which a list is merged."""
    if isinstance(patch, Mapping):
        return _object(base if isinstance(base, Mapping) else {}, patch, type_name)
    if isinstance(patch, list | tuple) and keys and isinstance(base, list | tuple):
        return _list(base, patch, type_name[1:-1], keys)
    if isinstance(patch, list | tuple):
        return [merged(None, each, type_name[1:-1]) for each in patch]
    return patch


def _object(base: Mapping[str, Any], patch: Mapping[str, Any], type_name: str) -> dict[str, Any]:
    found = dict(base)
    for name, value in patch.items():
        if removes(value):
            found.pop(name, None)
        else:
            found[name] = merged(base.get(name), value, inner(type_name, name), keys_of(type_name, name))
    return found


def _list(base: Sequence[Any], patch: Sequence[Any], type_name: str, keys: Keys) -> list[Any]:
    found = {_identity(each, keys): each for each in base}
    for entry in patch:
        identity = _identity(entry, keys)
        if isinstance(entry, Mapping) and untraced(entry.get(DIRECTIVE)) == DELETE:
            found.pop(identity, None)
        else:
            there = found.get(identity) or {}
            known = {key: there[key] for key, _ in keys if key in there}
            found[identity] = {**merged(there, entry, type_name), **known}
    return list(found.values())


def removes(value: Any) -> bool:
    """Whether a value in a patch says that the field goes."""
    return value is None or (isinstance(value, Mapping) and untraced(value) == {DIRECTIVE: DELETE})


def inner(type_name: str, name: str) -> str:
    """The type of a field of an object of this type; `any` where it is not known."""
    if type_name.startswith("{"):
        return type_name[1:-1]
    return FIELDS.get(type_name, {}).get(name, ("any", False))[0]


def keys_of(type_name: str, name: str) -> Keys | None:
    """The keys by which the API server merges a field that is a list; None for what it takes as a whole."""
    return LIST_KEYS.get(type_name, {}).get(name) or None


def _identity(entry: Any, keys: Keys) -> tuple[Any, ...]:
    if not isinstance(entry, Mapping):
        return ()
    return tuple(default if untraced(entry.get(key)) in (None, "") else untraced(entry[key]) for key, default in keys)


def leaves(patch: Any, type_name: str, where: Path = (), keys: Keys | None = None) -> Iterator[tuple[Path, Any]]:
    """What a patch sets: the path of each value, entries of merged lists by their keys, and the value; None for what
    it removes."""
    if removes(patch):
        yield where, None
    elif isinstance(patch, Mapping):
        for name, value in patch.items():
            yield from leaves(value, inner(type_name, name), (*where, name), keys_of(type_name, name))
    elif isinstance(patch, list | tuple) and keys:
        for entry in patch:
            yield from _entry_leaves(entry, type_name[1:-1], where, keys)
    else:
        yield where, untraced(patch)


def _entry_leaves(entry: Any, type_name: str, where: Path, keys: Keys) -> Iterator[tuple[Path, Any]]:
    names = {key for key, _ in keys}
    shown = ",".join(f"{key}={each}" for (key, _), each in zip(keys, _identity(entry, keys), strict=False))
    here = (*where[:-1], f"{where[-1]}[{shown}]")
    if not isinstance(entry, Mapping) or untraced(entry.get(DIRECTIVE)) == DELETE:
        yield here, None
        return
    for name, value in entry.items():
        if name not in names:
            yield from leaves(value, inner(type_name, name), (*here, name), keys_of(type_name, name))
