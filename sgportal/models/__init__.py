"""What we remember: people's intent, what was last seen of the cluster (the mirror), what happened, and the work to do.

Thin rows; the rules live in core. Reads that both doors share are in `reading`.
"""

from .approvals import Approval
from .bookmarks import Favourite, SavedView
from .cache import Child, Namespace, Node, NodeLabel, Pod, ResourceSync, Slice
from .dataplane import DataPlane
from .history import (
    AuditedUnit,
    AuditEvent,
    CellHistory,
    ChildDeletion,
    GridEvent,
    Journal,
    LabelHistory,
    NodeHistory,
    RememberedLabel,
)
from .intent import Grid, GridUnit
from .label_job import LabelJob
from .managed_cluster import ManagedCluster
from .management_mode import ManagementMode
from .notices import Delivery, Notice, NotificationChannel
from .packages import ServiceGroup
from .people import ApiToken, LogInCount, OidcIdentity, Preference, SecondFactor, ServiceToken
from .revisions import PackageRevision, Revision
from .rollouts import Rollout, RolloutUnit
from .scopes.grants import Grant
from .usage import CellUsage, NodeUsage, PodUsage, UnitUsage, UsageSource
from .work import DueCell, Heartbeat, Lease, WorkKey

__all__ = [
    "ApiToken",
    "Approval",
    "AuditEvent",
    "AuditedUnit",
    "CellHistory",
    "CellUsage",
    "Child",
    "ChildDeletion",
    "DataPlane",
    "Delivery",
    "DueCell",
    "Favourite",
    "Grant",
    "Grid",
    "GridEvent",
    "GridUnit",
    "Heartbeat",
    "Journal",
    "LabelHistory",
    "LabelJob",
    "Lease",
    "LogInCount",
    "ManagedCluster",
    "ManagementMode",
    "Namespace",
    "Node",
    "NodeHistory",
    "NodeLabel",
    "NodeUsage",
    "Notice",
    "NotificationChannel",
    "OidcIdentity",
    "PackageRevision",
    "Pod",
    "PodUsage",
    "Preference",
    "RememberedLabel",
    "ResourceSync",
    "Revision",
    "Rollout",
    "RolloutUnit",
    "SavedView",
    "SecondFactor",
    "ServiceGroup",
    "ServiceToken",
    "Slice",
    "UnitUsage",
    "UsageSource",
    "WorkKey",
]
