"""Plans as JSON: what would be written, and what else there is to know."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rest_framework import serializers

from ...core.plans.plan import Plan, Step, Verb
from ...core.text import Problem
from ..http.problems import ErrorSerializer
from ..http.shapes import Said, Shape, one_of

RESULTS = ("created", "configured", "unchanged", "deleted")
WARNINGS = (
    "What the cluster's API server, asked by a dry run before anything is stored, warns of, and why it could not be "
    "asked; `pointer` is the field's JSON pointer in the manifest. The header `Warning` says the same in English."
)


class ChangeSerializer(Shape):
    """A field that will change: its JSON pointer, its value now and then, and who set it where that is not us."""

    path = serializers.CharField()
    old = serializers.JSONField()
    new = serializers.JSONField()
    field = serializers.CharField(source="name")
    by = serializers.CharField()


class StepSerializer(Shape):
    """One intended write."""

    verb = one_of(Verb)
    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    reason = Said()
    changes = ChangeSerializer(many=True)


class GridStepSerializer(StepSerializer):
    """One intended write for the grid at this path."""

    grid = serializers.CharField()

    @classmethod
    def of(cls, value: tuple[str, Step]) -> dict[str, Any]:
        """The JSON of a path and a step of the plan of the grid there."""
        return {"grid": value[0], **StepSerializer.of(value[1])}


class FindingSerializer(Shape):
    """Something about one unit ("": about the grid) that a person should know."""

    unit = serializers.CharField()
    reason = serializers.CharField()
    message = Said(source="sentence")


class Planned(NamedTuple):
    """What would become of the grid at a path."""

    path: str
    result: str
    plan: Plan
    warnings: Sequence[Problem] = ()


class PlanSerializer(Shape):
    """What would become of a grid."""

    path = serializers.CharField()
    result = one_of(*RESULTS)
    steps = StepSerializer(many=True, source="plan.steps")
    findings = FindingSerializer(many=True, source="plan.findings")
    notes = FindingSerializer(many=True, source="plan.notes")
    warnings = ErrorSerializer(many=True, help_text=WARNINGS)


class GroupPlanned(NamedTuple):
    """What would become of a package and of each of its grids."""

    path: str
    result: str
    grids: Sequence[Any]


class GroupPlanSerializer(Shape):
    """What would become of a package."""

    path = serializers.CharField()
    result = one_of(*RESULTS)
    grids = PlanSerializer(many=True)
