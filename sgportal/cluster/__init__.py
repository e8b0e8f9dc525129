"""What we can reach: everything that talks to Kubernetes, and nothing else.

The `kubernetes` package supplies configuration, authentication and transport; answers are plain dicts.
"""

import copy

from .answers import Applied, Listing
from .client import JSON_PATCH, MERGE_PATCH, Cluster
from .crds import ALL_DEFINITIONS, DEFINITIONS, install_crds, upgrade_crds
from .errors import (
    AnotherCluster,
    ClusterError,
    Conflict,
    Expired,
    NotFound,
    ReadOnly,
    Refused,
    Throttled,
    Unanswered,
    Unreachable,
)
from .identity import Identity
from .kinds import RESOURCES
from .streams.commands import Command, Ended, Output, begin_command
from .streams.watching import Log, Silent, Watch, WatchEvent
from .transport import READ_SECONDS, Person

__all__ = [
    "ALL_DEFINITIONS",
    "DEFINITIONS",
    "JSON_PATCH",
    "MERGE_PATCH",
    "RESOURCES",
    "AnotherCluster",
    "Applied",
    "Cluster",
    "ClusterError",
    "Command",
    "Conflict",
    "Ended",
    "Expired",
    "Identity",
    "Listing",
    "Log",
    "NotFound",
    "Output",
    "Person",
    "ReadOnly",
    "Refused",
    "Silent",
    "Throttled",
    "Unanswered",
    "Unreachable",
    "Watch",
    "WatchEvent",
    "begin_command",
    "connect",
    "install_crds",
    "on_behalf_of",
    "upgrade_crds",
]


def connect(target: str, *, threads: int = 32, read_seconds: float = READ_SECONDS) -> Cluster:
    """The cluster that `target` names: `in-cluster`, `kubeconfig[:context]`, or `demo` (the kubeconfig named by
    SGPORTAL_DEMO_KUBECONFIG). Nothing is sent yet. `read_seconds` is the longest silence within an answer.

    Raises ClusterError where the configuration cannot be used.
    """
    return Cluster(target, threads, read_seconds)


def on_behalf_of(cluster: Cluster, person: Person) -> Cluster:
    """The same cluster by the same connections, for requests that its RBAC and its audit log take for a person's. Which
    cluster it is, the portal's own account asks."""
    view = copy.copy(cluster)
    view._transport = cluster._transport.on_behalf_of(person)
    view.uid = cluster.uid  # type: ignore[method-assign]
    return view
