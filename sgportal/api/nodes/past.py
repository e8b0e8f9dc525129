"""What a NodeUnit was, and what changed in it."""

from datetime import datetime

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ...core.text import Invalid, Problem, say
from ...queries.per_unit import past
from ..description.operations import PAGED, Parameter, operation, page
from ..http.problems import Refusal
from ..http.shapes import Count, Instant, Labels, Said, Shape, one_of
from ..views import PortalView, unless_unchanged

AT = Parameter("at", "The instant (RFC 3339); now where left out.")
SINCE = Parameter("since", "Only what changed after this instant; where left out from where the record begins.")
UNTIL = Parameter("until", "Only what changed up to this instant; now where left out.")


class NodeThenSerializer(Shape):
    """A node as it was, with those of its labels that are remembered."""

    name = serializers.CharField()
    ready = one_of("Ready", "NotReady", "Unknown")
    unschedulable = serializers.BooleanField()
    labels = Labels()


class GridThenSerializer(Shape):
    """What a grid had in the NodeUnit: the state, and since when; `message` is what was said as it began. `revision` is
    that of the grid which ran there, 0 where that is not known; of a ServiceGrid that by which its loop was judged."""

    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()
    message = Said(source="sentence")
    revision = Count()
    since = Instant()


class UnitThenSerializer(Shape):
    """A NodeUnit as it was; nothing is known of before `knownFrom`."""

    group = serializers.CharField()
    name = serializers.CharField()
    at = Instant()
    knownFrom = Instant()
    state = serializers.CharField()
    nodes = NodeThenSerializer(many=True)
    grids = GridThenSerializer(many=True)


class UnitChangeThenSerializer(Shape):
    """A change in a NodeUnit: of its `node` (`state` is what it became, `unschedulable` whether it was cordoned), or of
    what a `grid` has there."""

    at = Instant()
    change = one_of(past.What, source="what")
    node = serializers.CharField()
    state = serializers.CharField()
    unschedulable = serializers.BooleanField()
    grid = GridThenSerializer(source="cell", allow_null=True)


class _OfUnit(PortalView):
    """What is known of one NodeUnit's past."""

    scoped = "units"

    def known(self, key: str, unit: str) -> datetime:
        """When the record of a NodeUnit begins. Raises Refusal for one that is not on record."""
        known = past.known_from(key)
        if known is None or not past.is_on_record(key, unit):
            raise Refusal(404, past.NOT_ON_RECORD)
        return known


class UnitHistory(_OfUnit):
    """A NodeUnit as it was."""

    @operation("Read a NodeUnit as it was", takes=(AT,), answers={200: UnitThenSerializer})
    def get(self, _request: Request, key: str, unit: str) -> Response:
        """The nodes that were in the NodeUnit at an instant, and the grids that ran there, in which revision and state,
        as the portal saw them."""
        known = self.known(key, unit)
        at = past.instant(self.query["at"], "at", known, timezone.now())
        return Response(UnitThenSerializer.of(past.unit_then(key, unit, at, known)))


class UnitChanges(_OfUnit):
    """What changed in a NodeUnit."""

    @operation(
        "List what changed in a NodeUnit",
        takes=(SINCE, UNTIL, *PAGED),
        answers={200: page(UnitChangeThenSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request, key: str, unit: str) -> Response:
        """Nodes that joined, left or changed readiness, and what grids had there, between two instants, the latest
        first."""
        known = self.known(key, unit)
        since = past.instant(self.query["since"], "since", known, known)
        until = past.instant(self.query["until"], "until", known, timezone.now())
        if until < since:
            raise Invalid(Problem("/until", say("is before “since”")))
        pages = self.pages()
        found = past.changes(key, unit, since, until, pages.limit + 1, pages.after)
        return Response(pages.of_places(found, UnitChangeThenSerializer.of))
