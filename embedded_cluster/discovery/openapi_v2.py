"""The OpenAPI document of old, version 2 in protobuf, which kubectl up to 1.26 checks and explains by
(github.com/google/gnostic-models, openapiv2/OpenAPIv2.proto has the numbers)."""

from collections.abc import Iterator

import orjson

from ..objects.values import Object
from ..requests.wire import message

Pairs = Iterator[tuple[int, bytes | str | bool]]
_OPERATIONS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def document(info: Object, paths: Object, schemas: dict[str, Object]) -> bytes:
    """The document for what one of version 3 has as its info, its paths and its schemas."""
    definitions = message((1, _named(name, _schema(each))) for name, each in schemas.items())
    items = message((2, _named(path, _path(each))) for path, each in paths.items())
    about = message([(1, info["title"]), (2, info["version"])])
    return message([(1, "2.0"), (2, about), (8, items), (9, definitions)])


def _named(name: str, value: bytes) -> bytes:
    return message([(1, name), (2, value)])


def _extensions(of: Object, number: int) -> Pairs:
    """What begins with x-, written as YAML (of which JSON is a part)."""
    for name, value in of.items():
        if name.startswith("x-"):
            yield number, _named(name, message([(2, orjson.dumps(value))]))


def _path(operations: Object) -> bytes:
    return message((_OPERATIONS[verb], _operation(each)) for verb, each in operations.items())


def _operation(operation: Object) -> bytes:
    parameters = [(8, _parameter(each["name"])) for each in operation.get("parameters") or ()]
    return message([*parameters, *_extensions(operation, 13)])


def _parameter(name: str) -> bytes:
    query = message([(2, "query"), (4, name), (6, "string")])
    return message([(1, message([(2, message([(3, query)]))]))])


def _schema(schema: Object) -> bytes:
    return message(_parts(schema))


def _parts(schema: Object) -> Pairs:
    references = [each["$ref"] for each in (schema, *(schema.get("allOf") or ())) if "$ref" in each]
    if references:
        yield 1, f"#/definitions/{references[0].rpartition('/')[2]}"
    for number, key in ((2, "format"), (4, "description")):
        if key in schema:
            yield number, schema[key]
    for each in schema.get("required") or ():
        yield 19, each
    more = schema.get("additionalProperties")
    if more is not None:
        yield 21, message([(2, more) if isinstance(more, bool) else (1, _schema(more))])
    yield from _extensions(schema, 31)
    if schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("nullable"):
        return  # who reads this document would take what is not named for forbidden
    kind = "string" if "oneOf" in schema else schema.get("type")
    if kind:
        yield 22, message([(1, kind)])
    if "items" in schema:
        yield 23, message([(1, _schema(schema["items"]))])
    if schema.get("properties"):
        yield 25, message((1, _named(name, _schema(each))) for name, each in schema["properties"].items())
