"""Applying a bundle: many manifests at once, all valid or nothing stored."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.text import Invalid, Problem, say
from ...queries.freshness import freshness
from ..description.operations import DRY_RUN, operation
from ..http.values import warnings
from ..views import PortalView
from . import shapes


class Apply(PortalView):
    """Many manifests at once."""

    @operation("Apply a bundle", takes=(DRY_RUN,), body="Bundle", answers={200: "Applied", 202: "Applied"})
    def post(self, _request: Request) -> Response:
        """Create or change every grid of a YAML stream, a JSON list or a `List`; all are validated first."""
        manifests = list(_manifests(self.documents()))
        if not manifests:
            raise Invalid(Problem("", say("at least one manifest is expected")))
        results = actions.save_grids(manifests, self.actor, dry_run=self.dry_run)
        later = not self.dry_run and freshness().unreachable_since is not None
        answer = Response({"items": [self._result(each) for each in results], "next": None}, 202 if later else 200)
        return self.warned(answer, (warning for each in results for warning in each.warnings))

    def _result(self, saved: actions.Saved) -> dict[str, Any]:
        _, namespace, name = saved.path.split("/")
        found: dict[str, Any] = {"path": saved.path, "namespace": namespace, "name": name, "result": saved.result}
        found["warnings"] = warnings(saved.warnings)
        if saved.grid:
            found |= {"kind": saved.grid.kind, "uid": saved.grid.manifest()["metadata"]["uid"]}
        return {**found, **(shapes.plan(saved.plan) if self.dry_run else {})}


def _manifests(documents: Iterable[Any]) -> Iterator[Any]:
    """The manifests of a body's documents; a list, Kubernetes' `List` or `{"items": [...]}`, stands for its items."""
    for document in documents:
        if isinstance(document, Mapping) and document.get("kind", "List") == "List" and "items" in document:
            items = document["items"]
            yield from items if isinstance(items, list) else [items]
        else:
            yield document
