"""Whether a value has the fields and types that Kubernetes knows for it, and no doubles where the API server merges."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from .kubernetes_fields import FIELDS, LIST_KEYS
from .text import REQUIRED, Place, Problem, Sentence, pointer, say

Keys = tuple[tuple[str, str | None], ...]

_SCALARS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "quantity": ((str, int, float), "a quantity such as 500m or 1Gi"),
}
# apimachinery's resource.Quantity, ParseQuantity.
_QUANTITY = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?")


# A variable in a text: `{{unit.name}}`; `core.overrides.variables` knows which there are.
VARIABLE = re.compile(r"\{\{\s*unit\.([^{}\s]+)\s*\}\}")


def check(value: Any, type_name: str, where: str) -> Iterator[Problem]:
    """The problems of a value declared as `type_name` in `FIELDS`; null counts as absent, as the API server has it."""
    if value is None or type_name == "any":
        return
    if type_name in _SCALARS:
        yield from _check_scalar(value, type_name, where)
    elif type_name.startswith("["):
        yield from _check_list(value, type_name[1:-1], where)
    elif type_name.startswith("{"):
        yield from _check_map(value, type_name[1:-1], where)
    else:
        yield from check_fields(value, FIELDS[type_name], where)
        if isinstance(value, Mapping):
            yield from _check_doubles(value, type_name, where)


def _check_scalar(value: Any, type_name: str, where: str) -> Iterator[Problem]:
    types, wanted = _SCALARS[type_name]
    fits = isinstance(value, types) and (type_name == "bool" or not isinstance(value, bool))
    if not fits or (type_name == "quantity" and not _QUANTITY.fullmatch(VARIABLE.sub("1", str(value)))):
        yield wrong_type(value, wanted, where)


def _check_list(value: Any, item: str, where: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield wrong_type(value, "a list", where)
        return
    for index, each in enumerate(value):
        if each is None and item != "any":
            yield Problem(where + pointer(index), say("must not be null; remove the entry"))
        yield from check(each, item, where + pointer(index))


def _check_doubles(value: Mapping[str, Any], type_name: str, where: str) -> Iterator[Problem]:
    """Each entry that stands in a list's way of being merged: server-side apply refuses two of one identity."""
    for field, keys in LIST_KEYS.get(type_name, {}).items():
        entries = value.get(field)
        if isinstance(entries, list):
            yield from _doubles(entries, keys, where + pointer(field))


def _doubles(entries: list[Any], keys: Keys, where: str) -> Iterator[Problem]:
    first: dict[tuple[Any, ...], int] = {}
    for index, entry in enumerate(entries):
        found = identity(entry, keys)
        if found is None:
            continue
        if found in first:
            yield Problem(where + pointer(index), _double(found, keys, where + pointer(first[found])))
        first.setdefault(found, index)


def _double(found: tuple[Any, ...], keys: Keys, first: str) -> Sentence:
    if not keys:
        return twice(found[0], first)
    names = [name for name, _ in keys]
    shown = ", ".join(f"{name}: {each}" for name, each in zip(names, found, strict=True))
    return say(
        "duplicate entry “%(entry)s”, first at %(first)s; this list takes one entry per %(keys)s",
        entry=shown[:200],
        first=Place(first),
        keys=" + ".join(names),
    )


def twice(name: Any, first: str) -> Sentence:
    """That a name stands twice, where it may once: `first` is the JSON pointer of the first."""
    return say("duplicate “%(name)s”, first at %(first)s", name=name, first=Place(first))


def identity(entry: Any, keys: Keys) -> tuple[Any, ...] | None:
    """What tells an entry of a merged list (`LIST_KEYS`) from others; None for one that has not what it takes.

    An absent or empty key counts as its default, as it does once the API server has stored the entry."""
    if not keys:
        return (entry,) if isinstance(entry, str | int) else None
    if not isinstance(entry, Mapping):
        return None
    values = tuple(default if entry.get(key) in (None, "") else entry[key] for key, default in keys)
    return values if all(isinstance(each, str | int) for each in values) else None


def _check_map(value: Any, item: str, where: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield wrong_type(value, "an object", where)
        return
    for key, each in value.items():
        yield from check(each, item, where + pointer(key))


def check_fields(value: Any, fields: Mapping[str, tuple[str, bool]], where: str) -> Iterator[Problem]:
    """The problems of an object that may have just `fields`, each a pair of its type and whether it is required."""
    if not isinstance(value, Mapping):
        yield wrong_type(value, "an object", where)
        return
    for key in value:
        if key not in fields:
            yield unknown_field(key, fields, where)
    for key, (type_name, required) in fields.items():
        if value.get(key) is not None:
            yield from check(value[key], type_name, where + pointer(key))
        elif required:
            yield Problem(where + pointer(key), REQUIRED)


def unknown_field(key: str, known: Mapping[str, Any], where: str) -> Problem:
    """The problem of a field nobody knows, with the nearest known name where one is near."""
    near = get_close_matches(key[:100], known, n=1)
    if near:
        sentence = say("unknown field “%(field)s”; did you mean “%(near)s”?", field=key[:100], near=near[0])
    else:
        sentence = say(
            "unknown field “%(field)s”; known here: %(known)s", field=key[:100], known=", ".join(sorted(known))
        )
    return Problem(where + pointer(key), sentence, "UnknownField")


WANTED = {
    "text": say("must be text, not %(value)s"),
    "a whole number": say("must be a whole number, not %(value)s"),
    "a number": say("must be a number, not %(value)s"),
    "true or false": say("must be true or false, not %(value)s"),
    "a quantity such as 500m or 1Gi": say("must be a quantity such as 500m or 1Gi, not %(value)s"),
    "a list": say("must be a list, not %(value)s"),
    "an object": say("must be an object, not %(value)s"),
}


def wrong_type(value: Any, wanted: str, where: str) -> Problem:
    """The problem of a value that is not what is wanted (a key of `WANTED`)."""
    return Problem(where, WANTED[wanted].having(value=_shown(value)))


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    if isinstance(value, str):
        return f"“{value[:60]}”"
    return {"True": "true", "False": "false", "None": "null"}.get(str(value), str(value))
