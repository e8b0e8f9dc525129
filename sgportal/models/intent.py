"""What people want: grids, and what was last observed of each."""

import uuid
from collections.abc import Collection, Mapping
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from ..core.grids.grid import source_metadata
from ..core.grids.kinds import API_VERSION, KINDS, GridKind
from ..core.overrides.operation import operation_text
from ..core.overrides.variables import depends_on_labels
from ..core.ownership.identity import Owner
from ..core.text import Sentence
from ..core.timestamps import rfc3339
from .packages import ServiceGroup
from .scopes.clusters import cluster_field
from .scopes.current import reading
from .scopes.part import PartlySeen, check_whole
from .scopes.rows import Scoped


class GridQuerySet(PartlySeen["Grid"]):
    """Queries over grids."""

    def at(self, plural: str, namespace: str, name: str) -> Self:
        """The grid at this address, at most one."""
        kind = next(each.kind for each in KINDS.values() if each.plural == plural)
        return self.filter(kind=kind, namespace=namespace, name=name)

    def briefly(self) -> Self:
        """The grids without their manifests and statuses, which are large and which a list does not show."""
        return self.defer("metadata", "spec", "status", "sentences", "whole")

    def workloads(self) -> Self:
        """The grids that run pods."""
        return self.exclude(kind="ServiceGrid")

    def in_cluster(self) -> Self:
        """The grids that have, or had when last seen, a custom resource."""
        return self.exclude(cluster_uid="")

    def missing(self) -> Self:
        """The grids whose custom resource is gone, where nobody has decided what that means."""
        return self.exclude(missing_since=None).filter(may_be_forgotten=False)

    def locked(self) -> Self:
        """These rows, locked to the end of the transaction in order of key, so that no two processes that change
        several can wait for each other's."""
        return self.order_by("pk").select_for_update(of=("self",))

    def lock_those(self, places: Collection[tuple[str, str, str]]) -> None:
        """Lock the rows at these places (kind, namespace, name) that there are. One query."""
        named = reduce(or_, (Q(kind=kind, namespace=space, name=name) for kind, space, name in places))
        list(self.filter(named).locked().values_list("pk"))


