"""The OpenAPI 3.1 description, and Swagger UI over it."""

import threading
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from ..description.operations import operation
from ..views import PortalView

_lock = threading.Lock()  # the generator keeps components in one place for all threads


def description() -> dict[str, Any]:
    """The whole OpenAPI document, made once."""
    with _lock:
        return _description()


@cache
def _description() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return {**found, "security": [{"token": []}, {"session": []}]}


class Schema(PortalView):
    """This description."""

    scoped = "units"

    @operation("Read this description", answers={200: {"type": "object", "description": "This document."}})
    def get(self, _request: Request) -> Response:
        """The OpenAPI 3.1 document."""
        return Response(description())


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files; works without any other server. It asks for a role like every page
    (`dashboard.page.access.needs`, in `urls`)."""

    http_method_names = ("get", "head")
    permission_classes = (AllowAny,)
    schema = None
    template_name = "docs/swagger.html"
    url_name = "schema"
