"""What happened to a grid, its stored versions, and going back to one."""

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.grids.kinds import KINDS
from ...models import Grid, GridEvent, Revision
from ..description.operations import PAGED, PLANNED, either, operation, page
from .plans import PlanSerializer
from .serializers import EventSerializer, GridSerializer, RestoreRequestSerializer, RevisionSerializer
from .views import GridView


class GridRevisions(GridView):
    """The history of a grid."""

    @operation("List a grid's revisions", takes=PAGED, answers={200: page(RevisionSerializer)})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """Every stored version of the spec, latest first; those of a grid that was deleted, too."""
        row = Grid.objects.filter(kind=self.kind, namespace=namespace, name=name).first()
        path = f"{KINDS[self.kind].plural}/{namespace}/{name}"
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
        row = Grid.objects.filter(kind=self.kind, namespace=namespace, name=name).first()
        expect = self.expected(row.etag) if row and not self.dry_run else None
        path = f"{KINDS[self.kind].plural}/{namespace}/{name}"
        return self.answered(actions.restore_revision(path, number, self.actor, expect=expect, dry_run=self.dry_run))


class GridEvents(GridView):
    """What happened to a grid."""

    scoped = "units"

    @operation("List a grid's events", takes=PAGED, answers={200: page(EventSerializer)})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """What happened and why, latest first."""
        rows = GridEvent.objects.filter(path=self.at(namespace, name).path)
        return self.page(rows, ("-last_at", "-pk"), EventSerializer.of)
