"""What waits for a person while everything else goes on, and deciding about it."""

from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.text import Invalid, Problem, say
from ...queries.held import held
from ..description.operations import PAGED, PLANNED, operation, page
from ..views import PortalView
from .serializers import Done, HeldDecisionSerializer, HeldRequestSerializer, HeldSerializer


class Decisions(PortalView):
    """The things that wait for a person, each with its choices."""

    @operation("List what waits for a person", takes=PAGED, answers={200: page(HeldSerializer)})
    def get(self, _request: Request) -> Response:
        """A page in order of the grids. Why everything stops, if it does, is `halt` of `GET /cluster`."""
        return self.page_of(held(), lambda each: (each.grid.path, each.kind), HeldSerializer.of)

    @operation(
        "Decide about what waits",
        takes=PLANNED,
        body=HeldRequestSerializer,
        answers={200: HeldDecisionSerializer},
        refusals=(409, 412),
    )
    def post(self, _request: Request) -> Response:
        """Do with `items`, the `id`s of what was read, as `choice` says, one of their `choices`: all of them or none.
        With `units`, some of their `units`, only the workloads there are decided about. 412 where one is not as it was
        read."""
        asked = self.fields(HeldRequestSerializer)
        if not asked["items"]:
            raise Invalid(Problem("/items", say("name at least one pending item by its “id”")))
        try:
            decided, planned = actions.decide_held(
                asked["choice"], asked["items"], self.actor, units=asked.get("units"), dry_run=self.dry_run
            )
        except actions.Stale:
            if self.query["plan"]:
                raise actions.PlanChanged from None
            raise
        return Response(HeldDecisionSerializer.of(Done(planned, [each.grid.path for each in decided], len(held()))))
