"""Grids: list, make, read, change, delete, and what hangs on each."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...access.scope import Awareness
from ...core.grids.kinds import KINDS
from ...core.selector import Requirement, matches, parse_selector
from ...core.text import REQUIRED, Invalid, Problem, must_be, say
from ...models import Grid, ServiceGroup
from ...queries.freshness import Freshness, freshness
from ...queries.plans import plan_of
from ...queries.remedies import remedies_of
from ...queries.revision import is_known
from ..description.operations import PAGED, PLANNED, SELECTOR, Parameter, either, operation, page
from ..http.address import address
from ..http.problems import ErrorSerializer
from ..views import PortalView, unless_unchanged
from .fields import FIELDS, listed, read_fields, unread, without
from .manifests import etag, grid
from .merge_patch import merged
from .plans import Planned, PlanSerializer
from .remedies import StatusRemedySerializer, cure
from .serializers import (
    GridSerializer,
    ListedGridSerializer,
    RecreateChildRequestSerializer,
    RecreateRequestSerializer,
)

NAMESPACE = Parameter("namespace", "Only this namespace.")
GROUP = Parameter("group", "Only grids bound to this label key.")
PROPAGATION = Parameter(
    "propagationPolicy",
    "What becomes of the children: they go (default), or stay with `Orphan`.",
    choices=("Background", "Foreground", "Orphan"),
    default="Background",
)

PATCH = {"type": "object", "description": "A JSON merge patch (RFC 7396); null removes."}


class GridView(PortalView):
    """A view of grids of one kind."""

    scoped: Awareness = "grids"
    scoped_writes: Awareness = "grids"

    kind = "DeploymentGrid"

    def path(self, namespace: str, name: str) -> str:
        """The path of a grid, whether or not it is there."""
        return f"{KINDS[self.kind].plural}/{namespace}/{name}"

    def row(self, namespace: str, name: str) -> "QuerySet[Grid]":
        """The row of a grid that is there, as a query."""
        return Grid.objects.filter(kind=self.kind, namespace=namespace, name=name)

    def shown(self, row: Grid, fresh: Freshness | None = None) -> Response:
        """A grid as an answer, with its ETag."""
        manifest = grid(row, fresh or freshness(), whole=True)
        cures = [cure(remedy, reason) for reason, remedy in remedies_of(row)]
        manifest["status"]["remedies"] = StatusRemedySerializer.each_of(cures)
        tag = etag(row, manifest, self.request.accepted_renderer.media_type)
        return Response(manifest, headers={"ETag": tag})

    def stored(self, row: Grid, status: int = 200) -> Response:
        """The answer to a write: 202 in place of `status` while the cluster cannot be reached."""
        fresh = freshness()
        answer = self.shown(row, fresh)
        answer.status_code = 202 if fresh.unreachable_since else status
        return answer

    def answered(self, saved: actions.Saved, status: int = 200) -> Response:
        """The answer to a save or, in a dry run, the plan; with what the caller should know although it was taken."""
        told = saved.warnings
        if self.dry_run or saved.grid is None:
            return self.warned(Response(PlanSerializer.of(saved)), told)
        answer = self.stored(saved.grid, status)
        if told:
            answer.data["status"] = {**answer.data["status"], "warnings": ErrorSerializer.each_of(told)}
        return self.warned(answer, told)

    def at(self, namespace: str, name: str) -> Grid:
        """The grid at this address. Raises NotFound."""
        plural = KINDS[self.kind].plural
        row = Grid.objects.at(plural, namespace, name).first()
        if row is None:
            raise actions.NotFound(f"{plural}/{namespace}/{name}")
        return row

    def checked_kind(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The manifest, if it is of this address's kind. Raises Invalid."""
        if manifest.get("kind") in list(KINDS) and manifest["kind"] != self.kind:
            raise Invalid(Problem("/kind", say("a %(kind)s is expected here", kind=self.kind)))
        return manifest

    def save(self, manifest: dict[str, Any], **how: Any) -> actions.Saved:
        """Save one manifest."""
        return actions.save_grids([manifest], self.actor, dry_run=self.dry_run, **how)[0]


