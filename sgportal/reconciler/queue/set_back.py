"""The database's clock was set back: what waits until a time by the wrong clock would wait for as long as that was
ahead. No process says that it lived in the future, so a sign of life from there tells."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ...models import GridUnit, Heartbeat, Lease, WorkKey, clock

log = logging.getLogger(__name__)
SLACK = timedelta(seconds=2)


def was_set_back() -> bool:
    """Whether the database's clock has gone back by more than a moment, so that what waits for a time to come is due at
    once: to look once too often is harmless. Leases end as if they were taken now. To be called before this process
    says again that it lives. Raises DatabaseError."""
    future = Heartbeat.objects.filter(at__gt=clock.now(SLACK))
    if not future.exists():
        return False
    until = clock.now(settings.SGPORTAL_LEASE_SECONDS)
    with transaction.atomic():
        now = clock.now()
        ahead = Q(next_at__gt=now) | Q(since__gt=now) | Q(queued_at__gt=now) | Q(lease_until__gt=until)
        list(WorkKey.objects.filter(ahead).locked().values_list("pk"))  # all at once, in order of key
        count = WorkKey.objects.filter(next_at__gt=now).update(next_at=now, queued=False)
        WorkKey.objects.filter(since__gt=now).update(since=now)
        WorkKey.objects.filter(queued_at__gt=now).update(queued=False)
        WorkKey.objects.filter(lease_until__gt=until).update(lease_until=until)
        GridUnit.objects.filter(next_at__gt=timezone.now()).update(next_at=None)
        Lease.objects.filter(expires_at__gt=until).update(expires_at=until)
        future.update(at=now)
    log.error("the database's clock was set back: %d keys that waited are due now", count)
    return True
