"""What the threads of a process share: the connection to the cluster, and the threads that talk to it side by side."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings

from ...access.impersonation import person_of
from ...cluster import Cluster, Identity, Refused, connect, on_behalf_of
from ...logs import carried
from ...queries.standing import Standing

Item = TypeVar("Item")
Result = TypeVar("Result")
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


def map_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """What `function` makes of each item, in order. The threads are shared, so that however many keys are at work, the
    process has no more requests under way than it has connections. `function` must not touch the database."""
    items = list(items)
    return list(_pool().map(carried(function), items)) if len(items) > 1 else [function(item) for item in items]


def submit(function: Callable[[], Result]) -> Future[Result]:
    """Have another of these threads call `function`, which must not touch the database."""
    return _pool().submit(carried(function))


def _pool() -> ThreadPoolExecutor:
    with _lock:
        if not _pools:
            _pools.append(ThreadPoolExecutor(settings.SGPORTAL_CLUSTER_THREADS, thread_name_prefix="cluster"))
        return _pools[0]


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
