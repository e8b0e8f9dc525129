"""Who is due and who is at it. The row is the truth; a message is a hint; the sweep is the safety net.

Who changes one row does it in one conditional UPDATE; who changes several locks them in order of key first. So it holds
on SQLite and PostgreSQL, for any number of processes.
"""

import logging
import os
import random
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from ...models import WorkKey
from ...models.work import WorkKeyQuerySet
from ..celery import app

log = logging.getLogger(__name__)
RECONCILE = "sgportal.reconcile"  # the task that makes a key right; by name, since it imports us
# "Due at once" is a time long past: compared with a clock that a wait for a lock, or another machine, has put behind,
# the present may still be to come, and the message that finds nothing due is spent.
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
MESSAGE_LIFE = timedelta(seconds=120)
BATCH = 500


def request(keys: Iterable[str], urgent: bool = False) -> None:
    """Wish that each key be made right. Wishes coalesce: one message at most is under way for a key.

    A key in back-off keeps waiting, unless `urgent` (a person just changed something).
    """
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), BATCH):
        _request(wanted[start : start + BATCH], urgent)


def _request(keys: list[str], urgent: bool) -> None:
    now = timezone.now()
    with transaction.atomic():
        WorkKey.objects.bulk_create([WorkKey(key=key, next_at=AT_ONCE) for key in keys], ignore_conflicts=True)
        rows = WorkKey.objects.filter(key__in=keys).locked()
        rows.update(requested=F("requested") + 1)
        (rows if urgent else rows.filter(failures=0)).update(next_at=AT_ONCE, failures=0)
        enqueue(rows.filter(next_at__lte=now))


def hurry() -> None:
    """Have every key that waits for something looked at now, whatever kind of work it is."""
    with transaction.atomic():
        waiting = WorkKey.objects.filter(requested__gt=F("done")).locked()
        waiting.update(next_at=AT_ONCE, failures=0)
        enqueue(waiting)


def enqueue(rows: QuerySet[WorkKey]) -> None:
    """Send a message for each of these rows that has none under way, once the transaction is through."""
    now = timezone.now()
    unsent = rows.filter(Q(queued=False) | Q(queued_at__lt=now - MESSAGE_LIFE))
    keys = list(unsent.order_by("key").select_for_update().values_list("key", flat=True))
    WorkKey.objects.filter(key__in=keys).update(queued=True, queued_at=now)
    transaction.on_commit(lambda: _send(keys))


def _send(keys: Iterable[str]) -> None:
    for key in keys:
        try:
            app.send_task(RECONCILE, (key,), retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            log.warning("no message could be sent for %s (%s); the sweep will find it", key, error)
            return


@dataclass
class Held:
    """Leases on keys. `lost` is set when one of them could not be kept."""

    keys: frozenset[str]
    holder: str
    lost: threading.Event = field(default_factory=threading.Event)

    @property
    def rows(self) -> WorkKeyQuerySet:
        """The rows of the leases that are still held."""
        return WorkKey.objects.filter(key__in=self.keys, holder=self.holder)


@dataclass
class Turn(Held):
    """The lease on the one key that is due. `seen` is the wish being fulfilled."""

    key: str = ""
    seen: int = 0


@contextmanager
def held(key: str) -> Iterator[Turn | None]:
    """Hold the lease on a key that is due, renewing it in the background; None where there is nothing to do or another
    process is at it. The caller ends it with `finished` or `failed`; otherwise it runs out and the sweep retries."""
    turn = _take(key)
    if turn is None:
        yield None
        return
    with _renewed(turn):
        yield turn


def _take(key: str) -> Turn | None:
    holder = _holder()
    until = timezone.now() + timedelta(seconds=settings.SGPORTAL_LEASE_SECONDS)
    taken = WorkKey.objects.due().filter(key=key).update(lease_until=until, holder=holder, queued=False)
    if not taken:
        return None
    row = WorkKey.objects.get(key=key)
    return Turn(frozenset((key,)), holder, key=key, seen=row.requested)


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"[:64]


@contextmanager
def borrowed(keys: Iterable[str]) -> Iterator[Held]:
    """Hold the leases of those keys that nobody is at and that are in no back-off, due or not. It fulfils no wish: who
    borrows asks for a look at each key afterwards, and a message that came in vain meanwhile is sent again then."""
    holder = _holder()
    until = timezone.now() + timedelta(seconds=settings.SGPORTAL_LEASE_SECONDS)
    with transaction.atomic():
        free = WorkKey.objects.free().filter(key__in=list(keys), failures=0).locked()
        taken = list(free.values_list("key", flat=True))
        free.update(lease_until=until, holder=holder)
    lease = Held(frozenset(taken), holder)
    with _renewed(lease):
        try:
            yield lease
        finally:
            with transaction.atomic():
                lease.rows.locked().update(**_RELEASED)


@contextmanager
def _renewed(lease: Held) -> Iterator[None]:
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(lease, over), name=f"lease {lease.holder}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(lease: Held, over: threading.Event) -> None:
    seconds = settings.SGPORTAL_LEASE_SECONDS
    try:
        while not over.wait(seconds / 3):
            until = timezone.now() + timedelta(seconds=seconds)
            with transaction.atomic():
                kept = lease.rows.locked().update(lease_until=until)
            if kept < len(lease.keys):
                lease.lost.set()
                return
    except DatabaseError:
        log.exception("the lease on %s could not be renewed", ", ".join(sorted(lease.keys)))
        lease.lost.set()
    finally:
        if over.is_set() or lease.lost.is_set():
            connection.close()


_RELEASED: dict[str, Any] = {"lease_until": None, "holder": "", "queued": False}


def finished(turn: Turn, revisit: float | None = None) -> None:
    """Release the lease: the wish is fulfilled. `revisit` asks for another look in so many seconds."""
    now = timezone.now()
    with transaction.atomic():
        # A message that came while the lease was held is spent: what was wished meanwhile needs one of its own.
        changed = turn.rows.update(done=turn.seen, failures=0, error="", next_at=AT_ONCE, **_RELEASED)
        row = WorkKey.objects.filter(key=turn.key)
        if changed and revisit is not None and row.filter(requested=turn.seen).exists():
            row.update(requested=F("requested") + 1, next_at=now + timedelta(seconds=revisit))
        enqueue(row.filter(requested__gt=F("done"), next_at__lte=now))


def failed(turn: Turn, error: str, retry_after: float | None = None) -> None:
    """Release the lease: it went wrong. The next try waits twice as long as the last, jittered and capped, for ever."""
    row = turn.rows
    failures = row.values_list("failures", flat=True).first() or 0
    next_at = timezone.now() + timedelta(seconds=backoff(failures, retry_after))
    row.update(failures=F("failures") + 1, next_at=next_at, error=error[:2000], **_RELEASED)


def backoff(failures: int, at_least: float | None = None, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait after the (failures+1)th failure in a row: 1, 2, 4 … up to the cap, times 0.5 to 1."""
    seconds = min(2.0 ** min(failures, 20), settings.SGPORTAL_BACKOFF_CAP_SECONDS) * (0.5 + jitter() / 2)
    return max(seconds, at_least or 0.0)


def sweep() -> int:
    """Send a message for every key that is due and has none under way; the number of keys due."""
    due = WorkKey.objects.due()
    lost = timezone.now() - timedelta(seconds=settings.SGPORTAL_SWEEP_SECONDS * 2)
    with transaction.atomic():
        due.filter(queued=True, queued_at__lt=lost).locked().update(queued=False)
        enqueue(due)
    return due.count()
