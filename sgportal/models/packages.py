"""Packages of grids."""

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from ..core.grids.group import GROUP_VERSION, KIND, PLURAL
from ..core.grids.members import rewritten
from .scopes.clusters import cluster_field
from .scopes.rows import Scoped


class ServiceGroup(models.Model):
    """A named package of grids that share one gridUniqKey and namespace.

    `spec` is as somebody wrote it last ({} for one that was put together from its grids); its members are rows of their
    own, and what they say counts (`manifest`). `home` says where it is edited, as that of a grid; `cluster_uid` and
    `cluster_generation` are those of its custom resource, as it was last taken in, "" and 0 where there is none.
    `deleting_since` is set while its members go; with `orphaning` they stay; `propagation_known` says that it is known
    whether its custom resource is deleted with or without them. `status` is what is said of it, and
    `sentences` those of its conditions, by type. `held_since`: its deletion waits for a person. `command` is the
    annotation about its rollout that was last carried out, `operation` the one by which something is asked of it once
    (None: not known any more, so that what it says is not done)."""

    kind = KIND

    cluster = cluster_field()
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    key = models.CharField(max_length=317)
    home = models.CharField(max_length=8, choices=[("portal", "Portal"), ("cluster", "Cluster")], default="portal")
    metadata = models.JSONField(default=dict)
    spec = models.JSONField(default=dict)
    version = models.PositiveBigIntegerField(default=1)
    cluster_uid = models.CharField(max_length=64, blank=True)
    cluster_generation = models.PositiveBigIntegerField(default=0)
    deleting_since = models.DateTimeField(null=True, blank=True)
    orphaning = models.BooleanField(default=False)
    propagation_known = models.BooleanField(default=False, db_default=False)
    held_since = models.DateTimeField(null=True, blank=True)
    command = models.TextField(blank=True)
    operation = models.TextField(blank=True, null=True, default="", db_default="")
    status = models.JSONField(default=dict)
    sentences = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    objects = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "name", "cluster"], name="one_package_per_place")]
        ordering = ["namespace", "name"]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        """`servicegroups/<namespace>/<name>`."""
        return f"{PLURAL}/{self.namespace}/{self.name}"

    @property
    def etag(self) -> str:
        """The strong entity tag of its intent (RFC 9110)."""
        return f'"{self.uid.hex}.{self.version}"'

    def source(self) -> dict[str, Any]:
        """The package as a person writes it, with its members as they are now, but for those that go. One query,
        unless they are fetched."""
        members = [grid.source() for grid in self.grids.all() if not grid.deleting_since]
        spec = rewritten(self.spec or {"gridUniqKey": self.key, "grids": []}, self.namespace, members)
        metadata = {"name": self.name, "namespace": self.namespace, **self.metadata}
        return {"apiVersion": GROUP_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}

    def manifest(self) -> dict[str, Any]:
        """The same with `metadata.uid`."""
        source = self.source()
        return {**source, "metadata": {**source["metadata"], "uid": self.cluster_uid or str(self.uid)}}
