"""The words in which bodies are described: JSON Schema in the dialect of OpenAPI 3.1."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
WHEN: Schema = {"type": ["string", "null"], "format": "date-time"}
OBJECT: Schema = {"type": "object"}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}


def ref(name: str) -> Schema:
    """A reference to a named body."""
    return {"$ref": f"#/components/schemas/{name}"}


def exactly(**properties: Schema) -> Schema:
    """An object that always has these properties."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def also(schema: Schema, **properties: Schema) -> Schema:
    """An object that may have these properties besides."""
    return {**schema, "properties": {**schema["properties"], **properties}}


def many(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def one_of(*values: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


_SCALARS: dict[str, Any] = {"str": "string", "int": "integer", "bool": "boolean"}


def of_fields(fields: Mapping[str, tuple[str, bool]]) -> Schema:
    """The schema of a body that `core.schema.check_fields` checks; null counts as absent."""
    required = [name for name, (_, needed) in fields.items() if needed]
    properties = {name: _of_type(kind, needed) for name, (kind, needed) in fields.items()}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _of_type(kind: str, needed: bool) -> Schema:
    null = [] if needed else ["null"]
    if kind.startswith("["):
        return {"type": ["array", *null], "items": _of_type(kind[1:-1], True)}
    if kind.startswith("{"):
        return {"type": ["object", *null], "additionalProperties": _of_type(kind[1:-1], True)}
    return {"type": [_SCALARS[kind], *null]}
