"""How drf-spectacular describes our views: what the decorator `operation` says is taken as it is said."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularSchema

from ..http.address import BASE
from ..http.media_types import TYPES
from ..http.shapes import Asked
from .operations import takes_of


class AutoSchema(SpectacularSchema):
    """The description of one method of one view."""

    def is_excluded(self) -> bool:
        """Whether the method is no call of the API."""
        return takes_of(self.view, self.method) is None

    def get_operation_id(self) -> str:
        """The method and the path."""
        words = [part.strip("{}") for part in self.path.removeprefix(BASE).split("/")]
        return "_".join([self.method.lower(), *words]).replace("-", "_")

    def get_tags(self) -> list[str]:
        """The first part of the path."""
        return [self.path.removeprefix(BASE).partition("/")[0]]

    def get_auth(self) -> list[dict[str, Any]]:
        """Nothing of its own: the document says it for all calls."""
        return []

    def map_parsers(self) -> list[str]:
        """The media types of a body."""
        return list(TYPES)

    def _get_format_parameters(self) -> list[dict[str, Any]]:
        """None: the header `Accept` chooses the media type, the query never does."""
        return []

    def _get_request_body(self, direction: str = "request") -> dict[str, Any] | None:
        """A body that is described is to be sent."""
        found: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        return found and {**found, "required": True}

    def _resolve_path_parameters(self, variables: Iterable[str]) -> list[dict[str, Any]]:
        schemas = {"pk": {"type": "string", "pattern": "^[0-9a-f-]+$"}}
        text = {"type": "string", "minLength": 1}
        return [{"name": each, "in": "path", "required": True, "schema": schemas.get(each, text)} for each in variables]

    def _map_serializer(self, serializer: Any, direction: str, bypass_extensions: bool = False) -> dict[str, Any]:
        mapped = super()._map_serializer
        schema: dict[str, Any] = mapped(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        return {**schema, "additionalProperties": False} if isinstance(serializer, Asked) else schema
