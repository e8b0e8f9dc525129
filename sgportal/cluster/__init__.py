"""What we can reach: everything that talks to Kubernetes, and nothing else.

The `kubernetes` package supplies configuration, authentication and transport; answers are plain dicts.
"""

from .client import JSON_PATCH, MERGE_PATCH, Applied, Cluster, Listing, connect
from .crds import install_crds
from .errors import ClusterError, Conflict, Expired, NotFound, Refused, Throttled, Unreachable
from .watching import Watch, WatchEvent

__all__ = [
    "JSON_PATCH",
    "MERGE_PATCH",
    "Applied",
    "Cluster",
    "ClusterError",
    "Conflict",
    "Expired",
    "Listing",
    "NotFound",
    "Refused",
    "Throttled",
    "Unreachable",
    "Watch",
    "WatchEvent",
    "connect",
    "install_crds",
]
