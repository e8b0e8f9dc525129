"""Whether a value has the fields and types that Kubernetes knows for it."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from .kubernetes_fields import FIELDS
from .text import Problem, pointer, say

_SCALARS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "quantity": ((str, int, float), "a quantity such as 500m or 1Gi"),
}


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


def _check_scalar(value: Any, type_name: str, where: str) -> Iterator[Problem]:
    types, wanted = _SCALARS[type_name]
    if not isinstance(value, types) or (isinstance(value, bool) and type_name != "bool"):
        yield wrong_type(value, wanted, where)


def _check_list(value: Any, item: str, where: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield wrong_type(value, "a list", where)
        return
    for index, each in enumerate(value):
        yield from check(each, item, where + pointer(index))


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
    for key in value.keys() - fields.keys():
        yield unknown_field(key, fields, where)
    for key, (type_name, required) in fields.items():
        if value.get(key) is not None:
            yield from check(value[key], type_name, where + pointer(key))
        elif required:
            yield Problem(where + pointer(key), say("is required"))


def unknown_field(key: str, known: Mapping[str, Any], where: str) -> Problem:
    """The problem of a field nobody knows, with the nearest known name where one is near."""
    near = get_close_matches(key, known, n=1)
    if near:
        sentence = say("unknown field “%(field)s”; did you mean “%(near)s”?", field=key[:100], near=near[0])
    else:
        sentence = say(
            "unknown field “%(field)s”; known here: %(known)s", field=key[:100], known=", ".join(sorted(known))
        )
    return Problem(where + pointer(key), sentence)


_WANTED = {
    "text": say("must be text, not %(value)s"),
    "a whole number": say("must be a whole number, not %(value)s"),
    "a number": say("must be a number, not %(value)s"),
    "true or false": say("must be true or false, not %(value)s"),
    "a quantity such as 500m or 1Gi": say("must be a quantity such as 500m or 1Gi, not %(value)s"),
    "a list": say("must be a list, not %(value)s"),
    "an object": say("must be an object, not %(value)s"),
}


def wrong_type(value: Any, wanted: str, where: str) -> Problem:
    """The problem of a value that is not what is wanted (a key of `_WANTED`)."""
    return Problem(where, say(_WANTED[wanted].msgid, value=_shown(value)))


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    if isinstance(value, str):
        return f"“{value[:60]}”"
    return {"True": "true", "False": "false", "None": "null"}.get(str(value), str(value))
