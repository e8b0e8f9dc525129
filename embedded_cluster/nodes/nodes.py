"""Nodes come and go: heartbeats, and what the node lifecycle controller does where they stop."""

from datetime import UTC, datetime

from ..objects.store import Change, Store
from ..objects.values import Object, labels_of, new_uid, now
from .pods import is_ready
from .pods import pod as run_pod
from .scheduling import node_ready

LEASES = "leases.coordination.k8s.io"
_TAINTS = {"False": "node.kubernetes.io/not-ready", "Unknown": "node.kubernetes.io/unreachable"}
_REASONS = {
    "True": ("KubeletReady", "kubelet is posting ready status"),
    "False": ("KubeletNotReady", "container runtime is down"),
    "Unknown": ("NodeStatusUnknown", "Kubelet stopped posting node status."),
}

_PRESSURES = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}


def placement_changed(change: Change) -> bool:
    """Whether a write to a node may let a waiting pod find a place, or change the state of those it has."""
    before = change.before
    if before is None or change.type == "DELETED":
        return True
    same = labels_of(before) == labels_of(change.body) and before.get("spec") == change.body.get("spec")
    return not same or readiness(before) != readiness(change.body)


def readiness(body: Object) -> str:
    """Whether a node is Ready: "True", "False", or "Unknown" of one that is not heard of."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((str(each["status"]) for each in conditions if each["type"] == "Ready"), "Unknown")


def node(store: Store, body: Object) -> None:
    """Have the pods of a node look at it again."""
    ready = node_ready(body)
    for pod in store.pods_on(body["metadata"]["name"]):
        if pod["metadata"].get("deletionTimestamp") or is_ready(pod) != ready:
            run_pod(store, pod)


def set_ready(store: Store, name: str, ready: str) -> None:
    """Make a node Ready ("True"), NotReady ("False") or not heard of ("Unknown"): its conditions, and the taints that
    the node lifecycle controller sets. Raises KeyError for no such node."""
    body = store.get("nodes", "", name)
    if body is None:
        raise KeyError(name)
    spec = dict(body.get("spec") or {})
    taints = [taint for taint in spec.pop("taints", None) or () if taint["key"] not in _TAINTS.values()]
    if ready in _TAINTS:
        since = {"timeAdded": now()}
        taints += [{"key": _TAINTS[ready], "effect": effect, **since} for effect in ("NoSchedule", "NoExecute")]
    if taints:
        spec["taints"] = taints
    status = body.get("status") or {}
    conditions = [told(each, ready) for each in status.get("conditions") or ()]
    if not any(each["type"] == "Ready" for each in conditions):
        conditions.append(told({"type": "Ready"}, ready))
    store.put("nodes", {**body, "spec": spec, "status": {**status, "conditions": conditions}})


def told(condition: Object, ready: str) -> Object:
    """A condition of a node whose readiness is `ready`; nothing is known of a node that is not heard of."""
    if condition["type"] == "Ready":
        status, (reason, message) = ready, _REASONS[ready]
    elif ready == "Unknown":
        status, (reason, message) = "Unknown", _REASONS["Unknown"]
    else:
        status, (reason, message) = "False", _PRESSURES.get(condition["type"], ("", ""))
    same = condition.get("status") == status
    times = {"lastHeartbeatTime": condition.get("lastHeartbeatTime") if ready == "Unknown" else now()}
    times["lastTransitionTime"] = condition["lastTransitionTime"] if same else now()
    return {"type": condition["type"], "status": status, "reason": reason, "message": message, **times}


def renew_lease(store: Store, body: Object, seconds: float) -> None:
    """The heartbeat of a node that is heard of; the next one comes in `seconds`."""
    name = body["metadata"]["name"]
    if readiness(body) == "Unknown" or not store.get("namespaces", "", "kube-node-lease"):
        return
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": name, "leaseDurationSeconds": int(4 * seconds), "renewTime": stamp}
    lease = store.get(LEASES, "kube-node-lease", name)
    if lease is None:
        reference = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": body["metadata"]["uid"]}
        metadata = {
            "name": name,
            "namespace": "kube-node-lease",
            "uid": new_uid(),
            "creationTimestamp": now(),
            "ownerReferences": [reference],
        }
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
    store.put(LEASES, {**lease, "spec": spec})


def post_status(store: Store, body: Object) -> None:
    """What a kubelet posts every few minutes although nothing has changed: the time."""
    status = body.get("status") or {}
    if readiness(body) != "Unknown":
        conditions = [{**each, "lastHeartbeatTime": now()} for each in status.get("conditions") or ()]
        store.put("nodes", {**body, "status": {**status, "conditions": conditions}})
