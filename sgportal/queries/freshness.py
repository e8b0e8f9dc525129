"""How old the rows that mirror the cluster are."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from ..models.mirror import Mirror


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the news is. `observed_at` is when the cluster was last heard (None: never), `unreachable_since` is set
    while it cannot be reached, `stale` says that the news is older than the setting allows."""

    observed_at: datetime | None
    unreachable_since: datetime | None
    error: str
    stale: bool


def freshness() -> Freshness:
    """How fresh the mirror as a whole is: as old as its oldest part."""
    rows = list(Mirror.objects.filter(served=True))
    heard = [row.heard_at for row in rows if row.heard_at]
    failing = [row for row in rows if row.failing_since]
    observed = min(heard, default=None) if len(heard) == len(rows) else None
    limit = timezone.now() - timedelta(seconds=settings.SGPORTAL_STALE_SECONDS)
    since = min((row.failing_since for row in failing if row.failing_since), default=None)
    return Freshness(observed, since, failing[0].error if failing else "", observed is None or observed < limit)
