"""Leases on work keys, renewed by one thread for all that this process holds."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction

from ...models import WorkKey, clock
from ...models.work import WorkKeyQuerySet
from ..process import session

log = logging.getLogger(__name__)
TICK_SECONDS = 0.25
RELEASED: dict[str, Any] = {"lease_until": None, "holder": "", "session": None, "queued": False}


@dataclass(eq=False)
class KeyLease:
    """Leases on keys. `lost` is set when one of them could not be kept: whoever holds it stops writing. `released` says
    that they were given back."""

    keys: frozenset[str]
    holder: str
    session: int | None = None
    lost: threading.Event = field(default_factory=threading.Event)
    released: bool = False
    since: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)

    @property
    def rows(self) -> WorkKeyQuerySet:
        """The rows of the leases that are still held."""
        return WorkKey.objects.filter(key__in=self.keys, holder=self.holder)


@dataclass(eq=False)
class WorkItem(KeyLease):
    """The lease on the one key that is due. `seen` is the wish being fulfilled."""

    key: str = ""
    seen: int = 0


def taken(holder: str) -> dict[str, Any]:
    """What a row says while `holder`, in this process, has its lease, which is for so many `seconds`."""
    return {"seconds": settings.SGPORTAL_LEASE_SECONDS, "holder": holder, "session": session.number()}


class _Keeping:
    """Renews what is held, and says `lost` of what is not: two threads, since renewing may wait for the database, and
    by then others may take us for dead."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[KeyLease] = set()
        self._left: set[str] = set()  # holders whose rows could not be released when they were done
        for name, work in (("leases", self._renew), ("lost leases", self._give_up_what_is_lost)):
            threading.Thread(target=self._again_and_again, args=(work,), name=name, daemon=True).start()

    @staticmethod
    def _again_and_again(work: Callable[[], None]) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            try:
                work()
            except Exception:
                log.exception("leases could not be looked after; again in a moment")

    def all(self) -> list[KeyLease]:
        """What is held now."""
        with self._lock:
            return list(self._held)

    def add(self, held: KeyLease) -> None:
        """Renew these from now on."""
        with self._lock:
            self._held.add(held)

    def remove(self, held: KeyLease) -> None:
        """Renew these no longer; give them back where that could not be done yet."""
        with self._lock:
            self._held.discard(held)
            if not held.released:
                self._left.add(held.holder)

    def _kept(self) -> list[KeyLease]:
        return [each for each in self.all() if not each.lost.is_set()]

    def _give_up_what_is_lost(self) -> None:
        held = [each for each in self._kept() if each.session]
        ours = session.mine() if held else None
        for each in held:
            if ours and (ours.is_lost or each.session != ours.number):
                _give_up(each, "the database no longer knows that this process lives")

    def _renew(self) -> None:
        seconds, began = settings.SGPORTAL_LEASE_SECONDS, time.monotonic()
        held = [each for each in self._kept() if began - each.renewed >= seconds / 3]
        try:
            kept = _renewed(held) if held else {}
        except Error as error:
            log.warning("leases could not be renewed: %s", error)
            for each in held:
                if time.monotonic() - each.renewed > seconds * 0.8:
                    _give_up(each, str(error))
            return
        finally:
            connection.close()
        living = set(self.all())
        for each in held:
            each.renewed = began
            if not each.keys <= kept.get(each.holder, set()) and each in living:
                _give_up(each, "another process has taken it")
        self._release_what_was_left()

    def _release_what_was_left(self) -> None:
        with self._lock:
            left = set(self._left)
        if not left:
            return
        try:
            with transaction.atomic():
                WorkKey.objects.filter(holder__in=left).locked().update(**RELEASED)
        except Error as error:
            log.warning("leases could not be given back yet: %s", error)
        else:
            with self._lock:
                self._left -= left
        finally:
            connection.close()


def _give_up(held: KeyLease, why: str) -> None:
    log.warning("the lease on %s is lost: %s", ", ".join(sorted(held.keys)[:5]), why)
    held.lost.set()


def _renewed(held: list[KeyLease]) -> dict[str, set[str]]:
    """Renew these leases; the keys kept, by holder."""
    until = clock.now(settings.SGPORTAL_LEASE_SECONDS)
    with transaction.atomic():
        rows = WorkKey.objects.filter(holder__in=[each.holder for each in held]).locked()
        rows.update(lease_until=until)
        kept: dict[str, set[str]] = {}
        for key, holder in rows.values_list("key", "holder"):
            kept.setdefault(holder, set()).add(key)
    return kept


_lock = threading.Lock()
_keeping: list[_Keeping] = []
os.register_at_fork(after_in_child=_keeping.clear)


def _keeper() -> _Keeping:
    with _lock:
        if not _keeping:
            _keeping.append(_Keeping())
        return _keeping[0]


@contextmanager
def kept(held: KeyLease) -> Iterator[None]:
    """Renew leases for the length of a block."""
    keeper = _keeper()
    keeper.add(held)
    try:
        yield
    finally:
        keeper.remove(held)


def held_longest() -> KeyLease | None:
    """Of what this process holds, what it has held for the longest time."""
    return min(_keeper().all(), key=lambda each: each.since, default=None)


def give_back() -> None:
    """Give back everything that this process holds: it ends in the middle of it. Raises DatabaseError."""
    for each in _keeper().all():
        each.lost.set()
        with transaction.atomic():
            each.rows.locked().update(**RELEASED)


def free_of_the_dead(sessions: Iterable[int]) -> int:
    """Free the keys whose holders are dead, of those with these locks; how many. Raises DatabaseError."""
    held = WorkKey.objects.exclude(session=None)
    dead = session.gone(sessions)
    if not dead:
        return 0
    with transaction.atomic():
        freed = held.filter(session__in=dead).locked().update(**RELEASED)
    if freed:
        log.warning("%d keys are free: the process that was at them is dead", freed)
    return freed
