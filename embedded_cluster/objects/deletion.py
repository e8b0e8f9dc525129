"""How an object leaves: at once, or marked until its finalizers and, for a pod, its kubelet let go of it."""

from datetime import UTC, datetime, timedelta

from .store import Store
from .values import Object


def begin(store: Store, key: str, body: Object, finalizers: list[str] | None = None, grace: int | None = None) -> bool:
    """Delete an object as a DELETE request does; whether it is gone. `finalizers` replaces those it has; `grace` (in
    seconds) is how long a pod on a node may take, None for as long as its spec says."""
    metadata = body["metadata"]
    holders = list(metadata.get("finalizers") or ()) if finalizers is None else finalizers
    seconds = _grace(key, body, grace)
    if not holders and not seconds:
        store.remove(key, metadata.get("namespace", ""), metadata["name"])
        return True
    left = metadata.get("deletionGracePeriodSeconds", seconds)
    if not metadata.get("deletionTimestamp") or seconds < left or holders != (metadata.get("finalizers") or []):
        store.put(key, {**body, "metadata": _marked(metadata, holders, min(seconds, left))})
    return False


def _grace(key: str, body: Object, asked: int | None) -> int:
    if key != "pods" or not body["spec"].get("nodeName"):
        return 0
    return int(asked if asked is not None else body["spec"].get("terminationGracePeriodSeconds") or 0)


def _marked(metadata: Object, finalizers: list[str], seconds: int) -> Object:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    marked = {
        **metadata,
        "deletionTimestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "deletionGracePeriodSeconds": seconds,
    }
    marked.pop("finalizers", None)
    return {**marked, "finalizers": finalizers} if finalizers else marked
