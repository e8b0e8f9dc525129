"""Where traffic to Services goes: those of ServiceGrids, and those that SuperEdge's filter on the nodes would keep."""

from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.traffic.proof.proof import NodeProof
from ...queries.endpoints import annotated, endpoints_of
from ...queries.remedies import remedies
from ..description.operations import PAGED, operation
from ..views import PortalView
from . import shapes
from .views import GridView


class ServiceList(PortalView):
    """Services with the annotation `topologyKeys`."""

    @operation("List Services that SuperEdge's filter would keep", takes=PAGED, answers={200: "[AnnotatedService]"})
    def get(self, _request: Request) -> Response:
        """Services that no ServiceGrid makes and that have the annotation `topologyKeys`; the portal keeps none."""
        return self.page_of(annotated(), lambda each: (each.namespace, each.name), shapes.annotated)


class ServiceEndpoints(PortalView):
    """What each node would see of one of them."""

    @operation("List endpoints behind SuperEdge's filter", takes=PAGED, answers={200: "[NodeEndpoints]"})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """Per node the endpoints that SuperEdge's filter would leave it, by the pods last seen."""
        found = annotated(namespace, name)
        if not found:
            raise actions.NotFound(f"services/{namespace}/{name}")
        return self.page_of(found[0].nodes, lambda view: (view.node,), partial(shapes.endpoints, observed=False))


class GridEndpoints(GridView):
    """What each node sees of a ServiceGrid's Service."""

    kind = "ServiceGrid"

    @operation("List effective endpoints", takes=PAGED, answers={200: "[NodeEndpoints]"})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """Per node the endpoints it reaches, and whether they stay in its NodeUnit."""
        row = self.at(namespace, name)
        reach = endpoints_of(row)
        doors = remedies(row, ((each.reason, each.unit) for each in reach.nodes))

        def shown(view: NodeProof) -> dict[str, Any]:
            cures = [shapes.remedy(each) for each in doors.get((view.reason, view.unit), ())]
            return {**shapes.endpoints(view, reach.observed), "remedies": cures}

        return self.page_of(reach.nodes, lambda view: (view.node,), shown)
