"""What grids were: a revision for each change of a spec."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils import timezone

from ..core.grids.group import GROUP_VERSION, KIND, PLURAL
from ..core.grids.kinds import API_VERSION, BY_PLURAL
from ..core.names import CHANGE_CAUSE
from .intent import Grid
from .packages import ServiceGroup
from .scopes.clusters import cluster_field
from .scopes.rows import Scoped
from .work import KEY


def cause_of(metadata: Mapping[str, Any]) -> str:
    """Why something was changed, as `kubectl annotate` says it ("" where nobody does)."""
    return str((metadata.get("annotations") or {}).get(CHANGE_CAUSE) or "")


class Revision(models.Model):
    """An immutable version of a grid's spec. It outlives the grid, so that a deletion can be undone."""

    cluster = cluster_field()
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
        return cause_of(self.metadata)

    def source(self) -> dict[str, Any]:
        """The grid as it was, as a person writes it."""
        plural, namespace, name = self.path.split("/")
        metadata = {"name": name, "namespace": namespace, **self.metadata}
        return {"apiVersion": API_VERSION, "kind": BY_PLURAL[plural].kind, "metadata": metadata, "spec": self.spec}


class PackageRevision(models.Model):
    """An immutable version of a package with all of its members. It outlives the package. `members` says of each,
    by path, which of its own revisions this one has; `cause` why it was made, "" where nobody said."""

    cluster = cluster_field()
    group = models.ForeignKey(ServiceGroup, models.SET_NULL, null=True, related_name="revisions")
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    key = models.CharField(max_length=317)
    number = models.PositiveBigIntegerField()
    spec = models.JSONField()
    metadata = models.JSONField(default=dict)
    members = models.JSONField(default=dict)
    author = models.CharField(max_length=150)
    cause = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "number"], name="one_package_revision_per_number")]
        indexes = [models.Index(fields=["namespace", "name"], name="package_revision_name")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{PLURAL}/{self.namespace}/{self.name}@{self.number}"

    @property
    def change_cause(self) -> str:
        """Why it was made, as it was said then."""
        return self.cause

    def source(self) -> dict[str, Any]:
        """The package as it was, as a person writes it."""
        metadata = {"name": self.name, "namespace": self.namespace, **self.metadata}
        return {"apiVersion": GROUP_VERSION, "kind": KIND, "metadata": metadata, "spec": self.spec}

    @classmethod
    def keep(cls, group: ServiceGroup, author: str = "") -> None:
        """Keep what a package and its members say now as its next revision, unless the last one says the same. Without
        an `author` it was changed by edits of members, whose authors and reasons are those of their revisions. Two
        queries where there is nothing new."""
        last, source = cls.objects.filter(group=group).first(), group.source()
        if last is not None and last.spec == source["spec"]:
            return
        grids = Grid.objects.filter(group=group, deleting_since=None)
        members = {grid.path: grid.generation for grid in grids}
        cause = cause_of(group.metadata)
        if not author:
            known = last.members if last else {}
            rows = Revision.objects.filter(grid__group=group, path__in=members).order_by("created_at", "pk")
            fresh = [row for row in rows if row.number > known.get(row.path, 0)]
            author = ", ".join(dict.fromkeys(row.author for row in fresh if row.author))[:150]
            cause = "; ".join(dict.fromkeys(row.change_cause for row in fresh if row.change_cause))
        cls.objects.create(
            group=group,
            namespace=group.namespace,
            name=group.name,
            key=group.key,
            number=last.number + 1 if last else 1,
            spec=source["spec"],
            metadata=group.metadata,
            members=members,
            author=author,
            cause=cause,
        )
