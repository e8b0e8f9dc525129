"""Changes of labels that people asked for, and how far each is."""

import uuid

from django.db import models
from django.utils import timezone


class LabelJob(models.Model):
    """A change of labels on many nodes: `changes` maps a key to its new value (null removes), `results` holds per node
    `{"before": {...}, "state": "pending|done|failed", "detail": ...}`."""

    class State(models.TextChoices):
        """How far a job is."""

        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    changes = models.JSONField()
    results = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def done(self) -> int:
        """How many nodes have been dealt with."""
        return sum(result["state"] != "pending" for result in self.results.values())
