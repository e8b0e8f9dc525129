"""What nodes and pods use of processors and memory, as last measured, and the values before."""

import math
from datetime import datetime
from typing import Any

from django.db import models

from ...core.grids.kinds import KINDS
from ...core.text import Sentence
from ..cache import Document
from ..scopes.clusters import OneEach, cluster_field
from ..scopes.rows import Scoped


class Measured(models.Model):
    """Something that is measured: `cpu` in millicores, `memory` in MiB, as of `at`; `cpu_ring` and `memory_ring` are
    the latest values, one for each SGPORTAL_USAGE_SECONDS, null where nothing was measured (`core.usage.ring`). What
    `cpu_total` and `memory_total` say may be used at most; 0 where nothing says so."""

    cluster = cluster_field()
    at = models.DateTimeField(db_index=True)
    cpu = models.PositiveBigIntegerField()
    memory = models.PositiveBigIntegerField()
    cpu_total = models.PositiveBigIntegerField(default=0)
    memory_total = models.PositiveBigIntegerField(default=0)
    cpu_ring = Document(default=list)
    memory_ring = Document(default=list)

    class Meta:
        abstract = True


class NodeUsage(Measured):
    """What a node uses, of what it may give to pods."""

    node = models.CharField(max_length=253)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "cluster"], name="one_usage_of_node")]

    def __str__(self) -> str:
        return self.node


class UnitUsage(Measured):
    """What the nodes of a NodeUnit use together, of what they may give to pods."""

    key = models.CharField(max_length=317)
    unit = models.CharField(max_length=63)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "unit", "cluster"], name="one_usage_of_unit")]

    def __str__(self) -> str:
        return f"{self.key}={self.unit}"


class CellUsage(Measured):
    """What the pods of a grid use in a NodeUnit; in all of them together where `unit` is ""."""

    kind = models.CharField(max_length=20)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    key = models.CharField(max_length=317)
    unit = models.CharField(max_length=63, blank=True)

    objects = Scoped()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "namespace", "name", "unit", "cluster"], name="one_usage_of_cell")
        ]
        indexes = [models.Index(fields=["key", "unit"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name} {self.unit}"

    @property
    def path(self) -> str:
        """The grid's place in URLs and events."""
        return f"{KINDS[self.kind].plural}/{self.namespace}/{self.name}"


class PodUsage(Measured):
    """What a pod uses; `node`, `child_kind` and `child` are those of the pod."""

    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    node = models.CharField(max_length=253, blank=True)
    child_kind = models.CharField(max_length=12, blank=True)
    child = models.CharField(max_length=253, blank=True)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "name", "cluster"], name="one_usage_of_pod")]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class UsageSource(OneEach):
    """When metrics-server or Prometheus was last read whole, and the sentence that says why it was not since, {} where
    it was. `pause` is how many seconds pass until the next look."""

    pause = models.PositiveIntegerField(default=0, db_default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    problem = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.read_at or "–")

    @classmethod
    def keep(cls, read_at: datetime | None, problem: Sentence | None, pause: float = 0) -> None:
        """Remember a look: when it was done, or what it met with, and the seconds until the next."""
        said: dict[str, Any] = problem.to_json() if problem else {}
        fields = ["problem", "pause", *(["read_at"] if read_at else [])]
        row = UsageSource(read_at=read_at, problem=said, pause=math.ceil(pause))
        UsageSource.objects.bulk_create([row], update_conflicts=True, unique_fields=["id"], update_fields=fields)

    @property
    def sentence(self) -> Sentence | None:
        """Why it could not be read, to be said in the reader's language."""
        return Sentence.from_json(self.problem) if self.problem else None


MEASURED = (NodeUsage, UnitUsage, CellUsage, PodUsage)
