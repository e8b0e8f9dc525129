"""How old the rows that mirror the cluster are, and whether the cluster answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, Exists, F, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from ..core.names import APISERVER
from ..core.shards import undivided
from ..models import Heartbeat, WorkKey, clock
from ..models.cache import ResourceSync

PROBE_SILENCE = timedelta(seconds=15)  # the watch reports an answer or a failure every few seconds while it lives


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the rows are. `observed_at` is when the cluster was last heard (None: not all of it was read yet),
    `unreachable_since` is set while it cannot be reached, `stale` says that the rows are older than the setting allows
    or that no watch process reports. Of pages also: `unworked_since` and `unkept_since`, since when there has been no
    sign of life of any worker, or keeper, where that is too long ago."""

    observed_at: datetime | None
    unreachable_since: datetime | None
    error: str
    stale: bool
    unworked_since: datetime | None = None
    unkept_since: datetime | None = None

    @property
    def lost(self) -> bool:
        """Whether what is shown may long be otherwise: the cluster does not answer, or nobody watches it."""
        return self.observed_at is not None and (self.unreachable_since is not None or self.stale)


def freshness() -> Freshness:
    """How fresh the rows as a whole are: as old as the oldest resource, or shard of one. One query."""
    return _freshness(list(_served()))


def freshness_of_pages() -> Freshness:
    """The same, and what is not done because nobody is there to do it: what workers make of the rows is then older than
    the rows, though the cluster is heard. One query."""
    workers = Heartbeat.objects.filter(kind="worker")
    # They ended in order, or none was ever there.
    waiting = WorkKey.objects.due().filter(~Exists(workers), next_at__lt=clock.now(-Heartbeat.SILENT))
    waits_since = Subquery(waiting.order_by("next_at").values("next_at")[:1])
    unworked = Coalesce(_silent_since(workers), waits_since)
    unkept = _silent_since(Heartbeat.objects.filter(kind="keeper"))
    rows = list(_served().annotate(unworked=unworked, unkept=unkept))
    first = vars(rows[0]) if rows else {}
    return replace(_freshness(rows), unworked_since=first.get("unworked"), unkept_since=first.get("unkept"))


def _served() -> "QuerySet[ResourceSync]":
    return ResourceSync.objects.filter(served=True)


def _silent_since(processes: "QuerySet[Heartbeat]") -> Subquery:
    """When the last of these said that it lives, where that is too long ago."""
    since = Case(When(at__lt=clock.now(-Heartbeat.SILENT), then=F("at")))
    return Subquery(processes.order_by("-at").values(since=since)[:1])


def _freshness(rows: Sequence[ResourceSync]) -> Freshness:
    heard = [row.heard_at for row in rows if row.heard_at]
    failing = [row for row in rows if row.failing_since]
    observed = min(heard, default=None) if len(heard) == len(rows) else None
    now = timezone.now()
    limit = now - timedelta(seconds=settings.SGPORTAL_STALE_SECONDS)
    probes = (row for row in rows if undivided(row.resource) == APISERVER and not row.failing_since)
    silent = any(row.heard_at < now - PROBE_SILENCE for row in probes if row.heard_at)
    since = min((row.failing_since for row in failing if row.failing_since), default=None)
    error = failing[0].error if failing else ""
    return Freshness(observed, since, error, observed is None or observed < limit or silent)


def seen_once(resource: str) -> bool:
    """Whether a resource of the cluster was ever read whole, in every shard; before that an empty list means nothing.
    One query."""
    rows = ResourceSync.objects.filter(Q(resource=resource) | Q(resource__startswith=f"{resource} "))
    synced = list(rows.values_list("synced_at", flat=True))
    return bool(synced) and None not in synced
