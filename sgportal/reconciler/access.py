"""The one connection to the cluster that a process shares among its threads."""

import threading

from django.conf import settings

from ..cluster import Cluster, connect

_lock = threading.Lock()
_shared: dict[str, Cluster] = {}


def cluster() -> Cluster:
    """The cluster that `SGPORTAL_CLUSTER` names, connected on first use. Raises ClusterError."""
    target = settings.SGPORTAL_CLUSTER
    with _lock:
        if target not in _shared:
            _shared[target] = connect(target, threads=settings.SGPORTAL_CLUSTER_THREADS)
        return _shared[target]


def disconnect() -> None:
    """Close the shared connection; the next use connects afresh."""
    with _lock:
        for each in _shared.values():
            each.close()
        _shared.clear()
