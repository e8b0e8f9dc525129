"""Applying a bundle: many manifests at once, all valid or nothing stored."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.text import Invalid, Problem, say
from ...queries.freshness import freshness
from ..description.operations import PLANNED, either, operation
from ..views import PortalView
from .serializers import Applied, AppliedPage, AppliedPageSerializer, ManifestListSerializer, ManifestSerializer

# A YAML stream is a list, too.
BUNDLE = either(ManifestSerializer(many=True), ManifestListSerializer, ManifestSerializer, name="Bundle")


class Apply(PortalView):
    """Many manifests at once."""

    scoped, scoped_writes = "grids", "grids"

    @operation(
        "Apply a bundle",
        takes=PLANNED,
        body=BUNDLE,
        answers={200: AppliedPageSerializer, 202: AppliedPageSerializer},
    )
    def post(self, _request: Request) -> Response:
        """Create or change every grid of a YAML stream, a JSON list or a `List`; all are validated first."""
        manifests = list(_manifests(self.documents()))
        if not manifests:
            raise Invalid(Problem("", say("at least one manifest is expected")))
        results = actions.save_grids(manifests, self.actor, dry_run=self.dry_run)
        later = not self.dry_run and freshness().unreachable_since is not None
        applied = AppliedPage([Applied(each, self.dry_run) for each in results])
        answer = Response(AppliedPageSerializer.of(applied), 202 if later else 200)
        return self.warned(answer, (warning for each in results for warning in each.warnings))


def _manifests(documents: Iterable[Any]) -> Iterator[Any]:
    """The manifests of a body's documents; a list, Kubernetes' `List` or `{"items": [...]}`, stands for its items."""
    for document in documents:
        if isinstance(document, Mapping) and document.get("kind", "List") == "List" and "items" in document:
            items = document["items"]
            yield from items if isinstance(items, list) else [items]
        else:
            yield document
