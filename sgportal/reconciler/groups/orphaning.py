"""That a package is deleted without its members is said by a finalizer which Kubernetes' garbage collector takes away
within milliseconds. The watch, which sees every change, remembers it."""

from collections.abc import Mapping
from typing import Any

from ...models import ServiceGroup

ORPHAN = "orphan"
_MOST = 1000  # packages of which it is remembered
_seen: dict[str, None] = {}


def remembered(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A custom resource as the watch saw it, with the finalizer that it had when its deletion began."""
    metadata = body["metadata"]
    if not metadata.get("deletionTimestamp"):
        return body
    uid, finalizers = metadata["uid"], metadata.get("finalizers") or []
    if ORPHAN in finalizers:
        _seen[uid] = None
        while len(_seen) > _MOST:
            del _seen[next(iter(_seen))]
        return body
    if uid not in _seen:
        return body
    return {**body, "metadata": {**metadata, "finalizers": [*finalizers, ORPHAN]}}


def note(group: ServiceGroup, body: Mapping[str, Any]) -> None:
    """Note on its row that a package is deleted without its members, where its custom resource says so."""
    metadata = body["metadata"]
    going = metadata.get("deletionTimestamp") and metadata["uid"] == group.cluster_uid
    if going and ORPHAN in (metadata.get("finalizers") or ()):
        ServiceGroup.objects.filter(pk=group.pk, deleting_since=None).update(orphaning=True)
