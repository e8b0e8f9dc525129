"""The clusters that the portal's rows belong to, and whether everything stops until a person decides."""

import hashlib
import json
from typing import Any, Self, cast

from django.db import connection, models
from django.utils import timezone

from ..core.fleet.halt import Choice, Reason, choices, why
from ..core.text import Sentence
from .scopes.clusters import OneEach, current


class ManagedCluster(OneEach):
    """A cluster; each process works for one (`scopes.clusters`). `name` is what people call it, as
    the watch found it in SGPORTAL_CLUSTER_NAME, and `uid` that of its namespace kube-system ("": not known yet).

    `halt` is a `core.fleet.halt.Reason` while nothing is written and nothing forgotten ("": work goes on), since
    `halted_at`, by what `facts` say. `decision` (a `core.fleet.halt.Choice`), `decided_by` (a user's name) and
    `decided_at` are the last that was decided. `lost_labels` maps the names of nodes to labels that they get back once
    the cluster's nodes are known.
    """

    name = models.CharField(max_length=63, blank=True, default="", db_default="")
    uid = models.CharField(max_length=64, blank=True)
    halt = models.CharField(max_length=20, blank=True)
    halted_at = models.DateTimeField(null=True, blank=True)
    facts = models.JSONField(default=dict)
    decision = models.CharField(max_length=10, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    lost_labels = models.JSONField(default=dict)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name or self.uid or "unknown"

    @classmethod
    def locked(cls) -> Self:
        """The row, locked to the end of the transaction."""
        rows = cls.objects.select_for_update()
        if (row := rows.first()) is None:
            cls.objects.get_or_create(pk=current())
            row = rows.get()
        return row

    @classmethod
    def shared(cls) -> Self:
        """The row, kept as it is to the end of the transaction, together with others that keep it so."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM {cls._meta.db_table} WHERE id = %s FOR SHARE", [current()])  # noqa: S608
        return cls.now()

    @property
    def sentence(self) -> Sentence:
        """Why everything stops."""
        return why(cast(Reason, self.halt), self.facts)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What a person may choose."""
        return choices(cast(Reason, self.halt)) if self.halt else ()

    @property
    def halt_id(self) -> str:
        """Names this very halt, so that a decision is about what was shown; "" while work goes on."""
        if not self.halt or not self.halted_at:
            return ""
        told: list[Any] = [self.halt, self.halted_at.isoformat(), self.facts]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
