"""What happened to a grid, its stored versions, and going back to one."""

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.grids.changes import changes_between
from ...core.grids.group import by_member
from ...models import GridEvent, PackageRevision, Revision, ServiceGroup
from ..description.operations import PAGED, PLANNED, either, operation, page
from ..views import unless_rows_unchanged
from .groups import GroupView
from .plans import GroupPlanSerializer, PlanSerializer
from .revisions import FROM, TO, RevisionDiff, RevisionDiffSerializer
from .serializers import (
    EventSerializer,
    GridSerializer,
    PackageRevisionSerializer,
    RestoreRequestSerializer,
    RevisionSerializer,
    ServiceGroupSerializer,
)
from .views import GridView


class GridRevisions(GridView):
    """The history of a grid."""

    @operation(
        "List a grid's revisions",
        takes=PAGED,
        answers={200: page(RevisionSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_rows_unchanged(
        lambda view, **at: [view.row(**at), Revision.objects.filter(path=view.path(**at)).order_by("-pk")]
    )
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """Every stored version of the spec, latest first; those of a grid that was deleted, too."""
        row, path = self.row(namespace, name).first(), self.path(namespace, name)
        rows = row.revisions.all() if row else Revision.objects.filter(path=path)
        if row is None and not rows.exists():
            raise actions.NotFound(path)
        return self.page(rows, ("-number",) if row else ("-created_at", "-pk"), RevisionSerializer.of)


class GridRestore(GridView):
    """Going back to a revision."""

    @operation(
        "Restore a revision",
        takes=PLANNED,
        body=RestoreRequestSerializer,
        answers={200: either(GridSerializer, PlanSerializer), 202: GridSerializer},
        refusals=(409, 412),
        headers=("ETag",),
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Make the grid what one of its revisions says; a grid that was deleted is created anew. `If-Match` is needed
        for a grid that exists."""
        number = self.fields(RestoreRequestSerializer)["revision"]
        path = self.path(namespace, name)
        if not Revision.objects.filter(path=path, number=number).exists():  # in scope
            raise actions.NotFound(f"{path}@{number}")
        row = self.row(namespace, name).first()
        expect = self.expected(row.etag) if row and not self.dry_run else None
        return self.answered(actions.restore_revision(path, number, self.actor, expect=expect, dry_run=self.dry_run))


class GridEvents(GridView):
    """What happened to a grid."""

    scoped = "units"

    @operation("List a grid's events", takes=PAGED, answers={200: page(EventSerializer), 304: None}, headers=("ETag",))
    @unless_rows_unchanged(lambda view, **at: [view.row(**at), _events(view.path(**at))])
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """What happened and why, latest first."""
        return self.page(_events(self.at(namespace, name).path), ("-last_at", "-pk"), EventSerializer.of)


class GroupRevisions(GroupView):
    """The history of a package."""

    @operation(
        "List a ServiceGroup's revisions",
        takes=PAGED,
        answers={200: page(PackageRevisionSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_rows_unchanged(lambda _view, **at: [_of_package(**at).order_by("-pk")])
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """Every stored version of the package with its members, latest first; those of one that was deleted, too."""
        rows = _of_package(namespace, name)
        if not rows.exists():
            raise actions.NotFound(f"servicegroups/{namespace}/{name}")
        return self.page(rows, ("-created_at", "-pk"), PackageRevisionSerializer.of)


class GroupRevisionDiff(GroupView):
    """Two revisions of a package."""

    @operation("Compare two revisions of a ServiceGroup", takes=(FROM, TO), answers={200: RevisionDiffSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The fields in which two stored versions of the package differ; a member stands at
        `/spec/grids/<plural>~1<name>`, wherever it is in the list."""
        first, second = (self._written(namespace, name, self.query[each]) for each in ("from", "to"))
        changes = list(changes_between(first, second))
        return Response(RevisionDiffSerializer.of(RevisionDiff(self.query["from"], self.query["to"], changes)))

    def _written(self, namespace: str, name: str, number: int) -> object:
        found = _of_package(namespace, name).filter(number=number).order_by("-created_at").first()
        if found is None:
            raise actions.NotFound(f"servicegroups/{namespace}/{name}@{number}")
        return {"metadata": found.metadata, "spec": by_member(found.spec)}


class GroupRestore(GroupView):
    """Going back to a revision of a package."""

    @operation(
        "Restore a revision of a ServiceGroup",
        takes=PLANNED,
        body=RestoreRequestSerializer,
        answers={200: either(ServiceGroupSerializer, GroupPlanSerializer), 202: ServiceGroupSerializer},
        refusals=(409, 412),
        headers=("ETag",),
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Make the package and all of its members what one of its revisions says; one that was deleted is made anew.
        `If-Match` is needed for a package that exists."""
        number = self.fields(RestoreRequestSerializer)["revision"]
        if not _of_package(namespace, name).filter(number=number).exists():  # in scope
            raise actions.NotFound(f"servicegroups/{namespace}/{name}@{number}")
        row = ServiceGroup.objects.filter(namespace=namespace, name=name, deleting_since=None).first()
        expect = self.expected(row.etag) if row and not self.dry_run else None
        saved = actions.restore_package(namespace, name, number, self.actor, expect=expect, dry_run=self.dry_run)
        return self.stored(saved, 200)


def _revisions(path: str) -> "QuerySet[Revision]":
    return Revision.objects.filter(path=path).order_by("-pk")


def _events(path: str) -> "QuerySet[GridEvent]":
    return GridEvent.objects.filter(path=path).order_by("-last_at", "-pk")


def _of_package(namespace: str, name: str) -> "QuerySet[PackageRevision]":
    """The revisions of the package that is there; of those that were, where none is."""
    rows = PackageRevision.objects.filter(namespace=namespace, name=name)
    return rows.exclude(group=None) if rows.exclude(group=None).exists() else rows
