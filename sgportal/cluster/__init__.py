"""What we can reach: everything that talks to Kubernetes, and nothing else.

The `kubernetes` package supplies configuration, authentication and transport; answers are plain dicts.
"""

from .answers import Applied, Listing
from .client import JSON_PATCH, MERGE_PATCH, Cluster, connect
from .crds import ALL_DEFINITIONS, DEFINITIONS, install_crds, upgrade_crds
from .errors import AnotherCluster, ClusterError, Conflict, Expired, NotFound, ReadOnly, Refused, Throttled, Unreachable
from .identity import Identity
from .kinds import RESOURCES
from .watching import Watch, WatchEvent

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
    "Conflict",
    "Expired",
    "Identity",
    "Listing",
    "NotFound",
    "ReadOnly",
    "Refused",
    "Throttled",
    "Unreachable",
    "Watch",
    "WatchEvent",
    "connect",
    "install_crds",
    "upgrade_crds",
]
