"""The lease by which one of several processes acts. The watch renews it by the very transaction that writes."""

from datetime import timedelta

from django.db.models import Q

from ...models import Lease, clock
from . import session
from .identity import new_name


class ProcessLease:
    """A lease, by its name. It is free when its holder gives it back or, on PostgreSQL, is dead, and after `seconds`
    in which it was not renewed, by the database's clock."""

    def __init__(self, seconds: float, name: str) -> None:
        self._name = name
        self.holder = new_name()
        self._seconds = timedelta(seconds=seconds)

    def take(self) -> bool:
        """Take the lease where nobody holds it. Whether we hold it now. Who does not, asks about once a second."""
        fresh = {"holder": self.holder, "session": session.number(), "expires_at": clock.now(self._seconds)}
        named = Lease.objects.filter(name=self._name)
        dead = session.gone(named.values_list("session", flat=True))
        free = named.filter(Q(holder=self.holder) | Q(expires_at__lt=clock.now()) | Q(session__in=dead))
        if free.update(**fresh):
            return True
        row, _ = Lease.objects.get_or_create(name=self._name, defaults=fresh)
        return row.holder == self.holder

    def renew(self) -> bool:
        """Keep the lease; False where another process has taken it. Within a transaction the row stays locked until
        the end, so nobody can take over in the middle of a batch."""
        mine = Lease.objects.filter(name=self._name, holder=self.holder)
        return bool(mine.update(expires_at=clock.now(self._seconds), session=session.number()))

    def release(self) -> None:
        """Let the next process take over at once."""
        Lease.objects.filter(name=self._name, holder=self.holder).delete()
