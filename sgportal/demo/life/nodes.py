"""Nodes come and go: what the node lifecycle controller does about it."""

from ..store import Change, Store
from ..values import Object, labels_of, now
from .pods import node_ready
from .pods import pod as run_pod

UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}


def placement_changed(change: Change) -> bool:
    """Whether a write to a node may let a waiting pod find a place, or change the state of those it has."""
    before = change.before
    if before is None or change.type == "DELETED":
        return True
    same = labels_of(before) == labels_of(change.body) and before.get("spec") == change.body.get("spec")
    return not same or node_ready(before) != node_ready(change.body)


def node(store: Store, body: Object) -> None:
    """Have the pods of a node look at it again."""
    name, ready = body["metadata"]["name"], node_ready(body)
    for pod in store.pods_on(name):
        conditions = (pod.get("status") or {}).get("conditions") or ()
        shown = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        if shown != ready and conditions:
            run_pod(store, pod)


def set_ready(store: Store, name: str, ready: str) -> None:
    """Make a node Ready ("True"), NotReady ("False") or not heard of ("Unknown"). Raises KeyError for no such node."""
    body = store.get("nodes", "", name)
    if body is None:
        raise KeyError(name)
    spec = dict(body.get("spec") or {})
    taints = [taint for taint in spec.get("taints") or () if taint["key"] != UNREACHABLE["key"]]
    if ready == "Unknown":
        taints.append(UNREACHABLE)
    spec["taints"] = taints
    if not taints:
        del spec["taints"]
    words = {"True": "KubeletReady", "False": "KubeletNotReady", "Unknown": "NodeStatusUnknown"}
    condition = {
        "type": "Ready",
        "status": ready,
        "reason": words[ready],
        "message": words[ready],
        "lastHeartbeatTime": now(),
        "lastTransitionTime": now(),
    }
    status = body.get("status") or {}
    others = [each for each in status.get("conditions") or () if each["type"] != "Ready"]
    store.put("nodes", {**body, "spec": spec, "status": {**status, "conditions": [*others, condition]}})
