"""`run(key)`: make one key right. Read everything, ask the core once, write, record what was observed."""

import logging
import time
from contextlib import AbstractContextManager

from .. import tracing
from ..cluster import ClusterError
from ..core.grids.group import PLURAL
from ..core.grids.kinds import BY_PLURAL
from ..logs import request_of_this_work
from ..models import Grid
from ..queries.standing import Standing
from . import duties, label_jobs, sweep, takeover
from .fleet import lost_labels
from .grids import cell_batch
from .grids.reconcile import reconcile
from .grids.resource import sync
from .grids.rollouts import turn
from .grids.status import publish
from .groups import resource as groups
from .notices import deliver
from .notices.turn import KIND as NOTICES
from .process.connection import allowed
from .queue import change_log, due_cells, rollout_keys, workqueue

log = logging.getLogger(__name__)
# Kinds of work keys that are of one thing. All others gather what many requests led to.
_OF_ONE = frozenset((*BY_PLURAL, PLURAL, rollout_keys.KIND, takeover.KIND, "labeljobs"))
HALTED = 30.0  # seconds until another look while everything stops; its end wakes all


def run(key: str) -> float | None:
    """Make a key right if it is due and nobody is at it; on failure it is retried for ever, ever more slowly. The
    seconds until it is due again, where that is soon."""
    with workqueue.acquire(key) as lease:
        if lease is None:
            return workqueue.message_spent(key)
        with _traced(key) as span:
            return _run(key, lease, span)


def _run(key: str, lease: workqueue.WorkItem, span: tracing.Span) -> float | None:
    began = time.monotonic()
    try:
        requeue_after = _dispatch(key, lease)
    except ClusterError as error:
        span.fail(type(error).__name__)
        log.warning("%s: %s", key, error)
        _failed(key, lease, str(error), error.retry_after)
    except Exception as error:
        span.fail(type(error).__name__)
        log.exception("%s: unexpected", key)
        _failed(key, lease, f"{type(error).__name__}: {error}")
    else:
        level = logging.INFO if request_of_this_work() else logging.DEBUG
        log.log(level, "%s: done in %.0f ms", key, (time.monotonic() - began) * 1000)
        return workqueue.done(lease, requeue_after, _rest(key, time.monotonic() - began))
    return None


def _failed(key: str, lease: workqueue.WorkItem, error: str, retry_after: float | None = None) -> None:
    """Have it tried again; pages of a grid that are open say so from the first failure on."""
    if workqueue.failed(lease, error, retry_after) == 1 and key.partition("/")[0] in BY_PLURAL:
        change_log.record("grid", [key])


def _traced(key: str) -> AbstractContextManager[tracing.Span]:
    """A span of one turn of the work. It is part of what its message was sent in where the key is of one thing; where
    it gathers the work of many, which no single request can answer for, it is a trace of its own that links there."""
    kind, came = key.partition("/")[0], tracing.brought()
    of_one = kind in _OF_ONE and not key.endswith(sweep.SUFFIX)
    from_ = {"parent" if of_one else "link": came}
    told = {"sgportal__key": key, "sgportal__request_id": request_of_this_work()}
    return tracing.span(f"reconcile {kind}", "CONSUMER" if came else "INTERNAL", **from_, root=True, **told)


def _rest(key: str, took: float) -> float:
    """How long a key rests that took so many seconds, so that what changes meanwhile is one piece of work."""
    kind = key.partition("/")[0]
    if kind == due_cells.KIND:
        return cell_batch.REST_SECONDS
    return publish.REST * took if kind == publish.KIND else 0.0


def _dispatch(key: str, lease: workqueue.KeyLease) -> float | None:
    kind, _, rest = key.partition("/")
    if kind == duties.KIND:
        return duties.run(rest)
    if kind == NOTICES:
        return deliver.run(rest)
    standing = Standing.now()
    if standing.halt:
        return HALTED
    if kind == "labeljobs":
        return label_jobs.run(rest, allowed(standing))
    if kind == due_cells.KIND:
        return cell_batch.run(rest, allowed(standing))
    if kind == publish.KIND:
        return publish.run(rest, allowed(standing))
    if kind == rollout_keys.KIND:
        return turn.run(rest, allowed(standing))
    if kind == takeover.KIND:
        takeover.run(rest)
        return None
    if kind == lost_labels.KIND:
        return lost_labels.give_back()
    if key.endswith(sweep.SUFFIX):
        sweep.run(key.removesuffix(sweep.SUFFIX), allowed(standing))
        return None
    if kind == PLURAL:
        return groups.run(key, allowed(standing))
    namespace, _, name = rest.partition("/")
    cluster, rows = allowed(standing), Grid.objects.select_related("group")
    grid = rows.at(kind, namespace, name).first() or sync.find(kind, namespace, name, cluster)
    return reconcile(grid, cluster, lease) if grid else None
