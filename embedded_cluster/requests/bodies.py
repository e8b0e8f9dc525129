"""From the bytes of a body to a value, as the API server's decoders have it."""

import json
import re
from typing import Any

import orjson
import yaml

from ..kinds.served import Kind
from ..objects.errors import ApiError
from ..objects.values import Object
from . import protobuf
from .request import Request

MAX_BODY = 3 * 1024 * 1024
APPLY = "application/apply-patch+yaml"
_YAML = (APPLY, "application/yaml")
_TAKEN = ("application/json", "application/yaml")


class _JsonLoader(yaml.CSafeLoader):
    """YAML as the API server reads it: what looks like a time is a string, and a bare y or n is true or false."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
    bool_values = {**yaml.CSafeLoader.bool_values, "y": True, "n": False}


_JsonLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))


def decode(request: Request) -> Any:
    """The value in a body; the request remembers which fields it has twice. Raises 400, 413 or 415."""
    if len(request.body) > MAX_BODY:
        raise ApiError(413, f"Request entity too large: limit is {MAX_BODY}", "RequestEntityTooLarge")
    media = _media(request)
    if media == protobuf.MEDIA:
        return _protobuf(request.body)
    if media not in _TAKEN and request.method != "PATCH":
        raise _unsupported()
    try:
        value = orjson.loads(request.body)
    except ValueError as error:
        if media not in _YAML:
            raise _unrecognized(error) from None
        return _yaml(request.body)
    request.doubled += doubled(request.body)
    return value


def _media(request: Request) -> str:
    return request.headers.get("content-type", "application/json").partition(";")[0].strip()


def _unsupported() -> ApiError:
    start = "the body of the request was in an unknown format - accepted media types include: "
    return ApiError(415, start + ", ".join(_TAKEN))


def check_media(request: Request, kind: Kind) -> None:
    """Raise 415 where a custom resource comes in protobuf: only built-in kinds have such an encoding."""
    if kind.crd and _media(request) == protobuf.MEDIA and request.method in ("POST", "PUT"):
        raise _unsupported()


def _protobuf(body: bytes) -> Object:
    try:
        return protobuf.decode(body)
    except ValueError as error:
        raise ApiError(400, f"the object provided is unrecognized (must be of type protobuf): {error}") from None


def _yaml(body: bytes) -> Any:
    try:
        value = yaml.load(body, _JsonLoader)  # noqa: S506 - it is a CSafeLoader
        return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
    except (yaml.YAMLError, orjson.JSONEncodeError, ValueError) as error:
        raise _unrecognized(error) from None


def _unrecognized(error: Exception) -> ApiError:
    return ApiError(400, f"the object provided is unrecognized (must be of type JSON or YAML): {error}")


class _Pairs(dict[str, Any]):
    """An object that had a key twice."""

    twice: list[str]


def doubled(body: bytes) -> list[str]:
    """The paths of the fields that a JSON text has more than once."""
    found: list[_Pairs] = []

    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        odd = _Pairs(made)
        names = [name for name, _ in pairs]
        odd.twice = [name for name in made if names.count(name) > 1]
        found.append(odd)
        return odd

    value = json.loads(body, object_pairs_hook=make)
    return list(_paths(value, "")) if found else []


def _paths(value: Any, path: str) -> list[str]:
    if isinstance(value, list):
        return [each for index, item in enumerate(value) for each in _paths(item, f"{path}[{index}]")]
    if not isinstance(value, dict):
        return []
    start = f"{path}." if path else ""
    inner = [each for name, item in value.items() for each in _paths(item, start + name)]
    return [*inner, *(start + name for name in getattr(value, "twice", ()))]


def delete_options(request: Request) -> Object:
    """The DeleteOptions of a request: its body's, or, only where it has none, its query's. Raises 400 for what is no
    object, 422 for another `dryRun` than All."""
    if not request.body:
        options: Object = {"propagationPolicy": request.query.get("propagationPolicy")}
        if "gracePeriodSeconds" in request.query:
            options["gracePeriodSeconds"] = request.number("gracePeriodSeconds")
        return {**options, "dryRun": ["All"] if request.dry_run else []}
    options = decode(request)
    if not isinstance(options, dict) or not isinstance(options.get("preconditions") or {}, dict):
        raise ApiError(400, "couldn't get version/kind; json parse error: DeleteOptions must be an object")
    if options.get("dryRun") not in (None, [], ["All"]):
        raise ApiError(422, f"DeleteOptions.meta.k8s.io is invalid: dryRun: Unsupported value: {options['dryRun']}")
    return options
