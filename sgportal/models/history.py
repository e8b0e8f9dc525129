"""What happened: events of grids, deletions, the audit trail, the journal that live pages follow."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..core.text import Sentence
from .intent import Grid
from .scopes.rows import Scoped
from .work import KEY


class GridEvent(models.Model):
    """Something that happened to a grid and why; repeats are counted, not stored again. `unsent` is how often it
    happened since it was last written to the cluster as an Event."""

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

    grid = models.ForeignKey(Grid, models.CASCADE, related_name="deletions")
    unit = models.CharField(max_length=63)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["grid", "unit"], name="one_deletion_per_grid_and_unit")]

    def __str__(self) -> str:
        return f"{self.grid_id}:{self.unit}"


class AuditEvent(models.Model):
    """A write somebody asked for: who, by which door and from which address, what, the state before and after, and the
    plan shown. `kind` tells changes of what runs from what concerns people: log-ins, passwords, tokens, roles."""

    class Kind(models.TextChoices):
        """What an entry is about."""

        CHANGE = "change"
        ACCESS = "access"

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

    objects = Scoped()

    class Meta:
        indexes = [models.Index(fields=["kind", "-at"])]
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.path}"


class Journal(models.Model):
    """What changed, for live pages: `id` is the revision that server-sent events carry."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=KEY)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.pk} {self.kind} {self.key}"

    @classmethod
    def newest(cls) -> int:
        """The latest revision, 0 before the first."""
        return cls.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
