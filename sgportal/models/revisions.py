"""What grids were: a revision for each change of a spec."""

from typing import Any

from django.db import models
from django.utils import timezone

from ..core.grids.kinds import API_VERSION, BY_PLURAL
from ..core.names import CHANGE_CAUSE
from .intent import Grid
from .scopes.rows import Scoped
from .work import KEY


class Revision(models.Model):
    """An immutable version of a grid's spec. It outlives the grid, so that a deletion can be undone."""

    grid = models.ForeignKey(Grid, models.SET_NULL, null=True, related_name="revisions")
    path = models.CharField(max_length=KEY, db_index=True)
    number = models.PositiveBigIntegerField()
    spec = models.JSONField()
    metadata = models.JSONField(default=dict)
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["grid", "number"], name="one_revision_per_number")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.path}@{self.number}"

    @property
    def change_cause(self) -> str:
        """Why it was made, as `kubectl annotate` says it ("" where nobody does)."""
        annotations = self.metadata.get("annotations") or {}
        return str(annotations.get(CHANGE_CAUSE) or "")

    def source(self) -> dict[str, Any]:
        """The grid as it was, as a person writes it."""
        plural, namespace, name = self.path.split("/")
        metadata = {"name": name, "namespace": namespace, **self.metadata}
        return {"apiVersion": API_VERSION, "kind": BY_PLURAL[plural].kind, "metadata": metadata, "spec": self.spec}
