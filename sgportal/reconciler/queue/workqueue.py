"""Who is due and who is at it. The row is the truth; a message is a hint; workers ask the rows themselves.

Who changes one row does it in one conditional UPDATE; who changes several locks them in order of key first. So it holds
on SQLite and PostgreSQL, for any number of processes. All times are the database's.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from ...models import WorkKey, clock
from ..process.identity import new_name
from .broker import sender
from .leases import RELEASED, Held, Turn, kept, taken

__all__ = ["Held", "Turn", "backoff", "borrowed", "ensure", "failed", "finished", "held", "request", "waiting"]

# "Due at once" is a time long past: compared with a clock that a wait for a lock has put behind, the present may still
# be to come, and the message that finds nothing due is spent.
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
MESSAGE_LIFE = timedelta(seconds=120)
UNANSWERED = timedelta(seconds=5)  # then workers no longer count on the message
BATCH = 500


def request(keys: Iterable[str], urgent: bool = False) -> None:
    """Wish that each key be made right. Wishes coalesce: one message at most is under way for a key.

    A key in back-off keeps waiting, unless `urgent` (a person just changed something).
    """
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), BATCH):
        _request(wanted[start : start + BATCH], urgent)


def _request(keys: list[str], urgent: bool) -> None:
    with transaction.atomic():
        WorkKey.objects.bulk_create([WorkKey(key=key, next_at=AT_ONCE) for key in keys], ignore_conflicts=True)
        rows = WorkKey.objects.filter(key__in=keys).locked()
        rows.filter(requested__lte=F("done")).update(since=clock.now())
        rows.update(requested=F("requested") + 1)
        (rows if urgent else rows.filter(failures=0)).update(next_at=AT_ONCE, failures=0)
        _enqueue(rows.filter(next_at__lte=clock.now()))


def hurry() -> None:
    """Have every key that waits for something looked at now, whatever kind of work it is."""
    with transaction.atomic():
        waiting = WorkKey.objects.filter(requested__gt=F("done")).locked()
        waiting.update(next_at=AT_ONCE, failures=0)
        _enqueue(waiting)


def ensure(keys: Iterable[str]) -> None:
    """Have these keys looked at if nobody ever wished for it: they are what a worker does again and again."""
    wanted = sorted(keys)
    WorkKey.objects.bulk_create(
        [WorkKey(key=key, requested=1, next_at=AT_ONCE) for key in wanted], ignore_conflicts=True
    )
    forgotten = WorkKey.objects.filter(key__in=wanted, requested__lte=F("done"))
    forgotten.update(requested=F("done") + 1, next_at=AT_ONCE, since=clock.now())


def _enqueue(rows: QuerySet[WorkKey]) -> None:
    """Send a message for each of these rows that has none under way, once the transaction is through; none where the
    broker does not answer, so that workers need not wait for what will not come."""
    if not sender().is_worth_it:
        return
    unsent = rows.filter(Q(queued=False) | Q(queued_at__lt=clock.now(-MESSAGE_LIFE)))
    keys = list(unsent.order_by("key").select_for_update().values_list("key", flat=True))
    WorkKey.objects.filter(key__in=keys).update(queued=True, queued_at=clock.now())
    transaction.on_commit(lambda: _send(keys))


def _send(keys: list[str]) -> None:
    sender().send(keys)


def waiting(most: int) -> list[str]:
    """Some of the keys that are due and that no message will soon bring to a worker, in any order."""
    due = WorkKey.objects.due().filter(Q(queued=False) | Q(queued_at__lt=clock.now(-UNANSWERED)))
    keys = list(due.order_by("next_at").values_list("key", flat=True)[:most])
    random.shuffle(keys)  # other workers ask at the same time
    return keys


@contextmanager
def held(key: str) -> Iterator[Turn | None]:
    """Hold the lease on a key that is due, renewing it in the background; None where there is nothing to do or another
    process is at it. The caller ends it with `finished` or `failed`; otherwise it is given back, and due again."""
    turn = _take(key)
    if turn is None:
        yield None
        return
    with kept(turn):
        yield turn


def _take(key: str) -> Turn | None:
    holder = new_name()
    said = taken(holder)
    if not WorkKey.objects.due().filter(key=key).update(queued=False, **said):
        return None
    row = WorkKey.objects.get(key=key)
    return Turn(frozenset((key,)), holder, said["session"], key=key, seen=row.requested)


@contextmanager
def borrowed(keys: Iterable[str]) -> Iterator[Held]:
    """Hold the leases of those keys that nobody is at and that are in no back-off, due or not. It fulfils no wish: who
    borrows asks for a look at each key afterwards, and a message that came in vain meanwhile is sent again then."""
    holder = new_name()
    said = taken(holder)
    with transaction.atomic():
        free = WorkKey.objects.free().filter(key__in=list(keys), failures=0).locked()
        found = list(free.values_list("key", flat=True))
        free.update(**said)
    lease = Held(frozenset(found), holder, said["session"])
    with kept(lease):
        try:
            yield lease
        finally:
            with transaction.atomic():
                lease.rows.locked().update(**RELEASED)
            lease.released = True


def finished(turn: Turn, revisit: float | None = None) -> None:
    """Release the lease: the wish is fulfilled. `revisit` asks for another look in so many seconds."""
    with transaction.atomic():
        # A message that came while the lease was held is spent: what was wished meanwhile needs one of its own.
        said = {"done": turn.seen, "failures": 0, "error": "", "next_at": AT_ONCE, "since": clock.now()}
        changed = turn.rows.update(**said, **RELEASED)
        row = WorkKey.objects.filter(key=turn.key)
        if changed and revisit is not None:
            again = clock.now(revisit)
            row.filter(requested=turn.seen).update(requested=F("requested") + 1, next_at=again)
        _enqueue(row.filter(requested__gt=F("done"), next_at__lte=clock.now()))
    turn.released = True


def failed(turn: Turn, error: str, retry_after: float | None = None) -> None:
    """Release the lease: it went wrong. The next try waits twice as long as the last, jittered and capped, for ever."""
    row = turn.rows
    failures = row.values_list("failures", flat=True).first() or 0
    again = clock.now(backoff(failures, retry_after))
    row.update(failures=F("failures") + 1, next_at=again, error=error[:2000], **RELEASED)
    turn.released = True


def backoff(failures: int, at_least: float | None = None, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait after the (failures+1)th failure in a row: 1, 2, 4 … up to the cap, times 0.5 to 1."""
    seconds = min(2.0 ** min(failures, 20), settings.SGPORTAL_BACKOFF_CAP_SECONDS) * (0.5 + jitter() / 2)
    return max(seconds, at_least or 0.0)
