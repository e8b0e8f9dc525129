"""What went wrong in the last 24 hours, hour by hour."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from ...models.history import GridEvent

HOURS = 24
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """How many incidents were last seen in the hour that begins at `start`."""

    start: datetime
    incidents: int


def last_day(paths: Collection[str]) -> list[Hour]:
    """The incidents of these grids, hour by hour, the present hour last. One statement."""
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - HOUR * (HOURS - 1 - number) for number in range(HOURS)]
    counted = {
        f"h{number}": Count("pk", filter=Q(last_at__gte=start, last_at__lt=start + HOUR))
        for number, start in enumerate(starts)
    }
    found = incidents().filter(path__in=paths, last_at__gte=starts[0]).aggregate(**counted)
    return [Hour(start, found[f"h{number}"]) for number, start in enumerate(starts)]


def incidents() -> QuerySet[GridEvent]:
    """The events that warn of something, the latest first."""
    return GridEvent.objects.filter(type="Warning")
