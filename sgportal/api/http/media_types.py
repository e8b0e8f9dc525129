"""JSON and YAML in and out."""

from collections.abc import Iterable
from typing import Any

import orjson
from rest_framework import exceptions, negotiation, parsers, renderers
from rest_framework.request import Request

from ...core.documents import MAX_BYTES, TOO_LARGE, read_documents, read_json, write_document
from ...core.text import Invalid
from .problems import Refusal, unreadable

TYPES = ("application/json", "application/yaml")
_READERS = {
    "application/json": "json",
    "application/merge-patch+json": "json",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
}


class JSONRenderer(renderers.BaseRenderer):
    """`application/json`."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, _accepted_media_type: str | None = None, _renderer_context: Any = None) -> bytes:
        """The JSON text of an answer; nothing for an answer without a body."""
        return b"" if data is None else orjson.dumps(data, default=str)


class YAMLRenderer(renderers.BaseRenderer):
    """`application/yaml` (RFC 9512)."""

    media_type = "application/yaml"
    format = "yaml"
    charset = None

    def render(self, data: Any, _accepted_media_type: str | None = None, _renderer_context: Any = None) -> bytes:
        """The YAML text of an answer; nothing for an answer without a body."""
        return b"" if data is None else write_document(orjson.loads(orjson.dumps(data, default=str))).encode()


class ManifestParser(parsers.BaseParser):
    """A body in JSON or YAML, read with every trap closed; the list of its documents."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, _parser_context: Any = None) -> Any:
        """The documents of a body: those of a YAML stream, those in a JSON list, or one JSON value."""
        data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Refusal(413, TOO_LARGE)
        try:
            if _READERS[_bare(media_type or "")] == "yaml":
                return list(read_documents(data))
            value = read_json(data)
        except Invalid as invalid:
            raise unreadable(invalid) from None
        return value if isinstance(value, list) else [value]


class Negotiation(negotiation.BaseContentNegotiation):
    """Content negotiation by quality and precision (RFC 9110, 12.5.1); the query never chooses."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        """The parser for the body's type, or None."""
        return next(iter(parsers)) if _bare(request.content_type or "") in _READERS else None

    def select_renderer(self, request: Request, renderers: Iterable[Any], _format_suffix: str | None = None) -> Any:
        """The renderer the caller likes best, with its type."""
        wishes = [_wish(each) for each in request.headers.get("Accept", "").split(",") if each.strip()]
        renderers = list(renderers)
        best = max(renderers, key=lambda each: _quality(each.media_type, wishes))
        if wishes and _quality(best.media_type, wishes) <= 0:
            raise exceptions.NotAcceptable(available_renderers=renderers)
        return best, best.media_type


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _wish(text: str) -> tuple[str, float]:
    """A media range and its quality; a quality that is no number counts as 0."""
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            digits = parameter[2:]
            return name, float(digits) if digits.replace(".", "", 1).isdecimal() and digits.isascii() else 0.0
    return name, 1.0


def _quality(media_type: str, wishes: list[tuple[str, float]]) -> float:
    """How much a type is liked: the quality of the most precise range that covers it."""
    ranges = [media_type, media_type.partition("/")[0] + "/*", "*/*"]
    if media_type == "application/yaml":
        ranges[1:1] = ["application/x-yaml", "text/yaml"]
    found = dict(wishes)
    return next((found[each] for each in ranges if each in found), 0.0 if wishes else 1.0)
