"""The timeline of what happened, over REST."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ...core.text import Invalid, Problem, say
from ...queries.fleet import activity
from ...queries.per_unit.past import read_instant
from ..description.operations import PAGED, Parameter, operation, page
from ..http.shapes import Count, Instant, Said, Shape, one_of
from ..views import PortalView, unless_rows_unchanged

KIND = Parameter("kind", "Only what people changed, rollouts, or incidents.", choices=activity.KINDS)
SINCE = Parameter("since", "Only from this instant on (RFC 3339).")
UNTIL = Parameter("until", "Only up to this instant (RFC 3339).")
ACTOR = Parameter("actor", "Only what this user did.")
GRID = Parameter("grid", "Only what concerns this grid, such as `deploymentgrids/default/web`.")
GROUP = Parameter("group", "The label key of the NodeGroup of `unit`.")
UNIT = Parameter("unit", "Only what concerns this NodeUnit of `group`.")


class ActivitySerializer(Shape):
    """Something that happened. Of what a person did `actor` and `door` say who and how, `reason` is the verb; of
    rollouts and incidents `reason` is the event's, `count` how often it happened until `at`."""

    at = Instant()
    kind = one_of(*activity.KINDS)
    actor = serializers.CharField()
    door = serializers.CharField()
    reason = serializers.CharField()
    object = serializers.CharField(source="path")
    unit = serializers.CharField()
    message = Said(source="sentence")
    warning = serializers.BooleanField()
    count = Count()


class ActivityList(PortalView):
    """What happened."""

    scoped = "units"

    @operation(
        "List what happened",
        takes=(KIND, SINCE, UNTIL, ACTOR, GRID, GROUP, UNIT, *PAGED),
        answers={200: page(ActivitySerializer), 304: None},
        headers=("ETag",),
    )
    @unless_rows_unchanged(lambda view: activity.tables(view.query["group"], view.query["unit"]))
    def get(self, _request: Request) -> Response:
        """What people changed, rollouts and incidents, as one timeline, the latest first. Log-ins are in `audit`."""
        asked = self.query
        if asked["unit"] and not asked["group"]:
            raise Invalid(Problem("/unit", say("also requires “group”, the label key of the NodeGroup")))
        since, until = (read_instant(asked[name], name) for name in ("since", "until"))
        named = {name: asked[name] for name in ("kind", "actor", "grid", "group", "unit")}
        pages = self.pages()
        wanted = activity.ActivityFilter(since=since, until=until, **named)
        found = activity.Timeline(wanted).entries(pages.limit + 1, pages.after)
        return Response(pages.of_places(found, ActivitySerializer.of))
