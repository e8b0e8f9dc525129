"""Whether a package is deleted without its members. That is said by a finalizer which Kubernetes' garbage collector
takes away within milliseconds: the watch, which sees every change, remembers it; where none saw it the API server is
asked what the custom resource was before."""

import logging
from collections.abc import Mapping
from typing import Any

from ...cluster import Cluster, Expired
from ...core.grids.group import KIND
from ...models import ServiceGroup

log = logging.getLogger(__name__)
Body = Mapping[str, Any]
ORPHAN = "orphan"
UNASKED: Mapping[str, Any] = {"orphaning": False, "propagation_known": False}  # of a package that nobody deletes
_MOST = 1000  # packages of which it is remembered
_MOST_STEPS = 20  # back from what a custom resource is now
_seen: dict[str, None] = {}


def remembered(body: Body) -> Body:
    """A custom resource as the watch saw it, with the finalizer that it had when its deletion began."""
    metadata = body["metadata"]
    if not metadata.get("deletionTimestamp"):
        return body
    uid = metadata["uid"]
    if _is_orphaning(body):
        _seen[uid] = None
        while len(_seen) > _MOST:
            del _seen[next(iter(_seen))]
        return body
    if uid not in _seen:
        return body
    return {**body, "metadata": {**metadata, "finalizers": [*(metadata.get("finalizers") or ()), ORPHAN]}}


def note(group: ServiceGroup, body: Body) -> None:
    """Note on its row that a package is deleted without its members, where its custom resource says so."""
    metadata = body["metadata"]
    going = metadata.get("deletionTimestamp") and metadata["uid"] == group.cluster_uid
    if going and _is_orphaning(body):
        rows = ServiceGroup.objects.filter(pk=group.pk, deleting_since=None)
        rows.update(orphaning=True, propagation_known=True)


def look(group: ServiceGroup, body: Body, cluster: Cluster) -> None:
    """Note on its row whether a package that is being deleted is deleted without its members, where that is not known
    yet, and the API server remembers it. Raises ClusterError."""
    if group.propagation_known or (found := _asked(body, cluster)) is None:
        return
    rows = ServiceGroup.objects.filter(pk=group.pk, propagation_known=False)
    rows.update(orphaning=found, propagation_known=True)


def _asked(body: Body, cluster: Cluster) -> bool | None:
    """Whether a custom resource that is being deleted had the finalizer at any time of its deletion; None where that
    cannot be told any more."""
    at: Body | None = body
    for _ in range(_MOST_STEPS):
        if (
            at is None
            or at["metadata"]["uid"] != body["metadata"]["uid"]
            or not at["metadata"].get("deletionTimestamp")
        ):
            return False
        if _is_orphaning(at):
            return True
        try:
            at = cluster.before(KIND, at)
        except Expired as error:
            log.info("how %s is deleted cannot be looked up any more: %s", body["metadata"]["name"], error)
            return None
    return None


def _is_orphaning(body: Body) -> bool:
    return ORPHAN in (body["metadata"].get("finalizers") or ())
