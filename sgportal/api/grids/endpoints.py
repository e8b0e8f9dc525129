"""Where traffic to Services goes: those of ServiceGrids, and those that SuperEdge's filter on the nodes would keep."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.traffic.closure import MODES
from ...core.traffic.proof.proof import NodeProof, State
from ...core.traffic.proof.proxy import Backend
from ...queries.endpoints import annotated, endpoints_of
from ...queries.remedies import remedies
from ..description.operations import PAGED, operation, page
from ..http.shapes import Always, Count, Said, Shape, Texts, one_of
from ..views import PortalView
from .remedies import Cure, RemedySerializer, cure
from .views import GridView

# By what a mode is kept: a filter on the node that reads topologyKeys, hints that its kube-proxy obeys, or nothing.
ENFORCEMENT = {"wrapper": "annotation", "open": "none"}
HINTS = "hints"


class EndpointSerializer(Shape):
    """An endpoint that a node reaches."""

    pod = serializers.CharField()
    ip = serializers.CharField(source="address")
    node = serializers.CharField()
    unit = serializers.CharField()


class GuiltySerializer(Shape):
    """An endpoint that a node should not reach, and the EndpointSlice that lists it."""

    address = serializers.CharField()
    slice = serializers.CharField()
    node = serializers.CharField()

    def get_address(self, endpoint: Backend) -> str:
        """With its port."""
        return str(endpoint)


class Reached(NamedTuple):
    """What one node reaches; `observed`: read off the EndpointSlices last seen."""

    proof: NodeProof
    observed: bool
    remedies: Sequence[Cure] | None = None


class NodeEndpointsSerializer(Shape):
    """What one node reaches of a Service; `closed` says whether nothing outside its NodeUnit is among it (null: not
    known), and `enforcement` by what that is kept: `annotation` needs a filter on the node that reads topologyKeys,
    `hints` are obeyed by its kube-proxy, `none` is what mode open asks for. `observed`: read off the EndpointSlices
    last seen."""

    node = serializers.CharField(source="proof.node")
    unit = serializers.CharField(source="proof.unit")
    endpoints = EndpointSerializer(many=True, source="proof.endpoints")
    state = one_of(State, source="proof.state")
    enforcement = one_of(*ENFORCEMENT.values(), HINTS)
    mode = one_of(*MODES, source="proof.mode")
    observed = serializers.BooleanField()
    guilty = GuiltySerializer(many=True, source="proof.guilty")
    closed = serializers.BooleanField(allow_null=True)
    code = serializers.CharField(source="proof.reason")
    reason = Said(source="proof.sentence")
    remedies = RemedySerializer(many=True, required=False)

    def get_enforcement(self, reached: Reached) -> str:
        """By what the mode is kept."""
        return ENFORCEMENT.get(reached.proof.mode, HINTS)

    def get_closed(self, reached: Reached) -> bool | None:
        """Whether nothing outside the node's NodeUnit is reached."""
        state = reached.proof.state
        return None if state == "unknown" else state in ("closed", "refusing")


class AnnotatedServiceSerializer(Shape):
    """A Service that no ServiceGrid makes, as SuperEdge's filter would keep it; `nodes` counts those in each state."""

    namespace = serializers.CharField()
    name = serializers.CharField()
    topologyKeys = Texts(source="keys")
    nodes = serializers.DictField(child=Count(), source="states")
    enforcement = Always(ENFORCEMENT["wrapper"])
    reason = Said()


class ServiceList(PortalView):
    """Services with the annotation `topologyKeys`."""

    @operation(
        "List Services that SuperEdge's filter would keep",
        takes=PAGED,
        answers={200: page(AnnotatedServiceSerializer)},
    )
    def get(self, _request: Request) -> Response:
        """Services that no ServiceGrid makes and that have the annotation `topologyKeys`; the portal keeps none."""
        return self.page_of(annotated(), lambda each: (each.namespace, each.name), AnnotatedServiceSerializer.of)


class ServiceEndpoints(PortalView):
    """What each node would see of one of them."""

    @operation("List endpoints behind SuperEdge's filter", takes=PAGED, answers={200: page(NodeEndpointsSerializer)})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """Per node the endpoints that SuperEdge's filter would leave it, by the pods last seen."""
        found = annotated(namespace, name)
        if not found:
            raise actions.NotFound(f"services/{namespace}/{name}")
        return self.page_of(
            found[0].nodes, lambda view: (view.node,), lambda view: NodeEndpointsSerializer.of(Reached(view, False))
        )


class GridEndpoints(GridView):
    """What each node sees of a ServiceGrid's Service."""

    kind = "ServiceGrid"

    @operation("List effective endpoints", takes=PAGED, answers={200: page(NodeEndpointsSerializer)})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """Per node the endpoints it reaches, and whether they stay in its NodeUnit."""
        row = self.at(namespace, name)
        reach = endpoints_of(row)
        doors = remedies(row, ((each.reason, each.unit) for each in reach.nodes))

        def shown(view: NodeProof) -> dict[str, Any]:
            cures = [cure(each) for each in doors.get((view.reason, view.unit), ())]
            return NodeEndpointsSerializer.of(Reached(view, reach.observed, cures))

        return self.page_of(reach.nodes, lambda view: (view.node,), shown)
