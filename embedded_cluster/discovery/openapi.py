"""OpenAPI documents: kubectl takes from them what there is to explain, and whether fields are checked."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from ..kinds.crd import schema_of
from ..kinds.schemas import METADATA, name_of, schemas
from ..kinds.served import Kind, Kinds
from ..objects.values import Object
from ..requests.request import Request, Response
from . import openapi_v2

_TITLE = "Kubernetes"
_VERSION = "v1.37.2"
_INFO = {"title": _TITLE, "version": _VERSION}
_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_OPTIONS = ("dryRun", "fieldManager", "fieldValidation", "force")
_REFERENCE = "#/components/schemas/"


def answer(request: Request, parts: list[str], kinds: Kinds) -> Response | None:
    """The answer to a request below /openapi, or None where there is none."""
    if parts[1:] == ["v2"]:
        if "protobuf" in request.accept:
            described, paths = _described(kinds.every())
            return Response(200, openapi_v2.document(_INFO, paths, described), _V2)
        return Response.of({"swagger": "2.0", "info": _INFO, "paths": {}})
    if parts[1:] == ["v3"]:
        versions = {(kind.group, kind.version) for kind in kinds.every()}
        roots = sorted(f"apis/{group}/{version}" if group else f"api/{version}" for group, version in versions)
        return Response.of({"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots}})
    if parts[1:2] == ["v3"] and len(parts) in (4, 5):
        group, version = (parts[3], parts[4]) if len(parts) == 5 else ("", parts[3])
        return _document([kind for kind in kinds.every() if (kind.group, kind.version) == (group, version)])
    return None


def _document(found: list[Kind]) -> Response | None:
    if not found:
        return None
    described, paths = _described(found)
    return Response.of({"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": described}})


def _described(found: list[Kind]) -> tuple[dict[str, Object], Object]:
    """The schemas of some kinds, and their paths."""
    described: dict[str, Object] = {}
    paths: Object = {}
    for kind in found:
        described |= _schemas(kind)
        paths |= _paths(kind)
    return described, paths


def _schemas(kind: Kind) -> dict[str, Object]:
    """What a kind's schema is, and all it refers to."""
    if kind.measured:
        return {}
    if kind.crd is None:
        return {name: schemas()[name] for name in _needed(name_of(kind))}
    name = ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])
    schema = schema_of(kind.crd)
    metadata = {"allOf": [{"$ref": _REFERENCE + METADATA}]}
    own = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata}
    properties = {**own, **{key: each for key, each in (schema.get("properties") or {}).items() if key not in own}}
    described = {**schema, "properties": properties, "x-kubernetes-group-version-kind": [_meaning(kind)]}
    return {name: described, **{each: schemas()[each] for each in _needed(METADATA)}}


@cache
def _needed(name: str) -> tuple[str, ...]:
    """The names of a built-in schema and of all it refers to."""
    found, waiting = {name: None}, [name]
    while waiting:
        for each in _references(schemas()[waiting.pop()]):
            if each not in found:
                found[each] = None
                waiting.append(each)
    return tuple(found)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(_REFERENCE)
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _meaning(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _paths(kind: Kind) -> Object:
    """The operations by which clients find a kind, and learn which options its writes take."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    collection = f"{root}{'/namespaces/{namespace}' if kind.namespaced else ''}/{kind.plural}"
    parameters = [{"name": each, "in": "query", "schema": {"type": "string"}} for each in _OPTIONS]
    common = {"responses": {"200": {"description": "OK"}}, "x-kubernetes-group-version-kind": _meaning(kind)}

    def operation(action: str) -> Object:
        given = {} if action in ("get", "list") else {"parameters": parameters}
        return {**common, **given, "x-kubernetes-action": action}

    if kind.measured:
        return {collection: {"get": operation("list")}, f"{collection}/{{name}}": {"get": operation("get")}}
    one = {verb: operation(verb) for verb in ("get", "patch", "put", "delete")}
    return {collection: {"get": operation("list"), "post": operation("post")}, f"{collection}/{{name}}": one}
