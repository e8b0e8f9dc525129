"""Values of custom resources by their structural schema: what is filled in, and what is refused."""

import re
from collections.abc import Iterator
from typing import Any

from ..objects.errors import cause, doubled, required, too_many
from ..objects.values import Object, copy

Causes = Iterator[dict[str, str]]
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def fill(value: Any, schema: Object) -> None:
    """Set the defaults of the schema, in place; a null for what cannot be null is as if nothing were said."""
    if isinstance(value, dict):
        for key, inner in (schema.get("properties") or {}).items():
            if key in value and value[key] is None and not inner.get("nullable"):
                del value[key]
            if key not in value and "default" in inner:
                value[key] = copy(inner["default"])
            if key in value:
                fill(value[key], inner)
        more = schema.get("additionalProperties")
        for each in value.values() if isinstance(more, dict) else ():
            fill(each, more or {})
    elif isinstance(value, list):
        for each in value:
            fill(each, schema.get("items") or {})


def validate(value: Any, schema: Object, path: str = "") -> Causes:
    """The causes for refusing a value."""
    if value is None and schema.get("nullable"):
        return
    if not _has_type(value, schema):
        wanted = "integer,string" if schema.get("x-kubernetes-int-or-string") else schema["type"]
        words = f'Invalid value: "{_word(value)}": {path} in body must be of type {wanted}: "{_word(value)}"'
        yield cause(path or "<nil>", words, "FieldValueTypeInvalid")
        return
    if "enum" in schema and value not in schema["enum"]:
        listed = ", ".join(f'"{each}"' for each in schema["enum"])
        words = f'Unsupported value: "{value}": supported values: {listed}'
        yield cause(path, words, "FieldValueNotSupported")
    if isinstance(value, str):
        yield from _text(value, schema, path)
    elif isinstance(value, dict):
        yield from _fields(value, schema, path)
    elif isinstance(value, list):
        yield from _entries(value, schema, path)
    elif not isinstance(value, bool):
        yield from _number(value, schema, path)


def _has_type(value: Any, schema: Object) -> bool:
    if schema.get("x-kubernetes-int-or-string"):
        return isinstance(value, int | str) and not isinstance(value, bool)
    wanted = schema.get("type")
    return not wanted or (isinstance(value, _TYPES[wanted]) and (not isinstance(value, bool) or wanted == "boolean"))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next((name for name, types in _TYPES.items() if isinstance(value, types)), "null")


def _text(value: str, schema: Object, path: str) -> Causes:
    least, most = schema.get("minLength", 0), schema.get("maxLength", len(value))
    if len(value) < least:
        yield cause(path, f'Invalid value: "{value}": {path} in body should be at least {least} chars long')
    if len(value) > most:
        yield cause(path, f"Too long: may not be more than {most} bytes", "FieldValueTooLong")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield cause(path, f"Invalid value: \"{value}\": {path} in body should match '{schema['pattern']}'")


def _number(value: Any, schema: Object, path: str) -> Causes:
    least, most = schema.get("minimum", value), schema.get("maximum", value)
    if value < least:
        yield cause(path, f"Invalid value: {value}: {path} in body should be greater than or equal to {least}")
    if value > most:
        yield cause(path, f"Invalid value: {value}: {path} in body should be less than or equal to {most}")


def _entries(value: list[Any], schema: Object, path: str) -> Causes:
    most, least = schema.get("maxItems", len(value)), schema.get("minItems", 0)
    if len(value) > most:
        yield too_many(path, len(value), most)
    if len(value) < least:
        yield cause(path, f"Invalid value: {len(value)}: {path} in body should have at least {least} items")
    for index, each in enumerate(value):
        yield from validate(each, schema.get("items") or {}, f"{path}[{index}]")
    yield from _same(value, schema, path)


def _same(value: list[Any], schema: Object, path: str) -> Causes:
    """Entries of a set, or of a list with keys, that are there already."""
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    seen: list[Any] = []
    for index, each in enumerate(value if kind in ("set", "map") else ()):
        named = {key: each.get(key) for key in keys} if kind == "map" and isinstance(each, dict) else each
        if named in seen:
            yield doubled(f"{path}[{index}]", named)
        seen.append(named)


def _fields(value: Object, schema: Object, path: str) -> Causes:
    for name in schema.get("required") or ():
        if name not in value:
            yield required(f"{path}.{name}".lstrip("."))
    most = schema.get("maxProperties", len(value))
    if len(value) > most:
        yield too_many(path, len(value), most)
    least = schema.get("minProperties", 0)
    if len(value) < least:
        yield cause(path, f"Invalid value: {len(value)}: {path} in body should have at least {least} properties")
    known, more = schema.get("properties") or {}, schema.get("additionalProperties")
    for key, each in value.items():
        inner = known.get(key) or (more if isinstance(more, dict) else None)
        if inner:
            yield from validate(each, inner, f"{path}.{key}".lstrip("."))
