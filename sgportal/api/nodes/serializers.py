"""Nodes, the units they form, the overview, and changes of labels as JSON."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from rest_framework import serializers

from ...core.health import STATES
from ...core.names import kubelet_may_set
from ...core.node_jobs import ACTIONS, STEPS, Action, steps_left, why_failed
from ...core.status.causes import Cause
from ...core.text import Sentence
from ...models import LabelJob, ManagementMode, Node
from ...queries.matrix.overview import Overview
from ..cluster.serializers import ManagementSerializer
from ..grids.serializers import GridRowSerializer
from ..http.shapes import OPTIONAL, Always, Asked, Count, Instant, Labels, Said, Shape, one_of


class NodeMetadataSerializer(Shape):
    """What Kubernetes has in `metadata` of a node, as far as the portal keeps it."""

    name = serializers.CharField()
    uid = serializers.CharField()
    labels = Labels()
    annotations = Labels()
    creationTimestamp = Instant(source="created_at")

    def get_annotations(self, row: Node) -> dict[str, str]:
        """Those that matter to the portal."""
        return dict(row.info.get("annotations") or {})


class NodeSpecSerializer(Shape):
    """What Kubernetes has in `spec` of a node, as far as the portal keeps it."""

    unschedulable = serializers.BooleanField()
    taints = serializers.ListField(child=serializers.DictField())


class NodeSerializer(Shape):
    """A node as Kubernetes shows it, as last seen."""

    apiVersion = Always("v1")
    kind = Always("Node")
    metadata = NodeMetadataSerializer(source="*")
    spec = NodeSpecSerializer(source="*")
    status = serializers.DictField()

    def get_status(self, row: Node) -> dict[str, Any]:
        """Addresses, capacity, conditions and the like."""
        return {name: value for name, value in row.info.items() if name != "annotations"}


class LabelPatchSerializer(Asked):
    """Labels to set; null removes."""

    labels = serializers.DictField(child=serializers.CharField(allow_null=True))


class NodePatchSerializer(Asked):
    """A change of a node's labels."""

    metadata = LabelPatchSerializer()


class NodesRequestSerializer(Asked):
    """The `nodes` named, or those that the `labelSelector` selects."""

    nodes = serializers.ListField(child=serializers.CharField(), **OPTIONAL)
    labelSelector = serializers.CharField(**OPTIONAL)


class LabelRequestSerializer(NodesRequestSerializer):
    """A change of labels on the `nodes` named, or on those that the `labelSelector` selects; or a value of its own of
    the label `key` for each node in `values` (null removes it). With `move` each node is cordoned, rid of the pods of
    grids that are bound to these keys, labelled, and uncordoned."""

    key = serializers.CharField(**OPTIONAL)
    values = serializers.DictField(child=serializers.CharField(allow_null=True), **OPTIONAL)
    move = serializers.BooleanField(**OPTIONAL)
    set = serializers.DictField(child=serializers.CharField(), **OPTIONAL)
    remove = serializers.ListField(child=serializers.CharField(), **OPTIONAL)


class JobResultSerializer(Shape):
    """What became of one node; `before` are the labels that it had, `after` those it is to have. `step` is what is done
    to it next while its state is pending, and `waiting` what that waits for."""

    mappings = True
    node = serializers.CharField()
    state = one_of("pending", "done", "failed")
    step = one_of(*STEPS)
    waiting = Said(allow_null=True)
    detail = Said()
    before = serializers.DictField()
    after = serializers.DictField()


