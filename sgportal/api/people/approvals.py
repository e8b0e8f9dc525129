"""What people asked to do, and what another person has to approve first."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core import text
from ...core.access.four_eyes import ACTIONS
from ...core.text import Invalid, Problem, say
from ...models.approvals import Approval
from ..description.operations import PAGED, operation, page
from ..http.shapes import Asked, Count, Instant, Shape, one_of
from ..views import PortalView

STATES = (*Approval.State.values, "expired")


class ApprovalSerializer(Shape):
    """What somebody asked to do; `plan` is the id of the only plan that an approval is for, `shown` that plan."""

    id = Count(source="pk")
    actor = serializers.CharField()
    action = one_of(*ACTIONS)
    path = serializers.CharField()
    plan = serializers.CharField()
    shown = serializers.JSONField()
    state = one_of(*STATES, source="status")
    askedAt = Instant()
    expiresAt = Instant()
    decidedBy = serializers.CharField()
    decidedAt = Instant()


class ApprovalChoiceSerializer(Asked):
    """What to do with a request: approve or refuse."""

    choice = serializers.CharField()


_CHOICES = {"approve": actions.approve_request, "refuse": actions.refuse_request}


class ApprovalList(PortalView):
    """What people asked to do."""

    read_role = "operator"
    scoped = "grids"

    @operation("List what another person has to approve", takes=PAGED, answers={200: page(ApprovalSerializer)})
    def get(self, _request: Request) -> Response:
        """Requests for what takes two people here (`SGPORTAL_FOUR_EYES`), newest first, with their state."""
        return self.page(Approval.objects.all(), ("-pk",), ApprovalSerializer.of)


class ApprovalDetail(PortalView):
    """One request."""

    read_role = write_role = "operator"
    scoped = scoped_writes = "grids"
    sessions_only = ("POST",)
    only_in_sessions = say("a token stands for no second person; log in, and approve or refuse in that session")

    @operation("Read a request for approval", answers={200: ApprovalSerializer})
    def get(self, _request: Request, pk: int) -> Response:
        """Who asked for what, with the plan, and what became of it."""
        row = Approval.objects.filter(pk=pk).first()
        if row is None:
            raise actions.NotFound(f"approvals/{pk}")
        return Response(ApprovalSerializer.of(row))

    @operation(
        "Approve or refuse a request",
        body=ApprovalChoiceSerializer,
        answers={200: ApprovalSerializer},
        refusals=(409,),
    )
    def post(self, _request: Request, pk: int) -> Response:
        """`approve` lets whoever asked carry out just this plan, once; nobody approves their own. `refuse` ends it, and
        takes one's own back. Not for tokens."""
        choice = self.fields(ApprovalChoiceSerializer)["choice"]
        if choice not in _CHOICES:
            raise Invalid(Problem("/choice", text.one_of(tuple(_CHOICES))))
        row = _CHOICES[choice](pk, self.actor)
        return Response(ApprovalSerializer.of(row))
