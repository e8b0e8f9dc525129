"""The cluster as a whole: what it is, what its definitions hold, who manages the grids, and changing that."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...models import DataPlane, ManagedCluster, ManagementMode
from ...queries.capabilities import abilities
from ..description.operations import PLANNED, either, operation
from ..http.shapes import Asked
from ..views import PortalView
from .serializers import (
    ClusterSerializer,
    DecisionRequestSerializer,
    Found,
    HandBackSerializer,
    Known,
    TakeOverRequestSerializer,
    TakeOverSerializer,
    Tried,
    TriedDecisionSerializer,
)


def _known() -> Known:
    return Known(ManagementMode.now(), ManagedCluster.now(), DataPlane.now(), abilities())


def _cluster() -> dict[str, Any]:
    return ClusterSerializer.of(_known())


class ClusterDetail(PortalView):
    """The cluster."""

    @operation("Read the cluster's state", answers={200: ClusterSerializer})
    def get(self, _request: Request) -> Response:
        """Its version, its data plane and whether that and its nodes can keep a closed loop, the definitions of the
        grids and what they drop, whether SuperEdge's own controller runs, and who writes."""
        return Response(_cluster())


class ClusterDefinitions(PortalView):
    """The definitions of the grids."""

    write_role = "admin"

    @operation("Replace the definitions", answers={202: ClusterSerializer}, refusals=(409, 503))
    def post(self, _request: Request) -> Response:
        """Put the portal's definitions of the grids in the place of SuperEdge's, with every grid kept. `task` tells
        when it is done."""
        self.fields(Asked)
        actions.upgrade_definitions(self.actor)
        return Response(_cluster(), 202)


class TakeOver(PortalView):
    """Taking over from SuperEdge's controller."""

    write_role = "admin"

    @operation(
        "Take over from SuperEdge",
        takes=PLANNED,
        body=TakeOverRequestSerializer,
        answers={200: either(ClusterSerializer, TakeOverSerializer)},
        refusals=(409, 503),
    )
    def post(self, _request: Request) -> Response:
        """Manage the grids from now on. The children stay as they are; where its controller still runs, or a child
        would be restarted, it takes `force`. A dry run lists every step."""
        asked = self.fields(TakeOverRequestSerializer)
        found = actions.take_over(self.actor, force=bool(asked.get("force")), dry_run=self.dry_run)
        if not self.dry_run:
            return Response(_cluster())
        return Response(TakeOverSerializer.of(found))


class HandBack(PortalView):
    """Handing the grids back to SuperEdge's controller."""

    write_role = "admin"

    @operation(
        "Hand back to SuperEdge",
        takes=PLANNED,
        answers={202: ClusterSerializer, 200: HandBackSerializer},
        refusals=(409,),
    )
    def post(self, _request: Request) -> Response:
        """Leave every child as SuperEdge would make it and write nothing more. `task` tells when it is done and what to
        do then. A dry run lists every step."""
        self.fields(Asked)
        steps = actions.hand_back(self.actor, dry_run=self.dry_run)
        if self.dry_run:
            return Response(HandBackSerializer.of(Found(steps)))
        return Response(_cluster(), 202)


class Decision(PortalView):
    """What is done while everything stops, because the cluster is another one or everything is gone from it."""

    @operation(
        "Decide what is right after a halt",
        takes=PLANNED,
        body=DecisionRequestSerializer,
        answers={200: either(ClusterSerializer, TriedDecisionSerializer)},
        refusals=(409, 412),
    )
    def post(self, _request: Request) -> Response:
        """Go on: `choice` is one of `halt.choices` of `GET /cluster`, `halt` is `halt.id` of it, so that the decision
        is about what was read; 412 where it is about another. A dry run says whether it may be chosen, and adds
        every step that it comes to."""
        asked = self.fields(DecisionRequestSerializer)
        planned = actions.decide(asked["choice"], asked["halt"], self.actor, dry_run=self.dry_run)
        if self.dry_run:
            return Response(TriedDecisionSerializer.of(Tried(planned, *_known())))
        return Response(_cluster())
