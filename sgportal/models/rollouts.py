"""Rollouts of grids in waves, and where each NodeUnit is in them."""

from django.db import models
from django.utils import timezone

from .intent import Grid
from .scopes.clusters import cluster_field
from .scopes.rows import Scoped


class Rollout(models.Model):
    """The rollout of a grid to its revision `target` (a `core.rollouts.state.State` with its `units`); the latest of a
    grid counts. `generation` is that of the grid which it was last held against: another makes the same children, or
    begins another rollout; 0 in a database that was restored. New units have revision `stable` while it is under way.
    What is taken at random follows from `seed`. `command` is the annotation that was last carried out. `looked_at`:
    when it was last looked at. `tracks`: where each of several is (`core.rollouts.state.Position`)."""

    cluster = cluster_field()
    grid = models.ForeignKey(Grid, models.CASCADE, related_name="rollouts")
    target = models.PositiveBigIntegerField()
    stable = models.PositiveBigIntegerField(default=0)
    generation = models.PositiveBigIntegerField()
    seed = models.PositiveBigIntegerField()
    phase = models.CharField(max_length=12)
    reason = models.CharField(max_length=24, blank=True)
    wave = models.PositiveIntegerField(default=0)
    ready_at = models.FloatField(null=True, blank=True)
    approved = models.PositiveIntegerField(default=0)
    checked = models.PositiveIntegerField(default=0)
    tracks = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)
    command = models.TextField(blank=True)
    looked_at = models.FloatField(default=0.0)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = Scoped()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.grid_id}@{self.target}: {self.phase}"


class RolloutUnit(models.Model):
    """A NodeUnit in a rollout (a `core.rollouts.state.Member`)."""

    cluster = cluster_field()
    rollout = models.ForeignKey(Rollout, models.CASCADE, related_name="units")
    name = models.CharField(max_length=63)
    wave = models.PositiveIntegerField()
    before = models.PositiveBigIntegerField()
    assigned = models.PositiveBigIntegerField()
    turn = models.CharField(max_length=8)
    since = models.FloatField(default=0.0)
    took = models.FloatField(default=0.0)
    reached = models.FloatField(default=0.0)
    failure = models.CharField(max_length=16, blank=True)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rollout", "name"], name="one_row_per_rollout_and_unit")]
        ordering = ["wave", "name"]

    def __str__(self) -> str:
        return f"{self.rollout_id}:{self.name}"
