"""Plans as JSON: what would be written, and what else there is to know."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rest_framework import serializers

from ...core.plans.plan import Plan, Step, Verb
from ...core.plans.preview.binding import Summary, id_of, plan_id, summary_of
from ...core.text import Problem
from ..http.problems import ErrorSerializer
from ..http.shapes import Count, Said, Shape, one_of

RESULTS = ("created", "configured", "unchanged", "deleted")
WARNINGS = (
    "What the cluster's API server, asked by a dry run before anything is stored, warns of, and why it could not be "
    "asked; `pointer` is the field's JSON pointer in the manifest. The header `Warning` says the same in English."
)


ID = "What to send as the parameter `plan` of the same call, to have exactly this carried out."


class SummarySerializer(Shape):
    """What a plan comes to: objects created, updated, adopted, released and deleted; workloads that replace their pods,
    and how many pods those are."""

    creates = Count()
    updates = Count()
    adopts = Count()
    releases = Count()
    deletes = Count()
    restarts = Count()
    restartedPods = Count()


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

    id = serializers.CharField(help_text=ID)
    path = serializers.CharField()
    result = one_of(*RESULTS)
    summary = SummarySerializer()
    steps = StepSerializer(many=True, source="plan.steps")
    findings = FindingSerializer(many=True, source="plan.findings")
    notes = FindingSerializer(many=True, source="plan.notes")
    warnings = ErrorSerializer(many=True, help_text=WARNINGS)

    def get_id(self, planned: Any) -> str:
        """That of its steps."""
        return plan_id(planned.plan.steps)

    def get_summary(self, planned: Any) -> Summary:
        """That of its steps."""
        return summary_of(planned.plan.steps)


class GroupPlanned(NamedTuple):
    """What would become of a package and of each of its grids."""

    path: str
    result: str
    grids: Sequence[Any]


class GroupPlanSerializer(Shape):
    """What would become of a package."""

    id = serializers.CharField(help_text=ID)
    path = serializers.CharField()
    result = one_of(*RESULTS)
    summary = SummarySerializer()
    grids = PlanSerializer(many=True)

    def get_id(self, planned: GroupPlanned) -> str:
        """That of the plans of its grids."""
        return id_of({each.path: plan_id(each.plan.steps) for each in planned.grids})

    def get_summary(self, planned: GroupPlanned) -> Summary:
        """That of all its grids."""
        return summary_of(step for each in planned.grids for step in each.plan.steps)


class StepsShape(Shape):
    """What a change that is not one grid's comes to: `steps` of several grids."""

    id = serializers.CharField(help_text=ID)
    summary = SummarySerializer()
    steps = GridStepSerializer(many=True)

    def get_id(self, found: Any) -> str:
        """That of its steps."""
        return plan_id(step for _, step in found.steps)

    def get_summary(self, found: Any) -> Summary:
        """That of its steps."""
        return summary_of(step for _, step in found.steps)
