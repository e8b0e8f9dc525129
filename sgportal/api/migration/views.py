"""Importing and exporting over REST."""

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...queries.per_unit.exports import MOST_CHILDREN, Exported, exported, grids_to_export
from ..description.operations import CURSOR, PLANNED, Parameter, operation
from ..grids.views import NAMESPACE
from ..views import PortalView
from .serializers import ExportSerializer, Import, ImportSerializer

FEW = Parameter("limit", "How many grids at most.", most=50, default=20)  # each may run in a thousand NodeUnits
# Whatever kubectl prints of them: any object, a list of such, or a List.
OBJECTS = {
    "type": "object",
    "description": "Objects of SuperEdge, OpenYurt or KubeEdge: a YAML stream, a list, a List.",
}


class ImportObjects(PortalView):
    """Coming from others."""

    reads_nodes = True

    @operation(
        "Import from SuperEdge, OpenYurt or KubeEdge",
        takes=PLANNED,
        body=OBJECTS,
        answers={200: ImportSerializer, 202: ImportSerializer},
    )
    def post(self, _request: Request) -> Response:
        """Make grids and node labels of objects of SuperEdge (grids, NodeUnit, NodeGroup), OpenYurt (NodePool,
        YurtAppSet, YurtAppDaemon, YurtAppOverrider) and KubeEdge (NodeGroup, EdgeApplication). `dryRun=All` reports
        what becomes of every field. 202: nodes are labelled by a job."""
        done = actions.import_objects(self.documents(), self.actor, dry_run=self.dry_run)
        answer = Response(ImportSerializer.of(Import(done, self.dry_run)), 202 if done.job else 200)
        return self.warned(answer, (warning for each in done.saved for warning in each.warnings))


class ExportObjects(PortalView):
    """Leaving."""

    scoped = "grids"

    @operation("Export as plain manifests", takes=(NAMESPACE, FEW, CURSOR), answers={200: ExportSerializer})
    def get(self, _request: Request) -> Response:
        """The Deployments, StatefulSets and Services of grids as plain manifests that go on without the portal: without
        owner, labels and annotations of its own. A page has those of `limit` grids at most, and ends before the grid
        with which it would have more than 2,000."""
        pages = self.pages()
        page = pages.of_rows(grids_to_export(self.query["namespace"]), ("namespace", "kind", "name"), lambda grid: grid)
        found: list[Exported] = []
        for each in exported(page["items"]):
            if found and sum(len(one.manifests) for one in (*found, each)) > MOST_CHILDREN:
                last = page["items"][len(found) - 1]
                page["next"] = pages.cursor([last.namespace, last.kind, last.name])
                break
            found.append(each)
        return Response(
            ExportSerializer.of(
                {
                    "items": [manifest for each in found for manifest in each.manifests],
                    "remarks": [remark for each in found for remark in each.remarks],
                    "next": page["next"],
                }
            )
        )
