"""What people asked to be done to nodes, and how far each job is."""

import uuid

from django.db import models
from django.utils import timezone

from .scopes.clusters import cluster_field
from .scopes.rows import Scoped


class LabelJob(models.Model):
    """A job on many nodes: `action` is one of `core.node_jobs.ACTIONS`. `changes` maps a label key to its new value
    (null removes) where that is the same for all. `results` holds a record per node, as `core.node_jobs.begun` makes
    it; `state` in it is pending, done or failed. `stopped`: no step is begun any more. `undoes`: the job that it takes
    back, and for whose end it waits."""

    class State(models.TextChoices):
        """How far a job is."""

        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    cluster = cluster_field()
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    action = models.CharField(max_length=8, default="label")
    changes = models.JSONField()
    results = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    stopped = models.BooleanField(default=False)
    undoes = models.UUIDField(null=True, blank=True)
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = Scoped()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def over(self) -> bool:
        """Whether nothing more is done for it."""
        return self.state in (self.State.DONE, self.State.FAILED)

    def changes_of(self, name: str) -> dict[str, str | None]:
        """The labels that a node is to have."""
        return dict(self.results[name].get("after", self.changes))

    @property
    def done(self) -> int:
        """How many nodes have been dealt with."""
        return sum(result["state"] != "pending" for result in self.results.values())
