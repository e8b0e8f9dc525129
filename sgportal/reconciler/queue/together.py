"""What a transaction asks of the work queue, asked at its end: the rows are locked in order of key, whoever asked for
what first, so that no two transactions wait for each other."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from ...models import WorkKey

log = logging.getLogger(__name__)
strict = False  # whether rows that are taken one after the other are an error; in tests they are

# "Due at once" is a time long past: compared with a clock that a wait for a lock has put behind, the present may still
# be to come, and the message that finds nothing due is spent.
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
Request = Callable[[Sequence[str], Any], None]
_Requests = dict[tuple[Request, Any], set[str]]
_open: ContextVar[_Requests | None] = ContextVar("requests", default=None)


@contextmanager
def requests_together() -> Iterator[None]:
    """What is asked for in this block of a transaction is asked for when the outermost one ends as it should."""
    if _open.get() is not None:
        yield
        return
    requests: _Requests = {}
    token = _open.set(requests)
    try:
        yield
    finally:
        _open.reset(token)
    if len(requests) > 1:
        keys = sorted(set().union(*requests.values()))
        make_rows(keys)
        list(WorkKey.objects.filter(key__in=keys).locked().values_list("pk"))
    for (request, option), asked in requests.items():
        request(sorted(asked), option)


def ask(request: Request, keys: Collection[str], option: Any) -> None:
    """Ask for this now, or when the block of `requests_together` ends that this is in."""
    if not keys:
        return
    requests = _open.get()
    if requests is None:
        _note_apart(keys)
        request(sorted(keys), option)
    else:
        requests.setdefault((request, option), set()).update(keys)


class TakenApart(AssertionError):
    """A transaction asked for keys, and then for others, without `requests_together`: it locks them in an order of its
    own, and can wait for another that waits for it."""


def _note_apart(keys: Collection[str]) -> None:
    """Say so where a transaction takes rows one after the other; with `strict`, as in tests, raise TakenApart."""
    block = next((each for each in connection.atomic_blocks if not getattr(each, "_from_testcase", False)), None)
    if block is None:
        return
    before: set[str] = block.__dict__.setdefault("asked_for", set())
    if before and not before.issuperset(keys):
        text = f"{sorted(keys)[:3]} after {sorted(before)[:3]} in one transaction"
        if strict:
            raise TakenApart(text)
        log.warning("work was asked for out of order: %s", text)
    before.update(keys)


def make_rows(keys: Sequence[str], requested: int = 0) -> None:
    """Make the rows of those of these keys, which are in order, that have none."""
    rows = [WorkKey(key=key, requested=requested, next_at=AT_ONCE) for key in keys]
    WorkKey.objects.bulk_create(rows, ignore_conflicts=True)
