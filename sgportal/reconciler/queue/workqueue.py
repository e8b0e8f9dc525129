"""Who is due and who is at it. The row is the truth; a message is a hint; workers ask the rows themselves.

Who changes one row does it in one conditional UPDATE; who changes several locks them in order of key first. So it holds
on SQLite and PostgreSQL, for any number of processes. All times are the database's.
"""

import math
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from ...core.grids.kinds import BY_PLURAL
from ...models import WorkKey, clock
from ..process.identity import new_name
from . import lease_rows, request_rows
from .broker import sender
from .lease_rows import TAKEN
from .leases import RELEASED, KeyLease, WorkItem, kept, taken
from .together import AT_ONCE, ask, make_rows

__all__ = [
    "KeyLease",
    "WorkItem",
    "acquire",
    "acquire_free",
    "backoff",
    "done",
    "due_in",
    "enqueue",
    "enqueue_later",
    "enqueue_spaced",
    "ensure",
    "failed",
    "held",
    "look",
    "message_spent",
    "waiting",
]

SOON = 2.0  # seconds: a worker waits for what is due within these, instead of finding it in the rows
LEAST = 0.05
MESSAGE_LIFE = timedelta(seconds=120)
UNANSWERED = timedelta(seconds=5)  # then workers no longer count on the message
BATCH = 500


def enqueue(keys: Iterable[str], urgent: bool = False) -> None:
    """Have each key reconciled. Requests coalesce: one message at most is under way for a key.

    A key in back-off keeps waiting, unless `urgent` (a person just changed something).
    """
    ask(_enqueue, set(keys), urgent)


def _enqueue(keys: Sequence[str], urgent: bool) -> None:
    for start in range(0, len(keys), BATCH):
        _enqueue_batch(keys[start : start + BATCH], urgent)


def _enqueue_batch(keys: Sequence[str], urgent: bool) -> None:
    with transaction.atomic(savepoint=False):
        _send_after_commit(request_rows.enqueue(keys, urgent, sender().is_worth_it, MESSAGE_LIFE.total_seconds()))


def enqueue_later(seconds: Mapping[str, float]) -> None:
    """Have each key reconciled in so many seconds at the latest, or half a second more. A key in back-off keeps
    waiting."""
    together: dict[float, set[str]] = {}
    for key, after in seconds.items():
        together.setdefault(math.ceil(after * 2) / 2, set()).add(key)
    for after, keys in together.items():
        ask(_enqueue_later, keys, after)


def _enqueue_later(keys: Sequence[str], seconds: float) -> None:
    with transaction.atomic():
        make_rows(keys)
        rows = WorkKey.objects.filter(key__in=keys, failures=0).locked()
        found = list(rows.values_list("key", "requested", "done", "next_at"))
        idle = [key for key, requested, done, _ in found if requested <= done]
        waits = [key for key, requested, done, next_at in found if requested > done and next_at > TAKEN]
        at = clock.now(seconds)
        if idle:
            WorkKey.objects.filter(key__in=idle).update(requested=F("requested") + 1, next_at=at, since=at)
        if waits:
            WorkKey.objects.filter(key__in=waits, next_at__gt=at).update(next_at=at)


def held(keys: Iterable[str]) -> set[str]:
    """Those of these keys that some process is at."""
    rows = WorkKey.objects.filter(key__in=list(keys), lease_until__gte=clock.now())
    return set(rows.values_list("key", flat=True))


def enqueue_spaced(keys: Iterable[str], seconds: float = 0.0) -> None:
    """Have each key reconciled in so many seconds, but not before it has rested since the last time (`done`), together
    with whatever else is requested until then. One that waits already stays where it is, and one that somebody is at is
    done again after that."""
    ask(_enqueue_spaced, set(keys), seconds)


def _enqueue_spaced(wanted: Sequence[str], seconds: float) -> None:
    sends = sender().is_worth_it
    with transaction.atomic(savepoint=False):
        _send_after_commit(request_rows.enqueue_spaced(wanted, seconds, sends, MESSAGE_LIFE.total_seconds()))


def retry_all() -> None:
    """End the back-off of every key that waits, whatever kind of work it is."""
    with transaction.atomic():
        waiting = WorkKey.objects.filter(requested__gt=F("done")).locked()
        waiting.update(next_at=AT_ONCE, failures=0)
        _send_messages(waiting)


def ensure(keys: Iterable[str]) -> None:
    """Enqueue those of these keys that have no row, or none that is to come: a worker does them every so often."""
    wanted = sorted(keys)
    make_rows(wanted, requested=1)
    with transaction.atomic():
        forgotten = WorkKey.objects.filter(key__in=wanted, requested__lte=F("done")).locked()
        forgotten.update(requested=F("done") + 1, next_at=AT_ONCE, since=clock.now())


