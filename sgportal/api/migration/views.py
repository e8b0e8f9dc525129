"""Importing over REST."""

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ..description.operations import PLANNED, operation
from ..views import PortalView
from .serializers import Import, ImportSerializer

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
