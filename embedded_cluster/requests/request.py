"""A request taken apart: which kind, where, which options; and an answer put together."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from ..kinds.served import Kind, Kinds
from ..objects.errors import ApiError, cause, invalid


@dataclass(slots=True)
class Request:
    """An HTTP request. `query` has the last value of each parameter, `words` every `command`; `headers` have
    lower-case names."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    doubled: list[str] = field(default_factory=list)  # paths of the fields that the body has twice
    warnings: list[str] = field(default_factory=list)  # what the answer is to warn of
    words: list[str] = field(default_factory=list)

    @staticmethod
    def of(method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> "Request":
        """The request an ASGI scope stands for."""
        every = parse_qs(query.decode(), keep_blank_values=True)
        pairs, words = {key: values[-1] for key, values in every.items()}, every.get("command", [])
        return Request(method, path, pairs, {k.decode().lower(): v.decode() for k, v in headers}, body, words=words)

    @property
    def upgrades(self) -> bool:
        """Whether a WebSocket is asked for."""
        return self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def accept(self) -> str:
        """The media types the caller takes."""
        return self.headers.get("accept", "")

    @property
    def manager(self) -> str:
        """The field manager: named, or the first part of the user agent."""
        return self.query.get("fieldManager") or self.headers.get("user-agent", "unknown").partition("/")[0]

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored. Raises 422 for an unknown value."""
        value = self.query.get("dryRun", "")
        if value not in ("", "All"):
            wrong = f'Unsupported value: ["{value}"]: supported values: "All"'
            raise bad_option(self, "dryRun", wrong, "FieldValueNotSupported")
        return value == "All"

    @property
    def validation(self) -> str:
        """What becomes of fields that are not known: Strict, Warn or Ignore. Raises 422 for another word."""
        value = self.query.get("fieldValidation") or "Warn"
        if value not in ("Strict", "Warn", "Ignore"):
            raise bad_option(
                self,
                "fieldValidation",
                f'Unsupported value: "{value}": supported values: "", "Ignore", "Strict", "Warn"',
                "FieldValueNotSupported",
            )
        return value

    def number(self, name: str) -> int:
        """A whole-number parameter, 0 where absent. Raises 400 for anything else."""
        text = self.query.get(name, "") or "0"
        if not text.isdigit():
            raise ApiError(400, f"{name}: invalid value {text!r}")
        return int(text)

    def flag(self, name: str) -> bool:
        """A true-or-false parameter."""
        return self.query.get(name, "") in ("true", "1")


def bad_option(request: Request, name: str, message: str, reason: str = "FieldValueForbidden") -> ApiError:
    """The 422 for an option in a request's query."""
    options = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
    return invalid(options.get(request.method, "ListOptions"), "meta.k8s.io", "", [cause(name, message, reason)])


@dataclass(slots=True)
class Response:
    """An answer: a body, a stream of chunks, or `frames` of a WebSocket: the number of a stream, and bytes of it."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    frames: AsyncIterator[tuple[int, bytes]] | None = None

    @staticmethod
    def of(value: Any, status: int = 200) -> "Response":
        """A JSON answer."""
        return Response(status, orjson.dumps(value))

    @staticmethod
    def error(error: ApiError) -> "Response":
        """The answer that a refusal is."""
        response = Response.of(error.status(), error.code)
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response


@dataclass(frozen=True, slots=True)
class Target:
    """What a path means: a kind, and where; `name` "" is the collection, `namespace` "" is all or none."""

    kind: Kind
    namespace: str
    name: str
    subresource: str


def target_of(path: str, kinds: Kinds) -> Target | None:
    """The target of a resource path, or None where it is no such path. Raises 501 for the old watch prefix."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[:1] == ["api"] and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    if rest[0] == "watch":
        raise ApiError(501, "the deprecated /watch/ prefix is not served; use ?watch=true")
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and not (group == "" and rest[2] in ("status", "finalize")):
        namespace, rest = rest[1], rest[2:]
    kind = kinds.find(group, version, rest[0])
    if kind is None or len(rest) > 3:
        return None
    return Target(kind, namespace, rest[1] if len(rest) > 1 else "", rest[2] if len(rest) > 2 else "")


def verb_of(request: Request, target: Target | None) -> str:
    """What a request does, in the words of RBAC: get, list, watch, create, update, patch, delete, deletecollection."""
    if request.method == "GET":
        if request.flag("watch"):
            return "watch"
        return "list" if target and not target.name else "get"
    if request.method == "DELETE" and target and not target.name:
        return "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(request.method, request.method.lower())
