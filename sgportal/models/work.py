"""The work still to do, who is at it, and which processes live."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import F, Min, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from . import clock
from .scopes.clusters import OfCluster, cluster_field

KEY = 512  # the longest "<plural>/<namespace>/<name>", in every table


class WorkKeyQuerySet(models.QuerySet["WorkKey"]):
    """The queue's truth: who is due, who holds what."""

    def free(self) -> Self:
        """The keys that nobody is at."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=clock.now()))

    def due(self) -> Self:
        """The keys with something to do now and nobody doing it, by the database's clock."""
        return self.free().filter(requested__gt=F("done"), next_at__lte=clock.now())

    def oldest_seconds(self) -> float:
        """How long the oldest of what is due has been waiting for somebody to begin; 0 where nothing waits."""
        oldest = self.due().aggregate(at=Min(Greatest("since", "next_at")))["at"]
        return max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0

    def locked(self) -> Self:
        """These rows, locked to the end of the transaction in order of key, so that no two processes that change
        several can wait for each other's."""
        rows = self.order_by("key").select_for_update().values_list("pk", flat=True)
        return WorkKey.objects.filter(pk__in=list(rows))  # type: ignore[return-value]


class WorkKey(models.Model):
    """One thing to be made right. `requested` counts wishes, `done` the last wish fulfilled; `queued` says that a
    message is on its way; `holder` is who is at it, until `lease_until` or, where `session` names the lock that its
    process holds, until that is dead; `next_at` is the earliest next try;
    `since` is when the oldest wish that is not fulfilled was made."""

    cluster = cluster_field()
    key = models.CharField(max_length=KEY)
    requested = models.PositiveBigIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    queued = models.BooleanField(default=False)
    queued_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    holder = models.CharField(max_length=100, blank=True)
    session = models.IntegerField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    since = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)

    objects = OfCluster.from_queryset(WorkKeyQuerySet)()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "cluster"], name="one_row_per_key")]
        indexes = [models.Index("next_at", name="work_to_do", condition=Q(requested__gt=F("done")))]

    def __str__(self) -> str:
        return self.key


class DueCell(models.Model):
    """A cell, what a grid has in a NodeUnit, that something happened to; whoever has reconciled it takes the row away.
    `label` is the grid's gridUniqKey; `grid` is the primary key of its row, for all grids of that key 0, or less in
    another cluster than the first. `moved`: the unit has other members than before. `changed`: the grid's spec has
    changed and is not carried out there yet. `batch` is 0 until the cell is reconciled: what happens meanwhile is a row
    of its own."""

    cluster = cluster_field()
    label = models.CharField(max_length=317)
    grid = models.BigIntegerField(default=0)  # no foreign key: nobody waits for a grid that is being deleted
    unit = models.CharField(max_length=63)
    moved = models.BooleanField(default=False)
    changed = models.BooleanField(default=False)
    batch = models.BigIntegerField(default=0)

    objects: models.Manager["DueCell"] = OfCluster()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["label", "grid", "unit", "moved", "changed", "batch"], name="one_row_per_due_cell"
            )
        ]
        indexes = [
            models.Index("label", F("moved").desc(), "id", name="cells_to_do"),
            models.Index("grid", condition=Q(changed=True), name="cells_changing"),
        ]

    def __str__(self) -> str:
        return f"{self.label}={self.unit}"


class Lease(models.Model):
    """Which process may do what only one may do. `session` names the lock that it holds as long as it lives."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=100)
    session = models.IntegerField(null=True, blank=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"


class Heartbeat(models.Model):
    """When a process of ours last said that it lives (`kind`: worker, watch, keeper), which lock it holds meanwhile
    (`session`), and what it had counted by then (`figures`: of a keeper, what `reconciler.endpoints.metrics` says; of a
    worker, what `reconciler.queue.broker` says of the broker)."""

    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now)
    session = models.IntegerField(null=True, blank=True)
    figures = models.JSONField(default=dict)

    SILENT = timedelta(seconds=30)  # then it counts as dead where the database cannot say so sooner

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="one_heartbeat_per_process")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
