"""How old the rows that mirror the cluster are, and whether the cluster answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from ..core.names import APISERVER
from ..models.cache import ResourceSync

PROBE_SILENCE = timedelta(seconds=15)  # the watch reports an answer or a failure every few seconds while it lives


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the rows are. `observed_at` is when the cluster was last heard (None: not all of it was read yet),
    `unreachable_since` is set while it cannot be reached, `stale` says that the rows are older than the setting allows
    or that no watch process reports."""

    observed_at: datetime | None
    unreachable_since: datetime | None
    error: str
    stale: bool

    @property
    def lost(self) -> bool:
        """Whether what is shown may long be otherwise: the cluster does not answer, or nobody watches it."""
        return self.observed_at is not None and (self.unreachable_since is not None or self.stale)


def freshness() -> Freshness:
    """How fresh the rows as a whole are: as old as the oldest resource. One query."""
    rows = list(ResourceSync.objects.filter(served=True))
    heard = [row.heard_at for row in rows if row.heard_at]
    failing = [row for row in rows if row.failing_since]
    observed = min(heard, default=None) if len(heard) == len(rows) else None
    now = timezone.now()
    limit = now - timedelta(seconds=settings.SGPORTAL_STALE_SECONDS)
    probed = next((row.heard_at for row in rows if row.resource == APISERVER and not row.failing_since), None)
    silent = probed is not None and probed < now - PROBE_SILENCE
    since = min((row.failing_since for row in failing if row.failing_since), default=None)
    error = failing[0].error if failing else ""
    return Freshness(observed, since, error, observed is None or observed < limit or silent)


def seen_once(resource: str) -> bool:
    """Whether a resource of the cluster was ever read whole; before that an empty list means nothing."""
    return ResourceSync.objects.filter(resource=resource).exclude(synced_at=None).exists()
