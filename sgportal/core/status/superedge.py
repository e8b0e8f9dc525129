"""The status of a child in the shape that SuperEdge gives it."""

from collections.abc import Mapping
from typing import Any


def superedge_state(live: Mapping[str, Any]) -> dict[str, Any]:
    """A child's status as SuperEdge's `status.states` shows it: the counts and, of the conditions, Available."""
    status = live.get("status") or {}
    counts = {
        key: status[key]
        for key in ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")
        if status.get(key)
    }
    available = [each for each in status.get("conditions") or () if each.get("type") == "Available"]
    return {**counts, "conditions": available} if available else counts
