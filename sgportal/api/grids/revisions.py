"""Revisions of a grid against one another, and which NodeUnit has which of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ... import actions
from ...core.grids.changes import FieldChange, changes_between
from ...core.health import STATES
from ...core.plans.plan import Plan
from ...models import Grid, GridUnit
from ...queries.per_unit.pins import revisions_of
from ..description.operations import PAGED, PLANNED, Parameter, operation, page
from ..http.shapes import Asked, Count, Shape, Texts, one_of
from ..views import unless_unchanged
from .plans import Planned, PlanSerializer
from .views import GridView

_MOST = 2**31 - 1
FROM = Parameter("from", "The number of the first revision.", most=_MOST, required=True)
TO = Parameter("to", "The number of the second.", most=_MOST, required=True)


class FieldChangeSerializer(Shape):
    """A field that differs: its JSON pointer, and its value in either; null where it is absent."""

    path = serializers.CharField()
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)


class RevisionDiff(NamedTuple):
    """Two revisions, and how they differ."""

    first: int
    second: int
    changes: Sequence[FieldChange]


class RevisionDiffSerializer(Shape):
    """How two revisions of a grid differ: labels, annotations and spec."""

    first = Count()
    second = Count()
    changes = FieldChangeSerializer(many=True)


class GridUnitSerializer(Shape):
    """A NodeUnit of a grid: the revision that its workload has (0: not known) and that which it should have; `pinned`
    where somebody said so."""

    name = serializers.CharField()
    state = one_of(*STATES)
    reason = serializers.CharField()
    revision = Count()
    wantedRevision = Count()
    pinned = serializers.IntegerField(allow_null=True)

    def get_wanted_revision(self, unit: GridUnit) -> int:
        """The pinned one, else that which a rollout assigned, else the latest."""
        found = revisions_of(unit.grid, [unit], ())
        return found[unit.name][0] if found else unit.grid.generation


class UnpinRequestSerializer(Asked):
    """Which NodeUnits follow the grid again."""

    units = Texts()


class PinRequestSerializer(UnpinRequestSerializer):
    """Which NodeUnits stay at which revision."""

    revision = serializers.IntegerField()


class GridRevisionDiff(GridView):
    """Two revisions of a grid."""

    @operation("Compare two revisions", takes=(FROM, TO), answers={200: RevisionDiffSerializer})
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The fields in which two stored versions of the grid differ."""
        row = self.at(namespace, name)
        first, second = (self._written(row, self.query[each]) for each in ("from", "to"))
        changes = list(changes_between(first, second))
        return Response(RevisionDiffSerializer.of(RevisionDiff(self.query["from"], self.query["to"], changes)))

    def _written(self, row: Grid, number: int) -> dict[str, Any]:
        found = row.revisions.filter(number=number).first()
        if found is None:
            raise actions.NotFound(f"{row.path}@{number}")
        return {"metadata": found.metadata, "spec": found.spec}


class GridUnits(GridView):
    """What runs where."""

    scoped = "units"

    @operation(
        "List a grid's units with their revisions",
        takes=PAGED,
        answers={200: page(GridUnitSerializer), 304: None},
        headers=("ETag",),
    )
    @unless_unchanged
    def get(self, _request: Request, namespace: str, name: str) -> Response:
        """The NodeUnits in order of name, each with the revision that its workload has and should have."""
        rows = self.at(namespace, name).units.exclude(name="").select_related("grid")
        return self.page(rows, ("name", "pk"), GridUnitSerializer.of)


class GridPin(GridView):
    """Units that stay at a revision."""

    @operation(
        "Pin units to a revision",
        takes=PLANNED,
        body=PinRequestSerializer,
        answers={200: PlanSerializer, 202: PlanSerializer},
        takes_match=True,
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Have these NodeUnits go to a revision of the grid, back or forth, and stay there."""
        found = self.fields(PinRequestSerializer)
        return self.pinned(self.at(namespace, name), found["units"], found["revision"])

    def pinned(self, row: Grid, units: Sequence[str], number: int | None) -> Response:
        """The plan, and 202 where it is being carried out."""
        wanted = list(dict.fromkeys(units))
        expect = None if self.dry_run else self.expected_if_given(row.etag)
        planned: Plan = actions.pin_units(row, wanted, number, self.actor, expect=expect, dry_run=self.dry_run)
        answer = PlanSerializer.of(Planned(row.path, "configured", planned))
        return Response(answer, 200 if self.dry_run else 202)


class GridUnpin(GridPin):
    """Units that follow the grid again."""

    @operation(
        "Unpin units",
        takes=PLANNED,
        body=UnpinRequestSerializer,
        answers={200: PlanSerializer, 202: PlanSerializer},
        takes_match=True,
    )
    def post(self, _request: Request, namespace: str, name: str) -> Response:
        """Have these NodeUnits follow the latest revision again."""
        return self.pinned(self.at(namespace, name), self.fields(UnpinRequestSerializer)["units"], None)
