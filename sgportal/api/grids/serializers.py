"""Grids and packages of them as JSON. A manifest is as Kubernetes shows it; what a status holds besides is ours."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rest_framework import serializers

from ... import actions
from ...core.grids.group import KIND, VERSIONS
from ...core.grids.kinds import API_VERSION, KINDS
from ...core.health import STATES
from ...core.plans.desired import Finding
from ...core.plans.plan import Step
from ...core.plans.preview.binding import Summary, id_of, plan_id, summary_of
from ..http.problems import ErrorSerializer
from ..http.shapes import OPTIONAL, Asked, Count, Instant, Labels, Said, Shape, one_of
from .plans import ID, RESULTS, WARNINGS, FindingSerializer, StepSerializer, SummarySerializer
from .remedies import StatusRemedySerializer


class MetadataSerializer(serializers.Serializer[Any]):
    """What Kubernetes has in `metadata`, as far as a caller gives it."""

    name = serializers.CharField()
    namespace = serializers.CharField(required=False)
    labels = Labels(required=False)
    annotations = Labels(required=False)
    uid = serializers.CharField(required=False)


class SpecSerializer(serializers.Serializer[Any]):
    """The fields that every grid's spec has; `kubectl explain` tells the others."""

    gridUniqKey = serializers.CharField()
    template = serializers.DictField(required=False)


class ManifestSerializer(serializers.Serializer[Any]):
    """A grid as a person writes it."""

    apiVersion = one_of(API_VERSION)
    kind = one_of(*KINDS)
    metadata = MetadataSerializer()
    spec = SpecSerializer()


class ConditionSerializer(serializers.Serializer[Any]):
    """A condition as Kubernetes has it."""

    type = serializers.CharField()
    status = one_of("True", "False", "Unknown")
    reason = serializers.CharField()
    message = serializers.CharField()


class NoteSerializer(serializers.Serializer[Any]):
    """What else is to be read about a grid or one of its units."""

    reason = serializers.CharField()
    message = serializers.CharField()


class UnitStatusSerializer(serializers.Serializer[Any]):
    """What a grid has in one unit."""

    name = serializers.CharField()
    state = one_of(*STATES)
    template = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField()
    notes = NoteSerializer(many=True, required=False)


class GridStatusSerializer(serializers.Serializer[Any]):
    """`states` has SuperEdge's shape, `units` says of each unit what it is and why."""

    observedGeneration = Count()
    conditions = ConditionSerializer(many=True)
    states = serializers.DictField()
    units = UnitStatusSerializer(many=True)
    notes = NoteSerializer(many=True, required=False)
    remedies = StatusRemedySerializer(many=True, required=False)
    warnings = ErrorSerializer(many=True, required=False, help_text=WARNINGS)


class GridSerializer(serializers.Serializer[Any]):
    """A DeploymentGrid, StatefulSetGrid or ServiceGrid of SuperEdge, with its status."""

    apiVersion = one_of(API_VERSION)
    kind = one_of(*KINDS)
    metadata = MetadataSerializer()
    spec = serializers.DictField()
    status = GridStatusSerializer()


class ListedGridStatusSerializer(GridStatusSerializer):
    """A grid's status in a list: what has an entry for each NodeUnit only where `fields` asks for it."""

    states = serializers.DictField(required=False)
    units = UnitStatusSerializer(many=True, required=False)


class ListedGridSerializer(GridSerializer):
    """A grid as lists show it."""

    status = ListedGridStatusSerializer()


class GridRowSerializer(Shape):
    """A grid as a line of the overview."""

    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    path = serializers.CharField()
    state = serializers.CharField()
    generation = Count()
    observedGeneration = Count()


class GroupSpecSerializer(serializers.Serializer[Any]):
    """The NodeGroup's label key and the manifests of the grids."""

    gridUniqKey = serializers.CharField()
    grids = serializers.ListField(child=serializers.DictField())
    paused = serializers.BooleanField(required=False, help_text="Nothing is written for any member.")
    rollout = serializers.DictField(
        required=False, help_text="In which waves a change of any member reaches NodeUnits."
    )
    dependsOn = serializers.DictField(
        required=False,
        child=serializers.ListField(child=serializers.CharField()),
        help_text="By member, such as deploymentgrid/web, those that it waits for in each NodeUnit.",
    )


class GroupStatusSerializer(serializers.Serializer[Any]):
    """The state of each grid, and what is said of the package as its custom resource says it."""

    grids = GridRowSerializer(many=True, required=False)
    conditions = serializers.ListField(child=serializers.DictField(), required=False)
    state = serializers.CharField(required=False)
    totalMembers = Count(required=False)
    readyMembers = Count(required=False)
    omittedMembers = Count(required=False)
    members = serializers.ListField(child=serializers.DictField(), required=False)
    warnings = ErrorSerializer(many=True, required=False, help_text=WARNINGS)


