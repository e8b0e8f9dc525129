"""What was last seen of the cluster: nodes with their labels, pods, children, and how fresh the news is. Where names
are unique without the cluster as well, the version before writes by them (docs/decisions/0020-several-clusters.md)."""

from collections.abc import Collection, Iterable
from typing import Any, Self, cast

import orjson
from django.db import models
from django.db.models import Count, Q
from django.utils import timezone

from ..core.pods import PodView
from ..core.selector import Requirement
from ..core.units import Agent, NodeView, Readiness
from .scopes.clusters import cluster_field
from .scopes.rows import Scoped


class Document(models.JSONField):
    """JSON of which thousands are read at once: it is parsed several times as fast as by Python's own module. To the
    database, and so to migrations, it is a JSONField like any other."""

    def from_db_value(self, value: Any, *_args: Any) -> Any:
        """What is stored; a text that a look-up into it has found stays."""
        if not isinstance(value, str):
            return value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value

    def deconstruct(self) -> Any:
        """As that of a JSONField."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


class NodeQuerySet(models.QuerySet["Node"]):
    """Queries over nodes."""

    def selected(self, wanted: Iterable[Requirement]) -> Self:
        """The nodes whose labels meet every requirement, decided by the database."""
        found = self
        for requirement in wanted:
            rows = NodeLabel.objects.filter(key=requirement.key)
            if requirement.operator in ("In", "NotIn"):
                rows = rows.filter(value__in=requirement.values)
            inside = requirement.operator in ("In", "Exists")
            members = Q(pk__in=rows.values("node"))
            found = found.filter(members if inside else ~members)
        return found

    def carrying(self, key: str, values: Collection[str] | None = None) -> Self:
        """The nodes of a NodeGroup: those that carry the key with a value, one of `values` where some are given."""
        rows = NodeLabel.objects.filter(key=key).exclude(value="")
        return self.filter(pk__in=(rows if values is None else rows.filter(value__in=values)).values("node"))

    def views(self) -> tuple[NodeView, ...]:
        """The nodes as the core sees them."""
        rows = self.values_list("name", "labels", "ready")
        return tuple(NodeView(name, labels, cast(Readiness, ready)) for name, labels, ready in rows)

    def proxied_views(self) -> tuple[NodeView, ...]:
        """The nodes as the core sees them, with all that says what carries traffic to Services there. Two queries."""
        agents: dict[str, list[Agent]] = {}
        seen = Pod.objects.exclude(agent="").filter(terminating=False).order_by("pk")
        for node, role, version, ready in seen.values_list("node", "agent", "version", "ready"):
            agents.setdefault(node, []).append(Agent(role, version, ready))
        info = ("info__nodeInfo__kubeletVersion", "info__nodeInfo__operatingSystem")
        return tuple(
            NodeView(name, labels, cast(Readiness, ready), version or "", system or "", tuple(agents.get(name, ())))
            for name, labels, ready, version, system in self.values_list("name", "labels", "ready", *info)
        )


class Node(models.Model):
    """A node as last seen. `ready` is Ready, NotReady or Unknown; `info` holds what a page shows besides (addresses,
    capacity, versions, conditions, annotations)."""

    cluster = cluster_field()
    name = models.CharField(max_length=253, unique=True)
    uid = models.CharField(max_length=64)
    labels = Document(default=dict)
    ready = models.CharField(max_length=8, default="Unknown", db_index=True)
    ready_since = models.DateTimeField(null=True, blank=True)
    unschedulable = models.BooleanField(default=False)
    taints = models.JSONField(default=list)
    info = Document(default=dict)
    resource_version = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = Scoped.from_queryset(NodeQuerySet)()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "cluster"], name="one_node_per_place")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class NodeLabelQuerySet(models.QuerySet["NodeLabel"]):
    """Queries over labels: NodeGroups and NodeUnits are groupings of them."""

    def groups(self) -> "models.QuerySet[NodeLabel, dict[str, Any]]":
        """`{key, units, nodes, ready_nodes}` of each NodeGroup, in order of key."""
        ready = Count("node", filter=Q(node__ready="Ready"))
        counted = self.exclude(value="").values("key")
        return counted.annotate(units=Count("value", distinct=True), nodes=Count("node"), ready_nodes=ready).order_by(
            "key"
        )

    def unit_names(self, key: str) -> list[str]:
        """The names of a NodeGroup's NodeUnits, in no order."""
        return list(self.filter(key=key).exclude(value="").values_list("value", flat=True).distinct())

    def units(self, key: str) -> "models.QuerySet[NodeLabel, dict[str, Any]]":
        """`{value, nodes, ready_nodes, unknown_nodes}` of each NodeUnit of a NodeGroup, in order of value."""
        ready = Count("node", filter=Q(node__ready="Ready"))
        unknown = Count("node", filter=Q(node__ready="Unknown"))
        counted = self.filter(key=key).exclude(value="").values("value")
        return counted.annotate(nodes=Count("node"), ready_nodes=ready, unknown_nodes=unknown).order_by("value")