class JobSerializer(Shape):
    """A job on many nodes, with what became of each; `undoes` is the job that it takes back."""

    id = serializers.UUIDField()
    action = one_of(*ACTIONS)
    undoes = serializers.UUIDField(allow_null=True)
    state = one_of(*LabelJob.State.values)
    changes = serializers.DictField(child=serializers.CharField(allow_null=True))
    done = Count()
    total = Count()
    results = JobResultSerializer(many=True)
    author = serializers.CharField()
    createdAt = Instant()
    finishedAt = Instant()

    def get_id(self, row: LabelJob) -> str:
        """A UUID."""
        return str(row.pk)

    def get_total(self, row: LabelJob) -> int:
        """How many nodes there are."""
        return len(row.results)

    def get_results(self, row: LabelJob) -> Iterable[dict[str, Any]]:
        """By node."""
        first = steps_left(cast(Action, row.action), {})[0]
        return [
            {
                "node": name,
                "step": first,
                "after": row.changes,
                **each,
                "detail": why_failed(each),
                "waiting": Sentence.from_json(each["waiting"]) if each.get("waiting") else None,
            }
            for name, each in row.results.items()
        ]

    def get_undoes(self, row: LabelJob) -> str | None:
        """A UUID."""
        return str(row.undoes) if row.undoes else None


class NodeGroupSerializer(Shape):
    """A NodeGroup; `kubeletMaySet`: the kubelet of a node may join its node to any unit."""

    mappings = True
    key = serializers.CharField()
    units = Count()
    nodes = Count()
    readyNodes = Count()
    kubeletMaySet = serializers.BooleanField()

    def get_kubelet_may_set(self, row: dict[str, Any]) -> bool:
        """By Kubernetes' rule for labels that a kubelet may set."""
        return kubelet_may_set(row["key"])


class PodCountsSerializer(Shape):
    """Pods over all grids of the NodeGroup."""

    desired = Count(source="pods_desired")
    ready = Count(source="pods_ready")


class NodeUnitSerializer(Shape):
    """A NodeUnit: as bad as the worst of its nodes (`nodeState`) and of what each grid has there."""

    group = serializers.CharField()
    name = serializers.CharField()
    nodes = Count()
    readyNodes = Count()
    state = one_of(*STATES)
    nodeState = one_of("Ready", "Degraded", "NotReady", "Offline", "Gone")
    unhealthy = serializers.BooleanField()
    pods = PodCountsSerializer(source="*")


class CellSerializer(Shape):
    """What one grid has in one unit."""

    unit = serializers.CharField()
    grid = serializers.CharField()
    desired = Count()
    ready = Count()
    nodes = Count()
    served = Count()
    state = serializers.CharField()
    reason = serializers.CharField()
    message = Said(source="sentence")


class CauseSerializer(Shape):
    """A reason that makes cells or nodes unhealthy, and how many of them."""

    reason = serializers.CharField()
    state = serializers.CharField(help_text="The worst state that any of them is in.")
    cells = Count()
    units = Count()
    grids = Count()
    nodes = Count()
    unit = serializers.CharField(help_text="The NodeUnit of an example; empty where there is none.")
    grid = serializers.CharField(source="path", help_text="The grid of the example; empty where there is none.")
    message = Said(source="sentence", allow_null=True)


class Causes(NamedTuple):
    """The causes of a NodeGroup."""

    group: str
    causes: Sequence[Cause]


class CausesSerializer(Shape):
    """Why cells and nodes of a NodeGroup are unhealthy, the worst first."""

    group = serializers.CharField()
    items = CauseSerializer(many=True, source="causes")


class Seen(NamedTuple):
    """A page of a matrix, who writes to the cluster, and the cursor of the page behind."""

    overview: Overview
    management: ManagementMode
    next: str | None


class OverviewSerializer(Shape):
    """The matrix of a NodeGroup: some of its units, the worst first, against the grids bound to it."""

    group = serializers.CharField(source="overview.key")
    units = NodeUnitSerializer(many=True, source="overview.units")
    grids = GridRowSerializer(many=True, source="overview.grids")
    cells = CellSerializer(many=True, source="overview.cells")
    totals = serializers.DictField(child=Count(), source="overview.totals")
    observedAt = Instant(source="overview.freshness.observed_at")
    stale = serializers.BooleanField(source="overview.freshness.stale")
    unreachableSince = Instant(source="overview.freshness.unreachable_since")
    management = ManagementSerializer()
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next units, null on the last page.")