class Grid(models.Model):
    """A grid as people want it (`metadata`, `spec`, `generation`) and as it was last seen (`status`).

    `home` says where its spec is edited: `portal` (this row) or `cluster` (a custom resource the watch mirrors).
    `pushed_generation` is the generation of this row that the custom resource has; `cluster_uid` and
    `cluster_generation` are that resource's own, "" and 0 where there is none. `version` counts every change of intent
    and makes the ETag. `deleting_since` is set while children go; then the row goes. `missing_since` is set while the
    custom resource is gone from the cluster, `missing_held` where that waits for a person, and `may_be_forgotten` once
    a person has decided that the row goes where the cluster has none. `deleted_made_at` is when that resource had been
    made, where it was seen being deleted. `reads_labels` says that its children depend on labels of nodes besides the
    key. `sentences` are those of the conditions of `status`, by type, for the reader's language.

    `whole` is what was found of the grid as a whole (a `core.status.parts.Whole`; empty until then). `unit_count`,
    `ready_units`, `pods_desired`, `pods_ready` and `units_by_state` are sums over its cells, kept in the transaction
    that changes those. `cells_version` counts these changes, and `published_version` is the one of which the status was
    published, last at `published_at`: where they differ, a status is to be published. `published_as`: what the custom
    resource says (`resource_status.sent_as`; "": not known). `readers`: what else reads a closed Service's slices,
    `{named: [...], count: n}`, or {}. `naming`: the condition of a Service's names, or {}. `stable`: the revision of
    units to which no rollout under way has assigned one (None: there is none); `rollout` is what the status says of the
    latest, or {}. `operation`: the annotation of what is asked once, as last carried out (None: not done)."""

    class Home(models.TextChoices):
        """Where a grid's spec is edited."""

        PORTAL = "portal"
        CLUSTER = "cluster"

    cluster = cluster_field()
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in KINDS])
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    key = models.CharField(max_length=317, blank=True)
    home = models.CharField(max_length=8, choices=Home.choices, default=Home.PORTAL)
    group = models.ForeignKey(ServiceGroup, models.SET_NULL, null=True, blank=True, related_name="grids")
    metadata = models.JSONField(default=dict)
    spec = models.JSONField(default=dict)
    reads_labels = models.BooleanField(default=False, db_index=True)
    generation = models.PositiveBigIntegerField(default=1)
    version = models.PositiveBigIntegerField(default=1)
    pushed_generation = models.PositiveBigIntegerField(default=0)
    cluster_uid = models.CharField(max_length=64, blank=True)
    cluster_generation = models.PositiveBigIntegerField(default=0)
    deleting_since = models.DateTimeField(null=True, blank=True)
    propagation = models.CharField(max_length=10, default="Background")
    missing_since = models.DateTimeField(null=True, blank=True)
    missing_held = models.BooleanField(default=False)
    deleted_made_at = models.DateTimeField(null=True, blank=True)
    may_be_forgotten = models.BooleanField(default=False)
    status = models.JSONField(default=dict)
    sentences = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default="Progressing")
    observed_generation = models.PositiveBigIntegerField(default=0)
    whole = models.JSONField(default=dict)
    unit_count = models.PositiveIntegerField(default=0)
    ready_units = models.PositiveIntegerField(default=0)
    pods_desired = models.PositiveBigIntegerField(default=0)
    pods_ready = models.PositiveBigIntegerField(default=0)
    units_by_state = models.JSONField(default=dict)
    cells_version = models.PositiveBigIntegerField(default=0)
    published_version = models.PositiveBigIntegerField(default=0)
    published_at = models.DateTimeField(null=True, blank=True)
    published_as = models.CharField(max_length=64, blank=True, default="", db_default="")
    operation = models.TextField(blank=True, null=True, default="", db_default="")
    seen_at = models.DateTimeField(null=True, blank=True)
    readers = models.JSONField(default=dict)
    naming = models.JSONField(default=dict)
    stable = models.PositiveBigIntegerField(null=True, blank=True)
    rollout = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = Scoped.from_queryset(GridQuerySet)()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "namespace", "name", "cluster"], name="one_grid_here")]
        indexes = [
            models.Index(fields=["key"]),
            models.Index(
                fields=["key"], condition=Q(cells_version__gt=F("published_version")), name="status_to_publish"
            ),
        ]
        ordering = ["namespace", "name", "kind"]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row, with what follows from its spec. Raises ValueError for one of which only a part was read."""
        check_whole(self)
        self.reads_labels = depends_on_labels(self.spec)
        super().save(*args, **kwargs)

    @property
    def member(self) -> str:
        """As members of a package are named, `<plural>/<name>`."""
        return f"{self.grid_kind.plural}/{self.name}"

    @property
    def package(self) -> ServiceGroup | None:
        """The ServiceGroup it is a member of, where whoever asks may read that."""
        found = self.group
        return found if found and reading().takes_package(found.namespace, found.key) else None

    @property
    def grid_kind(self) -> GridKind:
        """The core's description of this kind."""
        return KINDS[self.kind]

    @property
    def path(self) -> str:
        """`<plural>/<namespace>/<name>`: its place in URLs, events and work keys."""
        return f"{self.grid_kind.plural}/{self.namespace}/{self.name}"

    @property
    def etag(self) -> str:
        """The strong entity tag of its intent (RFC 9110)."""
        return f'"{self.uid.hex}.{self.version}"'

    def manifest(self) -> dict[str, Any]:
        """The grid as Kubernetes shows it, with `metadata.uid`, `generation` and `status`."""
        metadata = {
            "name": self.name,
            "namespace": self.namespace,
            **self.metadata,
            "uid": self.cluster_uid or str(self.uid),
            "generation": self.generation,
            "resourceVersion": str(self.version),
            "creationTimestamp": rfc3339(self.created_at),
        }
        if self.deleting_since:
            metadata["deletionTimestamp"] = rfc3339(self.deleting_since)
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "metadata": metadata,
            "spec": self.spec,
            "status": self.status,
        }

    def revise(self, manifest: Mapping[str, Any], author: str) -> None:
        """Make it say what a valid manifest of it says, as the next revision, whose author this is; its units are tried
        at once."""
        self.key, self.spec = manifest["spec"]["gridUniqKey"], dict(manifest["spec"])
        self.metadata = source_metadata(manifest["metadata"])
        if not self.generation:  # what a first version says asks for nothing
            self.operation = operation_text(self.metadata.get("annotations"))
        self.generation += 1
        self.version += 1
        self.may_be_forgotten = False  # whoever saves it wants it
        self.save()
        self.remember(author)
        self.units.update(failures=0, next_at=None)

    def remember(self, author: str) -> None:
        """Keep the spec as it is now as the revision of this generation."""
        kept = {"path": self.path, "spec": self.spec, "metadata": self.metadata, "author": author}
        self.revisions.get_or_create(number=self.generation, defaults=kept)

    @property
    def owner(self) -> Owner:
        """Whom the grid's children belong to."""
        return Owner(self.cluster_uid or str(self.uid), bool(self.cluster_uid), str(self.uid))

    def source(self) -> dict[str, Any]:
        """The grid as a person writes it: without what the server adds."""
        metadata = {"name": self.name, "namespace": self.namespace, **self.metadata}
        return {"apiVersion": API_VERSION, "kind": self.kind, "metadata": metadata, "spec": self.spec}


