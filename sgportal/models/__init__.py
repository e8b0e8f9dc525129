"""What we remember: people's intent, what was last seen of the cluster (the mirror), what happened, and the work to do.

Thin rows; the rules live in core. Reads that both doors share are in `reading`.
"""

from .dataplane import DataPlane
from .history import AuditEvent, ChildDeletion, GridEvent, Journal
from .intent import Grid, GridUnit, Revision, ServiceGroup
from .label_job import LabelJob
from .managed_cluster import ManagedCluster
from .mirror import Child, Mirror, Namespace, Node, NodeLabel, Pod, Slice
from .people import ApiToken, LogInCount, Preference
from .stewardship import Stewardship
from .work import Heartbeat, Lease, WorkKey

__all__ = [
    "ApiToken",
    "AuditEvent",
    "Child",
    "ChildDeletion",
    "DataPlane",
    "Grid",
    "GridEvent",
    "GridUnit",
    "Heartbeat",
    "Journal",
    "LabelJob",
    "Lease",
    "LogInCount",
    "ManagedCluster",
    "Mirror",
    "Namespace",
    "Node",
    "NodeLabel",
    "Pod",
    "Preference",
    "Revision",
    "ServiceGroup",
    "Slice",
    "Stewardship",
    "WorkKey",
]
