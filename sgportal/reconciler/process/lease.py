"""The lease by which one of several processes acts. The watch renews it by the very transaction that writes."""

import os
import socket
import uuid
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from ...models import Lease


class WatchLease:
    """A lease, by its name. Clocks of the machines are taken to agree within a few seconds."""

    def __init__(self, seconds: float, name: str = "watch") -> None:
        self._name = name
        self.holder = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._seconds = timedelta(seconds=seconds)

    def take(self) -> bool:
        """Take the lease where nobody holds it or its time is over. Whether we hold it now."""
        now = timezone.now()
        fresh = {"holder": self.holder, "expires_at": now + self._seconds}
        free = Lease.objects.filter(Q(holder=self.holder) | Q(expires_at__lt=now), name=self._name)
        if free.update(**fresh):
            return True
        row, _ = Lease.objects.get_or_create(name=self._name, defaults=fresh)
        return row.holder == self.holder

    def renew(self) -> bool:
        """Keep the lease; False where another process has taken it. Within a transaction the row stays locked until
        the end, so nobody can take over in the middle of a batch."""
        mine = Lease.objects.filter(name=self._name, holder=self.holder)
        return bool(mine.update(expires_at=timezone.now() + self._seconds))

    def release(self) -> None:
        """Let the next process take over at once."""
        Lease.objects.filter(name=self._name, holder=self.holder).delete()