class NodeLabel(models.Model):
    """One label of a node, so that the database can group and select by labels."""

    cluster = cluster_field()
    node = models.ForeignKey(Node, models.CASCADE, related_name="label_rows")
    key = models.CharField(max_length=317)
    value = models.CharField(max_length=63, blank=True)

    objects = Scoped.from_queryset(NodeLabelQuerySet)()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "key"], name="one_value_per_node_and_key")]
        indexes = [models.Index(fields=["key", "value", "cluster"], name="label_values")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class PodQuerySet(models.QuerySet["Pod"]):
    """Queries over pods."""

    def views(self) -> tuple[PodView, ...]:
        """The pods as the core sees them."""
        return tuple(pod.view() for pod in self)


class Pod(models.Model):
    """A pod as last seen; the fields are those of `core.status.PodView`. `child_kind` and `child` name the Deployment
    or StatefulSet above it. `agent` is what it does to the traffic of its node (`core.traffic.agents.ROLES`, "" for
    nothing), and `version` then that of its image."""

    cluster = cluster_field()
    uid = models.CharField(max_length=64, unique=True)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    labels = Document(default=dict)
    node = models.CharField(max_length=253, blank=True, db_index=True)
    ips = models.JSONField(default=list)
    ready = models.BooleanField(default=False)
    phase = models.CharField(max_length=10, default="Pending")
    reason = models.CharField(max_length=100, blank=True)
    message = models.TextField(blank=True)
    child_kind = models.CharField(max_length=12, blank=True)
    child = models.CharField(max_length=253, blank=True)
    terminating = models.BooleanField(default=False)
    ports = models.JSONField(default=list)
    restarts = models.PositiveIntegerField(default=0)
    agent = models.CharField(max_length=40, blank=True, db_index=True)
    version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    resource_version = models.CharField(max_length=32, blank=True)

    objects = Scoped.from_queryset(PodQuerySet)()
    has_page = False  # no column: set by `queries.per_unit.pods.with_pages`

    class Meta:
        indexes = [models.Index(fields=["namespace", "child"])]
        ordering = ["namespace", "name"]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def view(self) -> PodView:
        """The pod as the core sees it."""
        ports = tuple((name, number, protocol) for name, number, protocol in self.ports)
        ips = tuple(self.ips)
        return PodView(
            self.namespace,
            self.name,
            self.labels,
            self.node,
            ips,
            self.ready,
            self.phase,
            self.reason,
            self.message,
            self.child,
            self.terminating,
            ports,
            self.uid,
        )


class ChildQuerySet(models.QuerySet["Child"]):
    """Queries over children."""

    def of_grids(self) -> Self:
        """Those that are, or claim to be, a grid's: the others are remembered for clashes of names alone."""
        return self.exclude(grid_name="", owner_uid="")


class Child(models.Model):
    """A Deployment, StatefulSet or Service as last seen. `body` is the whole object where it carries a grid's label or
    owner, or a Service the annotation `topologyKeys`, and its metadata alone otherwise (enough to see a name clash)."""

    cluster = cluster_field()
    kind = models.CharField(max_length=12)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=64)
    grid_name = models.CharField(max_length=63, blank=True)
    owner_uid = models.CharField(max_length=64, blank=True)
    body = Document(default=dict)
    resource_version = models.CharField(max_length=32, blank=True)

    objects = Scoped.from_queryset(ChildQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "namespace", "name"], name="one_child_per_name"),
            models.UniqueConstraint(fields=["kind", "namespace", "name", "cluster"], name="one_child_per_place"),
        ]
        indexes = [models.Index(fields=["kind", "namespace", "grid_name"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Slice(models.Model):
    """An EndpointSlice of a ServiceGrid's Service as last seen, whoever manages it; `service` is the Service's name."""

    cluster = cluster_field()
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    service = models.CharField(max_length=63)
    body = Document(default=dict)
    resource_version = models.CharField(max_length=32, blank=True)

    objects = Scoped()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="one_slice_per_name"),
            models.UniqueConstraint(fields=["namespace", "name", "cluster"], name="one_slice_per_place"),
        ]
        indexes = [models.Index(fields=["namespace", "service"])]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Namespace(models.Model):
    """A namespace as last seen: its labels say which Pod Security Standard it keeps."""

    cluster = cluster_field()
    name = models.CharField(max_length=63, unique=True)
    labels = Document(default=dict)
    resource_version = models.CharField(max_length=32, blank=True)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "cluster"], name="one_namespace_per_place")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ResourceSync(models.Model):
    """How fresh the rows of one resource are. `synced_at` is when it was last whole (null: never), `heard_at` when the
    cluster last said anything; `failing_since` and `error` are set while it cannot be reached."""

    resource = models.CharField(max_length=40, primary_key=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    served = models.BooleanField(default=True)

    class Meta:
        db_table = "sgportal_mirror"

    def __str__(self) -> str:
        return self.resource
