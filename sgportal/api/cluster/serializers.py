"""The cluster as JSON: what it is, how fresh what we know of it is, who writes to it, what waits for a person."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from rest_framework import serializers

from ...core.fleet import held as waiting
from ...core.fleet.halt import REASONS, Choice, Reason, outcome
from ...core.grids.kinds import KINDS
from ...core.plans.plan import Step
from ...core.plans.preview.binding import Summary, summary_of
from ...core.superedge.controller import Mode
from ...core.superedge.crds import Maker
from ...core.text import Sentence
from ...core.traffic.dataplane import PlaneName
from ...models import DataPlane, ManagedCluster, ManagementMode
from ...queries.capabilities import Abilities
from ...queries.held import Held, HeldPlan
from ..grids.plans import GridStepSerializer, StepsShape
from ..http.shapes import OPTIONAL, Asked, Count, Instant, Said, Shape, Texts, one_of


class FreshnessSerializer(Shape):
    """How old the news is."""

    observedAt = Instant()
    stale = serializers.BooleanField()
    unreachableSince = Instant()


class ManagementSerializer(Shape):
    """Who writes to the cluster: we (`managing`) or not (`read-only`), and why not with the cure."""

    mode = one_of(Mode)
    since = Instant()
    decidedBy = serializers.CharField()
    forced = serializers.BooleanField()
    evidence = serializers.ListField(child=Said(), source="sentences")
    cure = Texts()

    def get_since(self, row: ManagementMode) -> datetime | None:
        """When that began; null before anybody looked."""
        return row.since if row.pk and row.looked_at else None


class Option(NamedTuple):
    """What a person may choose, and what that comes to."""

    choice: str
    outcome: Sentence


class HaltChoiceSerializer(Shape):
    """What a person may choose while everything stops."""

    choice = one_of(Choice)
    outcome = Said()


class HaltSerializer(Shape):
    """Why everything stops until a person decides."""

    id = serializers.CharField(source="halt_id")
    reason = one_of(*REASONS, source="halt")
    message = Said(source="sentence")
    since = Instant(source="halted_at")
    choices = HaltChoiceSerializer(many=True)

    def get_choices(self, row: ManagedCluster) -> Iterable[Option]:
        """Each with its outcome."""
        return [Option(each, outcome(cast(Reason, row.halt), each)) for each in row.choices]


class HeldChoiceSerializer(Shape):
    """What a person may choose about a thing that waits."""

    choice = one_of(*waiting.CHOICES)
    outcome = Said()


class HeldSerializer(Shape):
    """Something that waits for a person while everything else goes on."""

    id = serializers.CharField()
    kind = one_of(*waiting.KINDS)
    grid = serializers.CharField(source="grid.path")
    units = Texts()
    message = Said(source="sentence")
    since = Instant()
    choices = HeldChoiceSerializer(many=True)

    def get_choices(self, each: Held) -> Iterable[Option]:
        """Each with its outcome."""
        return [Option(one, waiting.outcome(each.kind, one)) for one in each.choices]


class HeldRequestSerializer(Asked):
    """What is to be done with things that wait, named by their `id`s; with `units`, only with the workloads there."""

    choice = serializers.CharField()
    items = Texts()
    units = Texts(**OPTIONAL)


class Done(NamedTuple):
    """What a decision comes to, the paths of the grids decided about, and how many things wait still."""

    plan: HeldPlan
    decided: Sequence[str]
    waiting: int


class HeldPlanShape(StepsShape):
    """What a decision comes to."""

    steps = GridStepSerializer(many=True, source="plan.steps")

    def get_id(self, done: Any) -> str:
        """That of the choice, the things and the steps."""
        return str(done.plan.id)

    def get_summary(self, done: Any) -> Summary:
        """That of its steps."""
        return summary_of(step for _, step in done.plan.steps)


class HeldDecisionSerializer(HeldPlanShape):
    """What a decision comes to, the paths of the grids decided about, and how many things wait still."""

    decided = Texts()
    waiting = Count()


class Known(NamedTuple):
    """All that is known of the cluster as a whole."""

    management_mode: ManagementMode
    cluster: ManagedCluster
    dataplane: DataPlane
    can: Abilities


class ClusterNodesSerializer(Shape):
    """How many nodes there are, and how many of them obey hints for nodes."""

    total = Count(source="nodes")
    obeyHints = Count(source="obeying")


class OtherReadersSerializer(Shape):
    """The last look for what else reads the EndpointSlices of closed Services: the kinds that may not be listed, and
    those of which there were too many to read all."""

    mappings = True
    unseen = Texts()
    cut = Texts()


class ClosedLoopSerializer(Shape):
    """Whether the modes strict, failover and prefer can be kept (null: not known) with the reasons, and by what look.
    `setting` is Cilium's kube-proxy-replacement, or Calico's version; `hintsKept` what a dry run told."""

    kept = serializers.BooleanField(allow_null=True, source="can.keeping.kept")
    reasons = serializers.ListField(child=Said(), source="can.keeping.sentences")
    dataPlane = one_of(PlaneName, source="plane_name")
    setting = serializers.CharField()
    hintsKept = serializers.BooleanField(allow_null=True)
    lookedAt = Instant(source="dataplane.looked_at")
    triedAt = Instant(source="dataplane.tried_at")
    otherReaders = OtherReadersSerializer(source="dataplane.unseen")

    def get_plane_name(self, known: Known) -> PlaneName:
        """What carries traffic to Services."""
        return known.dataplane.plane.name if known.dataplane.plane else "unknown"

    def get_setting(self, known: Known) -> str:
        """What matters of how it is set up."""
        return known.dataplane.plane.setting if known.dataplane.plane else ""

    def get_hints_kept(self, known: Known) -> bool | None:
        """Whether the API server kept hints for nodes in a dry run."""
        return known.dataplane.trial.kept if known.dataplane.trial else None


class DefinitionSerializer(Shape):
    """A CustomResourceDefinition of the grids, who made it, and what it drops."""

    mappings = True
    kind = one_of(*KINDS)
    name = serializers.CharField()
    maker = one_of(Maker)
    status = serializers.BooleanField()
    findings = serializers.ListField(child=Said())

    def get_findings(self, definition: dict[str, Any]) -> list[Sentence]:
        """What is wrong with it."""
        return [Sentence.from_json(each) for each in definition["findings"]]


class TaskSerializer(Shape):
    """The last thing that was asked for on the cluster as a whole, and what came of it."""

    mappings = True
    name = one_of("hand-back", "definitions")
    state = one_of("pending", "done", "failed")
    by = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    lines = serializers.ListField(child=Said())
    commands = Texts()


class ClusterSerializer(Shape):
    """The cluster as a whole, as of the last look; `halt` is null while work goes on."""

    version = serializers.CharField(source="management_mode.version")
    lookedAt = Instant(source="management_mode.looked_at")
    superedgeRuns = serializers.BooleanField(allow_null=True, source="management_mode.running")
    management = ManagementSerializer(source="management_mode")
    nodes = ClusterNodesSerializer(source="can")
    closedLoop = ClosedLoopSerializer(source="*")
    definitions = DefinitionSerializer(many=True, source="management_mode.definitions")
    task = TaskSerializer(allow_null=True)
    uid = serializers.CharField(source="cluster.uid")
    halt = HaltSerializer(allow_null=True)

    def get_task(self, known: Known) -> dict[str, Any] | None:
        """The last task."""
        row = known.management_mode
        return {**row.task, "lines": row.task_lines} if row.task else None

    def get_halt(self, known: Known) -> ManagedCluster | None:
        """Why everything stops, if it does."""
        return known.cluster if known.cluster.halt else None


class DecisionRequestSerializer(Asked):
    """What is right after the halt of this id."""

    choice = serializers.CharField()
    halt = serializers.CharField()


class TakeOverRequestSerializer(Asked):
    """Whether to take over although SuperEdge's controller runs, or children would be restarted."""

    force = serializers.BooleanField(**OPTIONAL)


class TakeOverSerializer(StepsShape):
    """What taking over would write, and why it would be refused without `force`."""

    refusal = Said(allow_null=True)


class Found(NamedTuple):
    """The steps of a change of the cluster as a whole: the path of a grid with each."""

    steps: Sequence[tuple[str, Step]]


class HandBackSerializer(StepsShape):
    """What handing back would write."""


class Tried(NamedTuple):
    """What a decision would come to, and all that is known of the cluster meanwhile."""

    plan: HeldPlan
    management_mode: ManagementMode
    cluster: ManagedCluster
    dataplane: DataPlane
    can: Abilities


class TriedDecisionSerializer(ClusterSerializer, HeldPlanShape):
    """The cluster as it is, with what the decision would come to."""