class GridList(GridView):
    """The grids of one kind."""

    @operation(
        "List grids",
        takes=(NAMESPACE, SELECTOR, GROUP, FIELDS, *PAGED),
        answers={200: page(ListedGridSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request) -> Response:
        """A page of grids in order of namespace and name; it ends early where it would be larger than 1 MB."""
        wanted = parse_selector(self.query["labelSelector"])
        fields = read_fields(self.query["fields"])
        columns = [column for column in unread(fields) if not (wanted and column == "metadata")]
        rows = Grid.objects.filter(kind=self.kind).defer("sentences", *columns)
        if self.query["namespace"]:
            rows = rows.filter(namespace=self.query["namespace"])
        if self.query["group"]:
            rows = rows.filter(key=self.query["group"])
        fresh = freshness()

        def shape(row: Grid) -> Any:
            return listed(grid(without(row, columns), fresh), fields)

        if wanted:
            found = [row for row in rows.iterator() if _selected(row, wanted)]
            return self.page_of(found, lambda row: (row.namespace, row.name), shape)
        return self.page(rows, ("namespace", "name"), shape)

    @operation(
        "Make a grid",
        takes=PLANNED,
        body=GridSerializer,
        answers={201: GridSerializer, 202: GridSerializer, 200: PlanSerializer},
        refusals=(409,),
        headers=("ETag", "Location"),
    )
    def post(self, _request: Request) -> Response:
        """Make a grid from a manifest as `kubectl apply` takes it."""
        saved = self.save(self.checked_kind(self.document()), create_only=True)
        answer = self.answered(saved, 201)
        if not self.dry_run:
            answer.headers["Location"] = address(saved.path)
        return answer


def _selected(row: Grid, wanted: tuple[Requirement, ...]) -> bool:
    return matches(wanted, row.metadata.get("labels") or {})


class GridDetail(GridView):
    """One grid."""

    @operation("Read a grid", answers={200: GridSerializer, 304: None}, headers=("ETag",))
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """The manifest with its status."""
        answer = self.shown(self.at(namespace, name))
        if is_known(answer.headers["ETag"], request.headers.get("If-None-Match", "")):
            return Response(None, 304, headers={"ETag": answer.headers["ETag"]})
        return answer

    @operation(
        "Replace a grid",
        takes=PLANNED,
        body=GridSerializer,
        answers={200: either(GridSerializer, PlanSerializer), 202: GridSerializer},
        refusals=(409,),
        headers=("ETag",),
        needs_match=True,
    )
    def put(self, _request: Request, namespace: str, name: str) -> Response:
        """Replace the grid's labels, annotations and spec."""
        row = self.at(namespace, name)
        return self._change(row, self.expected(row.etag), self.document())

    @operation(
        "Change a grid",
        takes=PLANNED,
        body=PATCH,
        answers={200: either(GridSerializer, PlanSerializer), 202: GridSerializer},
        refusals=(409,),
        headers=("ETag",),
        needs_match=True,
    )
    def patch(self, _request: Request, namespace: str, name: str) -> Response:
        """Change the grid by a JSON merge patch (RFC 7396): null removes."""
        row = self.at(namespace, name)
        return self._change(row, self.expected(row.etag), merged(row.source(), self.document()))

    def _change(self, row: Grid, expect: str, manifest: dict[str, Any]) -> Response:
        return self.answered(self.save(at_home(row, self.checked_kind(manifest)), expect=expect))

    @operation(
        "Delete a grid",
        takes=(*PLANNED, PROPAGATION),
        answers={202: GridSerializer, 200: PlanSerializer},
        headers=(),
        needs_match=True,
    )
    def delete(self, _request: Request, namespace: str, name: str) -> Response:
        """Delete the grid: its children go first, then it answers 404."""
        row = self.at(namespace, name)
        propagation = self.query["propagationPolicy"]
        gone = actions.delete_grid(
            row, self.actor, expect=self.expected(row.etag), propagation=propagation, dry_run=self.dry_run
        )
        if self.dry_run:
            return Response(PlanSerializer.of(Planned(row.path, "deleted", gone)))
        row = Grid.objects.filter(pk=row.pk).first() or row
        return Response(grid(row, freshness()), 202)


def at_home(row: Grid | ServiceGroup, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the address's namespace where it names none. Raises Invalid where it names another object."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        return manifest
    metadata = {**metadata, "namespace": metadata.get("namespace") or row.namespace}
    problems = [
        Problem(f"/metadata/{each}", must_be(getattr(row, each)))
        for each in ("namespace", "name")
        if metadata.get(each) != getattr(row, each)
    ]
    if problems:
        raise Invalid(*problems)
    return {**manifest, "metadata": metadata}


class GridPlan(GridView):
    """What would run now."""

    @operation("Read a grid's plan", answers={200: PlanSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The steps that would run now, by what was last seen of the cluster."""
        row = self.at(namespace, name)
        return Response(PlanSerializer.of(Planned(row.path, "unchanged", plan_of(row))))


class GridRecreate(GridView):
    """Deleting one child, to be made anew."""

    @operation(
        "Recreate a unit's child",
        takes=PLANNED,
        body=RecreateRequestSerializer,
        answers={202: GridSerializer, 200: PlanSerializer},
        headers=("ETag",),
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Have a unit's child, or a ServiceGrid's Service, made anew: for fields that a live object cannot take."""
        row = self.at(namespace, name)
        planned = actions.recreate_unit(row, self._unit(row), self.actor, dry_run=self.dry_run)
        if self.dry_run:
            return Response(PlanSerializer.of(Planned(row.path, "configured", planned)))
        answer = self.shown(row)
        answer.status_code = 202
        return answer

    def _unit(self, row: Grid) -> str:
        """Whose child it is: a ServiceGrid has one Service for all units. Raises Refusal, Invalid."""
        one = row.kind == "ServiceGrid"
        unit = self.fields(RecreateRequestSerializer if one else RecreateChildRequestSerializer).get("unit") or ""
        if not one and not unit:
            raise Invalid(Problem("/unit", REQUIRED))
        if one and unit:
            raise Invalid(Problem("/unit", say("a ServiceGrid has one Service for all NodeUnits; leave the unit out")))
        return str(unit)


class GridUnusedTemplates(GridView):
    """Templates nobody uses."""

    @operation(
        "Remove unused templates",
        takes=PLANNED,
        answers={200: either(GridSerializer, PlanSerializer), 202: GridSerializer},
        headers=("ETag",),
        needs_match=True,
    )
    def delete(self, _request: Request, namespace: str, name: str) -> Response:
        """Take the entries of `templatePool` that nothing refers to out of the grid."""
        row = self.at(namespace, name)
        saved = actions.remove_unused_templates(row, self.actor, expect=self.expected(row.etag), dry_run=self.dry_run)
        return self.answered(saved)
