"""What the threads of a process share: the connection to the cluster, and the threads that talk to it side by side."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings

from ...access.impersonation import person_of
from ...cluster import Cluster, Identity, Refused, connect, on_behalf_of
from ...logs import carried
from ...queries.standing import Standing

Item = TypeVar("Item")
Result = TypeVar("Result")
KEPT = 8  # one of so many threads is for what goes first alone
_lock = threading.Lock()
_clusters: dict[str, Cluster] = {}
_identities: dict[str, Identity] = {}
_pools: list[ThreadPoolExecutor] = []


def cluster() -> Cluster:
    """The cluster that `SGPORTAL_CLUSTER` names, connected on first use, as we may use it now. Asks rows. Raises
    ClusterError."""
    return allowed(Standing.now())


def allowed(standing: Standing) -> Cluster:
    """The same cluster as `standing` lets us use it: without writes where SuperEdge's own controller manages the grids,
    or while everything stops. Raises ClusterError."""
    identity().expected = standing.uid
    return writable() if standing.may_write else reading()


def in_the_name_of(name: str, cluster: Cluster) -> Cluster:
    """The same cluster for what a user asked for: with SGPORTAL_IMPERSONATE its RBAC and audit log see that user; "" is
    nobody's. Asks rows. Raises Refused where the user's name cannot be passed on."""
    try:
        person = person_of(name) if name else None
    except ValueError as error:
        raise Refused(str(error)) from error
    return on_behalf_of(cluster, person) if person else cluster


def reading() -> Cluster:
    """The same cluster to read only, for threads that must not touch the database. Raises ClusterError."""
    return writable().reading()


def handing_back() -> Cluster:
    """The same cluster for the last writes before SuperEdge takes over, and only for those. Raises ClusterError."""
    standing = Standing.now()
    identity().expected = standing.uid
    return writable() if standing.handing_back and not standing.halt else reading()


def writable() -> Cluster:
    """The same cluster for threads without a database that write only after somebody else has asked whether we may: the
    watch, which installs definitions, and the keeper. Like the others it refuses to write to a cluster that is not the
    one its `identity` means. Raises ClusterError."""
    return _connected().bound(identity())


def identity() -> Identity:
    """Which cluster this process means, and which it saw. Who may ask the rows sets what is expected."""
    with _lock:
        return _identities.setdefault(settings.SGPORTAL_CLUSTER, Identity())


def _connected() -> Cluster:
    target = settings.SGPORTAL_CLUSTER
    with _lock:
        if target not in _clusters:
            _clusters[target] = connect(target, threads=settings.SGPORTAL_CLUSTER_THREADS)
        return _clusters[target]


def map_parallel(function: Callable[[Item], Result], items: Iterable[Item], first: bool = False) -> list[Result]:
    """What `function` makes of each item, in order. The threads are shared, so that however many keys are at work, the
    process has no more requests under way than it has connections. What goes `first` waits for no thread that others
    keep busy: some are for it alone. `function` must not touch the database."""
    items = list(items)
    if len(items) < 2:
        return [function(item) for item in items]
    return _by_all_pools(carried(function), items) if first else list(_pool().map(carried(function), items))


def _by_all_pools(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Each item is done by whichever thread is free first."""
    futures: list[Future[Result]] = [Future() for _ in items]
    waiting = deque(zip(futures, items, strict=True))

    def work() -> None:
        while waiting:
            try:
                future, item = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                future.set_result(function(item))
            except BaseException as error:
                future.set_exception(error)

    for pool, threads in zip(_both_pools(), _sizes(), strict=True):
        for _ in range(min(threads, len(items))):
            pool.submit(work)
    return [future.result() for future in futures]


def submit(function: Callable[[], Result]) -> Future[Result]:
    """Have another of these threads call `function`, which must not touch the database."""
    return _pool().submit(carried(function))


def _pool() -> ThreadPoolExecutor:
    return _both_pools()[0]


def _both_pools() -> list[ThreadPoolExecutor]:
    """The threads for everything, and those that are kept for what goes first."""
    with _lock:
        if not _pools:
            names = ("cluster", "cluster-first")
            _pools.extend(ThreadPoolExecutor(n, name) for n, name in zip(_sizes(), names, strict=False))
        return list(_pools)


def _sizes() -> list[int]:
    """How many threads each has: together as many as there may be requests at once."""
    kept = settings.SGPORTAL_CLUSTER_THREADS // KEPT
    return [settings.SGPORTAL_CLUSTER_THREADS - kept, *([kept] if kept else [])]


def disconnect() -> None:
    """Let go of connection and threads; the next use starts afresh."""
    with _lock:
        for each in _clusters.values():
            each.close()
        for pool in _pools:
            pool.shutdown(wait=False)
        _clusters.clear()
        _identities.clear()
        _pools.clear()
