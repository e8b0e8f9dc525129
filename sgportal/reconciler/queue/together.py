"""What a transaction asks of the work queue, asked at its end: the rows are locked in order of key, whoever asked for
what first, so that no two transactions wait for each other."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from ...models import WorkKey

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
        request(sorted(keys), option)
    else:
        requests.setdefault((request, option), set()).update(keys)


def make_rows(keys: Sequence[str], requested: int = 0) -> None:
    """Make the rows of those of these keys, which are in order, that have none."""
    rows = [WorkKey(key=key, requested=requested, next_at=AT_ONCE) for key in keys]
    WorkKey.objects.bulk_create(rows, ignore_conflicts=True)
