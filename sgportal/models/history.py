"""What happened: events of grids, deletions, the audit trail, what nodes and cells were, the journal that live pages
follow."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..core.grids.kinds import KINDS
from ..core.text import Sentence
from .intent import Grid
from .scopes.clusters import OfCluster, cluster_field
from .scopes.rows import Scoped
from .work import KEY


class GridEvent(models.Model):
    """Something that happened to a grid and why; repeats are counted, not stored again. `unsent` is how often it
    happened since it was last written to the cluster as an Event."""

    cluster = cluster_field()
    path = models.CharField(max_length=KEY)
    unit = models.CharField(max_length=63, blank=True)
    type = models.CharField(max_length=7, default="Normal")
    reason = models.CharField(max_length=100)
    message = models.JSONField()
    count = models.PositiveIntegerField(default=1)
    unsent = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = Scoped()

    class Meta:
        indexes = [
            models.Index(fields=["path", "-last_at"]),
            models.Index(fields=["path"], condition=Q(unsent__gt=0), name="events_unsent"),
        ]
        ordering = ["-last_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"

    @property
    def sentence(self) -> Sentence:
        """What happened, to be said in the reader's language."""
        return Sentence.from_json(self.message)


class ChildDeletion(models.Model):
    """A unit's child that went without a person's having asked for it, for as long as that counts with others."""

    cluster = cluster_field()
    grid = models.ForeignKey(Grid, models.CASCADE, related_name="deletions")
    unit = models.CharField(max_length=63)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["grid", "unit"], name="one_deletion_per_grid_and_unit")]

    def __str__(self) -> str:
        return f"{self.grid_id}:{self.unit}"


class Trail(Scoped["AuditEvent"]):
    """The entries of the cluster, and those about people, who are the portal's."""

    def of_mine(self) -> Q:
        """Which entries these are."""
        return super().of_mine() | Q(kind=AuditEvent.Kind.ACCESS)

    def observe(self, verb: str, path: str, **said: Any) -> "AuditEvent":
        """Record a write that was seen in the cluster: whom the API server did it for is not known. `said`: more
        fields of the entry."""
        return self.create(actor="cluster", door="cluster", verb=verb, path=path, **said)


class AuditEvent(models.Model):
    """A write somebody asked for: who, by which door and from which address, what, the state before and after, and the
    plan shown. `kind` tells changes of what runs from what concerns people: log-ins, passwords, tokens, roles."""

    class Kind(models.TextChoices):
        """What an entry is about."""

        CHANGE = "change"
        ACCESS = "access"

    cluster = cluster_field()
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.CHANGE)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.CharField(max_length=150)
    door = models.CharField(max_length=10)
    verb = models.CharField(max_length=20)
    path = models.CharField(max_length=KEY, db_index=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    plan = models.JSONField(null=True)

    objects = Trail()

    class Meta:
        indexes = [models.Index(fields=["kind", "-at"])]
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.path}"

    def is_about(self, units: Iterable[tuple[str, str]]) -> None:
        """Note the NodeUnits (key and name) it is about alone; what is about a grid as a whole has none."""
        AuditedUnit.objects.bulk_create(AuditedUnit(entry=self, key=key, unit=unit) for key, unit in sorted(set(units)))


class AuditedUnit(models.Model):
    """A NodeUnit that nodes came to or left by a write that somebody asked for, or that a change of a grid is about."""

    cluster = cluster_field()
    entry = models.ForeignKey(AuditEvent, models.CASCADE, related_name="units")
    key = models.CharField(max_length=317)
    unit = models.CharField(max_length=63)

    objects = Scoped()

    class Meta:
        indexes = [models.Index(fields=["key", "unit"])]

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.key}={self.unit}"


MOST_DAYS = 36_500  # more is for ever; dates do not go back as far as numbers do


def kept_for(days: int) -> timedelta | None:
    """How long something is kept that a setting keeps for so many days; None: for ever."""
    return timedelta(days=days) if 0 < days <= MOST_DAYS else None


class Period(models.Model):
    """Something that was so from `since` to `until` (null: it still is). The times are when the portal saw it."""

    since = models.DateTimeField(default=timezone.now, db_index=True)
    until = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        abstract = True


class NodeHistory(Period):
    """A node as it was for a time; `ready` is Ready, NotReady or Unknown."""

    cluster = cluster_field()
    node = models.CharField(max_length=253)
    ready = models.CharField(max_length=8)
    unschedulable = models.BooleanField(default=False)

    objects = Scoped()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "cluster"], condition=Q(until=None), name="one_present_node")
        ]
        indexes = [models.Index(fields=["node", "since"])]

    def __str__(self) -> str:
        return f"{self.node} {self.ready}"


class LabelHistory(Period):
    """A label that a node had for a time: with a NodeGroup's key it says that the node was in that NodeUnit."""

    cluster = cluster_field()
    node = models.CharField(max_length=253)
    key = models.CharField(max_length=317)
    value = models.CharField(max_length=63, blank=True)

    objects = Scoped()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["node", "key", "cluster"], condition=Q(until=None), name="one_present_label"
            )
        ]
        indexes = [models.Index(fields=["key", "value", "since"]), models.Index(fields=["node", "since"])]

    def __str__(self) -> str:
        return f"{self.node} {self.key}={self.value}"


class RememberedLabel(models.Model):
    """A label key of which it is kept which nodes had it with which value: wholly since `since`. `until`: since when
    nothing names it any more (null: something does). Not `kept`: what there is of it is being removed."""

    cluster = cluster_field()
    key = models.CharField(max_length=317)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)
    kept = models.BooleanField(default=True)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "cluster"], name="one_row_per_label")]

    def __str__(self) -> str:
        return self.key


class CellHistory(Period):
    """What a grid had in a NodeUnit for a time: the state, its reason, the sentence with which that began, and the
    revision of the grid, 0 where that is not known. `key` is the NodeGroup's."""

    cluster = cluster_field()
    kind = models.CharField(max_length=20)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    key = models.CharField(max_length=317, blank=True)
    unit = models.CharField(max_length=63)
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=100)
    message = models.JSONField(default=dict)
    revision = models.PositiveBigIntegerField(default=0)

    objects = Scoped()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "namespace", "name", "unit", "cluster"],
                condition=Q(until=None),
                name="one_present_cell",
            )
        ]
        indexes = [models.Index(fields=["key", "unit", "since"])]

    def __str__(self) -> str:
        return f"{self.path} {self.unit} {self.state}"

    @property
    def plural(self) -> str:
        """Its kind, as addresses have it."""
        return KINDS[self.kind].plural

    @property
    def path(self) -> str:
        """The grid's place in URLs and events."""
        return f"{self.plural}/{self.namespace}/{self.name}"

    @property
    def sentence(self) -> Sentence:
        """Why it was in that state, to be said in the reader's language."""
        return Sentence.from_json(self.message) if self.message else Sentence("")


class Journal(models.Model):
    """What changed, for live pages: `id` is the revision that server-sent events carry. Of PODS none is named, and no
    page is told: what pages show of their own accord changes with grids."""

    PODS = "pod"

    cluster = cluster_field()
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=KEY)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: models.Manager["Journal"] = OfCluster()

    def __str__(self) -> str:
        return f"{self.pk} {self.kind} {self.key}"

    @classmethod
    def newest(cls) -> int:
        """The latest revision, 0 before the first."""
        return cls.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