class ServiceGroupSerializer(serializers.Serializer[Any]):
    """A package of grids of one NodeGroup and namespace; each grid may leave those out."""

    apiVersion = one_of(*VERSIONS)
    kind = one_of(KIND)
    metadata = MetadataSerializer()
    spec = GroupSpecSerializer()
    status = GroupStatusSerializer(required=False)


class ManifestListSerializer(serializers.Serializer[Any]):
    """Several grids, as Kubernetes' `List` has them."""

    items = ManifestSerializer(many=True)


class Applied(NamedTuple):
    """What became of one manifest of a bundle, or would become of it in a dry run."""

    saved: actions.Saved
    dry_run: bool


class AppliedSerializer(Shape):
    """What became of one manifest; with the plan of a dry run."""

    id = serializers.CharField(required=False)
    path = serializers.CharField(source="saved.path")
    namespace = serializers.CharField()
    name = serializers.CharField()
    result = one_of(*RESULTS, source="saved.result")
    warnings = ErrorSerializer(many=True, source="saved.warnings", help_text=WARNINGS)
    kind = serializers.CharField(required=False)
    uid = serializers.CharField(required=False)
    summary = SummarySerializer(required=False)
    steps = StepSerializer(many=True, required=False)
    findings = FindingSerializer(many=True, required=False)
    notes = FindingSerializer(many=True, required=False)

    def get_namespace(self, done: Applied) -> str:
        """The second part of the path."""
        return done.saved.path.split("/")[1]

    def get_name(self, done: Applied) -> str:
        """The last part of the path."""
        return done.saved.path.split("/")[2]

    def get_kind(self, done: Applied) -> str | None:
        """Of a grid that is stored."""
        return done.saved.grid.kind if done.saved.grid else None

    def get_uid(self, done: Applied) -> str | None:
        """Of a grid that is stored."""
        return done.saved.grid.manifest()["metadata"]["uid"] if done.saved.grid else None

    def get_id(self, done: Applied) -> str | None:
        """Of the plan of a dry run."""
        return plan_id(done.saved.plan.steps) if done.dry_run else None

    def get_summary(self, done: Applied) -> Summary | None:
        """Of the plan of a dry run."""
        return summary_of(done.saved.plan.steps) if done.dry_run else None

    def get_steps(self, done: Applied) -> Sequence[Step] | None:
        """Those of a dry run."""
        return done.saved.plan.steps if done.dry_run else None

    def get_findings(self, done: Applied) -> Sequence[Finding] | None:
        """Those of a dry run."""
        return done.saved.plan.findings if done.dry_run else None

    def get_notes(self, done: Applied) -> Sequence[Finding] | None:
        """Those of a dry run."""
        return done.saved.plan.notes if done.dry_run else None


class AppliedPage(NamedTuple):
    """A whole bundle."""

    items: Sequence[Applied]
    next: None = None


class AppliedPageSerializer(Shape):
    """What became of every manifest of a bundle; in a dry run with the plan for all."""

    id = serializers.CharField(required=False, help_text=ID)
    summary = SummarySerializer(required=False)
    items = AppliedSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always null: all are answered at once.")

    def get_id(self, done: AppliedPage) -> str | None:
        """Of the plans of a dry run."""
        ids = {each.saved.path: plan_id(each.saved.plan.steps) for each in done.items if each.dry_run}
        return id_of(ids) if ids else None

    def get_summary(self, done: AppliedPage) -> Summary | None:
        """Of the plans of a dry run."""
        steps = [step for each in done.items for step in each.saved.plan.steps]
        return summary_of(steps) if all(each.dry_run for each in done.items) else None


class RevisionSerializer(Shape):
    """A stored version of a grid."""

    number = Count()
    author = serializers.CharField()
    createdAt = Instant()
    changeCause = serializers.CharField(allow_blank=True)
    metadata = serializers.DictField()
    spec = serializers.DictField()


class PackageRevisionSerializer(RevisionSerializer):
    """A stored version of a ServiceGroup; `members`: by path of each, the number of its own revision."""

    members = serializers.DictField(child=serializers.IntegerField())


class EventSerializer(Shape):
    """Something that happened to a grid."""

    unit = serializers.CharField()
    type = serializers.CharField()
    reason = serializers.CharField()
    message = Said(source="sentence")
    count = Count()
    firstAt = Instant()
    lastAt = Instant()


class RestoreRequestSerializer(Asked):
    """Which revision a grid is to have again."""

    revision = serializers.IntegerField()


class RecreateRequestSerializer(Asked):
    """Whose child is to be made anew; a ServiceGrid has one Service for all units."""

    unit = serializers.CharField(**OPTIONAL)


class RecreateChildRequestSerializer(RecreateRequestSerializer):
    """Whose child of a grid of workloads is to be made anew."""

    unit = serializers.CharField()
