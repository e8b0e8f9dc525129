"""One method's part of the OpenAPI 3.1 description, made from its `Operation`."""

from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularSchema

from ..http.media_types import TYPES
from ..http.problems import CONTENT_TYPE
from .json_schema import ref
from .operations import Operation, Parameter, operation_of

_READ = (400, 401, 403, 404, 406, 422, 503)
_WRITE = (409, 412, 413, 415, 428, 429)


class AutoSchema(SpectacularSchema):
    """The description of one method of one view."""

    def get_operation(
        self, path: str, _path_regex: str, _path_prefix: str, method: str, _registry: Any
    ) -> dict[str, Any] | None:
        """The OpenAPI operation, or None for a method that is not described."""
        described = operation_of(self.view, method)
        if described is None:
            return None
        text = getattr(self.view, method.lower()).__doc__ or ""
        found: dict[str, Any] = {
            "operationId": _operation_id(method, path),
            "summary": described.summary,
            "description": text,
            "tags": [path.removeprefix("/api/v1/").partition("/")[0]],
            "parameters": [*_path_parameters(path), *map(_parameter, described.takes), *_conditions(described)],
            "responses": _responses(described, method),
        }
        if described.body:
            content = {each: {"schema": ref(described.body)} for each in _sent_types(described)}
            found["requestBody"] = {"required": True, "content": content}
        return found


def _operation_id(method: str, path: str) -> str:
    words = [part.strip("{}") for part in path.removeprefix("/api/v1/").split("/")]
    return "_".join([method.lower(), *words]).replace("-", "_")


def _sent_types(described: Operation) -> tuple[str, ...]:
    return ("application/merge-patch+json", *TYPES) if described.body == "Patch" else TYPES


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": _path_schema(name)} for name in names]


def _path_schema(name: str) -> dict[str, Any]:
    return {"pk": {"type": "string", "pattern": "^[0-9a-f-]+$"}}.get(name, {"type": "string", "minLength": 1})


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "maxLength": 2000}
    if parameter.choices:
        schema = {"type": "string", "enum": list(parameter.choices)}
    if parameter.most:
        schema = {"type": "integer", "minimum": 1, "maximum": parameter.most, "default": parameter.default}
    found = {"name": parameter.name, "in": "query", "description": parameter.description, "schema": schema}
    return {**found, "required": True} if parameter.required else found


def _conditions(described: Operation) -> list[dict[str, Any]]:
    if not (described.needs_match or described.takes_match):
        return []
    text = "The ETag of the object as you read it."
    schema = {"type": "string", "pattern": r"^[ -~]+$"}
    return [
        {"name": "If-Match", "in": "header", "required": described.needs_match, "description": text, "schema": schema}
    ]


def _responses(described: Operation, method: str) -> dict[str, Any]:
    found = {str(status): _answer(body, described.headers) for status, body in described.answers.items()}
    usual = _READ if method == "GET" else (*_READ, *_WRITE)
    for status in sorted({*usual, *described.refusals} - set(described.answers)):
        found[str(status)] = {
            "description": "The call is refused; the problem says why.",
            "content": {CONTENT_TYPE: {"schema": ref("Problem")}},
        }
    return found


def _answer(body: str, headers: tuple[str, ...]) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": body or "Nothing in the body."}
    if headers:
        shown["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    if "/" in body:
        shown["content"] = {body: {"schema": {"type": "string"}}}
    elif body:
        shown["content"] = {each: {"schema": _body(body)} for each in TYPES}
    return shown


def _body(name: str) -> dict[str, Any]:
    """The schema of an answer: a name, `[name]` for a page of them, `one|other`."""
    if name.startswith("["):
        items = {"type": "array", "items": ref(name[1:-1])}
        following = {"type": ["string", "null"], "description": "The cursor of the next page, null on the last."}
        return {"type": "object", "properties": {"items": items, "next": following}, "required": ["items", "next"]}
    names = name.split("|")
    return ref(name) if len(names) == 1 else {"anyOf": [ref(each) for each in names]}