class GridUnit(models.Model):
    """One cell of the matrix: what was last observed of a grid in a unit, and that unit's own back-off.

    `severity` is the state's place in `core.health.STATES`, 0 the worst. `desired`, `ready` and `updated` count pods;
    of a ServiceGrid `nodes` counts the unit's nodes and `served` those that reach an endpoint as they may. `gone_since`
    is when the unit was first missed. `failures` and `next_at` pace the writes of this unit alone. `retirement` (a
    `core.plans.retirement.Retirement`) says what was decided about the child of a unit that is gone; it waits since
    `held_since`. `attempts` says by field what did not keep its value (`core.plans.contest.Attempt`), `notes` what else
    is to be read, each `{"reason": ..., "message": <sentence>}`, `contested` why a field of it is contested ({} where
    none is), and `child_status` the child's own status in SuperEdge's shape. `generation` is that of the grid by which
    the unit was last judged. `revision` is that of the grid that the child has, 0 where it is not known (`joined`:
    there was one); it should have `pinned`, else `assigned` by a rollout, else the latest.
    """

    cluster = cluster_field()
    grid = models.ForeignKey(Grid, models.CASCADE, related_name="units")
    name = models.CharField(max_length=63, blank=True)
    state = models.CharField(max_length=12)
    severity = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=100)
    message = models.JSONField(default=dict)
    template = models.CharField(max_length=253, blank=True)
    child = models.CharField(max_length=253, blank=True)
    desired = models.PositiveIntegerField(default=0)
    ready = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    nodes = models.PositiveIntegerField(default=0)
    served = models.PositiveIntegerField(default=0)
    misplaced = models.JSONField(default=list)
    gone_since = models.DateTimeField(null=True, blank=True)
    retirement = models.CharField(max_length=8, blank=True)
    held_since = models.DateTimeField(null=True, blank=True)
    recreate = models.BooleanField(default=False)
    attempts = models.JSONField(default=dict)
    notes = models.JSONField(default=list)
    contested = models.JSONField(default=dict)
    child_status = models.JSONField(default=dict)
    generation = models.PositiveBigIntegerField(default=0)
    revision = models.PositiveBigIntegerField(default=0)
    joined = models.BooleanField(default=False, db_default=False)
    pinned = models.PositiveBigIntegerField(null=True, blank=True)
    assigned = models.PositiveBigIntegerField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["grid", "name"], name="one_row_per_grid_and_unit")]
        indexes = [
            models.Index(fields=["name"]),
            models.Index(fields=["severity"]),
            models.Index(fields=["grid", "severity", "name"], name="units_worst_first"),
            models.Index(fields=["retirement"], condition=~Q(retirement=""), name="units_retired"),
        ]
        ordering = ["severity", "name"]

    def __str__(self) -> str:
        return f"{self.grid_id}:{self.name}"

    @property
    def sentence(self) -> Sentence:
        """Why the unit is in its state, to be said in the reader's language."""
        return Sentence.from_json(self.message)

    @property
    def told(self) -> list[tuple[str, Sentence]]:
        """The notes, each with its CamelCase reason."""
        return [(each["reason"], Sentence.from_json(each["message"])) for each in self.notes]
