"""The lease by which one of several processes acts. The watch renews it by the very transaction that writes.

Where work is divided there is a lease for each shard, and one more, of the undivided name, that says into how many:
whoever takes that for another number takes away the leases of all shards of the number before, in one transaction. So
processes that were told different numbers never write side by side.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, Q, QuerySet

from ...core.shards import WHOLE, Shard, all_of
from ...models import Lease, clock
from . import session
from .identity import new_name

DIVIDED = ("watch", "keeper")  # names of leases that may be of shards
_SHARDS = "shards"


class ProcessLease:
    """A lease, by its name, of the whole or of a `shard`. It is free when its holder gives it back or, on PostgreSQL,
    is dead, and after `seconds` in which it was not renewed, by the database's clock."""

    def __init__(self, seconds: float, name: str, shard: Shard = WHOLE, holder: str = "") -> None:
        self._whole = name
        self._name = shard.name(name)
        self._division = "" if shard.is_whole else f"{shard.count} {_SHARDS}"
        self.holder = holder or new_name()
        self._seconds = timedelta(seconds=seconds)
        self._held = False

    def take(self) -> bool:
        """Take the lease where nobody holds it. Whether we hold it now. Who does not, asks about once a second."""
        if self._held and not self._division:
            self._held = self._take_own()
            return self._held
        with transaction.atomic():
            self._held = self._divide() and self._take_own()
            if self._held and not self._division:
                self._end_divisions()
        return self._held

    def is_free(self) -> bool:
        """Whether nobody holds it."""
        rows = Lease.objects.filter(name=self._name)
        return rows.count() == self._free(rows).count()

    def _free(self, rows: "QuerySet[Lease]") -> "QuerySet[Lease]":
        dead = session.gone(rows.values_list("session", flat=True))
        return rows.filter(Q(holder=self.holder) | Q(expires_at__lt=clock.now()) | Q(session__in=dead))

    def _take_own(self) -> bool:
        if self._held and self.renew():  # else whether its holder is dead would be asked of our own
            return True
        fresh = {"holder": self.holder, "session": session.number(), "expires_at": clock.now(self._seconds)}
        if self._free(Lease.objects.filter(name=self._name)).update(**fresh):
            return True
        row, _ = Lease.objects.get_or_create(name=self._name, defaults=fresh)
        return row.holder == self.holder

    def _divide(self) -> bool:
        """Have the work divided as we were told; False while others work with another number."""
        if not self._division or self.keep():
            return True
        fresh = {"holder": self._division, "session": None, "expires_at": clock.now(self._seconds)}
        if not self._free(Lease.objects.filter(name=self._whole)).update(**fresh):
            _, is_new = Lease.objects.get_or_create(name=self._whole, defaults=fresh)
            if not is_new:
                return False
        self._end_divisions()
        return True

    def _end_divisions(self) -> None:
        """Nobody acts for a shard of another number any more. Waits for transactions that renewed such a lease."""
        Lease.objects.filter(name__startswith=f"{self._whole} ").delete()

    def keep(self) -> bool:
        """Keep the work divided as it is; False where it is not, or no longer. In a transaction of its own, since all
        shards renew this row."""
        mine = Lease.objects.filter(name=self._whole, holder=self._division)
        return bool(self._division and mine.update(expires_at=clock.now(self._seconds)))

    def renew(self) -> bool:
        """Keep the lease; False where another process has taken it. Within a transaction the row stays locked until
        the end, so nobody can take over in the middle of a batch."""
        mine = Lease.objects.filter(name=self._name, holder=self.holder)
        if self._division:
            mine = mine.filter(Exists(Lease.objects.filter(name=self._whole, holder=self._division)))
        return bool(mine.update(expires_at=clock.now(self._seconds), session=session.number()))

    def release(self) -> None:
        """Let the next process take over at once, and processes that were told another number where we are the last."""
        self._held = False
        Lease.objects.filter(name=self._name, holder=self.holder).delete()
        others = Lease.objects.filter(name__startswith=f"{self._whole} ")
        Lease.objects.filter(~Exists(others), name=self._whole, holder=self._division).delete()


def unattended_shards() -> dict[str, int]:
    """How many shards of the watch and of the keeper nobody acts for; 1 where what is not divided is nobody's. One
    query. Raises DatabaseError."""
    rows = dict(Lease.objects.filter(expires_at__gte=clock.now()).values_list("name", "holder"))
    found = {}
    for kind in DIVIDED:
        count = _shards_in(rows.get(kind, ""))
        held = [shard for shard in all_of(count) if shard.name(kind) in rows]
        found[kind] = count - len(held)
    return found


def _shards_in(holder: str) -> int:
    """Into how many shards the undivided lease says that work is divided."""
    number, _, noun = holder.partition(" ")
    return int(number) if noun == _SHARDS and number.isdecimal() else 1