def _send_messages(rows: QuerySet[WorkKey]) -> None:
    """Send a message for each of these rows that has none under way, once the transaction is through; none where the
    broker does not answer, so that workers need not wait for what will not come."""
    if not sender().is_worth_it:
        return
    unsent = rows.filter(Q(queued=False) | Q(queued_at__lt=clock.now(-MESSAGE_LIFE)))
    keys = list(unsent.order_by("key").select_for_update().values_list("key", flat=True))
    WorkKey.objects.filter(key__in=keys).update(queued=True, queued_at=clock.now())
    _send_after_commit(keys)


def _send_after_commit(keys: list[str]) -> None:
    if keys:
        transaction.on_commit(lambda: _send(keys))


def _send(keys: list[str]) -> None:
    sender().send(keys)


def is_a_grid(key: str) -> bool:
    """Whether this is a grid to be reconciled whole; all other work is small, and comes first."""
    return key.partition("/")[0] in BY_PLURAL


def look(most: int) -> tuple[list[str], frozenset[int]]:
    """Some of the keys that are due and that no message will soon bring to a worker, in any order but for grids, which
    come last; and the locks of the processes that are at any key."""
    keys, held = lease_rows.look(most, UNANSWERED.total_seconds())
    random.shuffle(keys)  # other workers ask at the same time
    return sorted(keys, key=is_a_grid), held


def waiting(most: int) -> list[str]:
    """The keys of `look`."""
    return look(most)[0]


def leave_to_polling(key: str) -> None:
    """Its message found no worker: whoever asks the rows next may have it."""
    WorkKey.objects.filter(key=key, queued=True).update(queued=False)


@contextmanager
def acquire(key: str) -> Iterator[WorkItem | None]:
    """Hold the lease on a key that is due, renewing it in the background; None where there is nothing to do or another
    process holds it. The caller ends it with `done` or `failed`; otherwise it is released, and due again."""
    item = _take(key)
    if item is None:
        yield None
        return
    with kept(item):
        yield item


def _take(key: str) -> WorkItem | None:
    said = taken(new_name())
    seen = lease_rows.take_due(key, said)
    if seen is None:
        return None
    return WorkItem(frozenset((key,)), said["holder"], said["session"], key=key, seen=seen)


@contextmanager
def acquire_free(keys: Iterable[str]) -> Iterator[KeyLease]:
    """Hold the leases of those keys that no process holds and that are in no back-off, due or not. What was requested
    of them stays requested: a message that meanwhile met the held lease is sent again afterwards."""
    said = taken(new_name())
    lease = KeyLease(lease_rows.take_free(keys, said), said["holder"], said["session"])
    with kept(lease):
        try:
            yield lease
        finally:
            due = lease_rows.give_back(lease.keys, lease.holder)
            lease.released = True
            _send_anew(due)


def _send_anew(keys: Collection[str]) -> None:
    """The messages of these keys, which are due, are spent."""
    if keys:
        with transaction.atomic():
            _send_messages(WorkKey.objects.filter(key__in=keys))


def message_spent(key: str) -> float | None:
    """A worker found nothing to do: what cannot wait any longer needs a message of its own from now on. In how many
    seconds the key is due, None where that is not soon."""
    WorkKey.objects.free().filter(key=key, queued=True).update(queued=False)
    return due_in(key)


def due_in(key: str) -> float | None:
    """In how many seconds a key is due that nobody is at; None where that is not soon."""
    rows = WorkKey.objects.free().filter(key=key, requested__gt=F("done"))
    at = rows.values_list("next_at", flat=True).first()
    seconds = (at - timezone.now()).total_seconds() if at else SOON
    return max(seconds, LEAST) if seconds < SOON else None


def done(item: WorkItem, requeue_after: float | None = None, rest: float = 0.0) -> float | None:
    """Release the lease: what was requested is done; the seconds until the key is due again, where that is soon and no
    message says so. `requeue_after` has it done again in so many seconds. `rest`: only in so many seconds is it done
    again for `enqueue_spaced`, whether that asked meanwhile or asks later."""
    # A message that came while the lease was held is spent: what was requested meanwhile needs one of its own.
    waits, is_due = lease_rows.finish(item.key, item.holder, item.seen, requeue_after, rest)
    item.released = True
    if is_due:
        _send_anew([item.key])
    return due_in(item.key) if waits and (rest or (requeue_after is not None and requeue_after < SOON)) else None


def failed(item: WorkItem, error: str, retry_after: float | None = None) -> int:
    """Release the lease: it went wrong. The next try waits twice as long as the last, jittered and capped, for ever.
    An urgent request either came before, so that the back-off begins anew, or comes after and ends it. How often in a
    row it went wrong."""
    with transaction.atomic():
        row = item.rows
        failures = row.select_for_update().values_list("failures", flat=True).first() or 0
        again = clock.now(backoff(failures, retry_after))
        row.update(failures=failures + 1, next_at=again, error=error[:2000], **RELEASED)
    item.released = True
    return failures + 1


def backoff(failures: int, at_least: float | None = None, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait after the (failures+1)th failure in a row: 1, 2, 4 … up to the cap, times 0.5 to 1."""
    seconds = min(2.0 ** min(failures, 20), settings.SGPORTAL_BACKOFF_CAP_SECONDS) * (0.5 + jitter() / 2)
    return max(seconds, at_least or 0.0)
