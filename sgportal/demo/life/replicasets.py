"""ReplicaSets, and the ReplicationControllers of old: as many pods as they want."""

from ..store import Store
from ..values import Object, new_uid
from .children import available_count, claimed, end_pod, make_pod, ready_count, set_status, staying
from .pods import is_ready

KEY = "replicasets.apps"
OLD_KEY = "replicationcontrollers"


def replica_set(store: Store, body: Object) -> None:
    """One step of a ReplicaSet: as many pods as it wants; its status."""
    _step(store, KEY, body, body)


def replication_controller(store: Store, body: Object) -> None:
    """One step of a ReplicationController, whose selector is the labels themselves."""
    chosen = {"matchLabels": body["spec"].get("selector") or {}}
    _step(store, OLD_KEY, body, {**body, "spec": {**body["spec"], "selector": chosen}})


def _step(store: Store, key: str, stored: Object, body: Object) -> None:
    if body["metadata"].get("deletionTimestamp"):
        return
    pods = staying(claimed(store, "pods", body))
    wanted = body["spec"]["replicas"]
    for _ in range(wanted - len(pods)):
        make_pod(store, body, f"{body['metadata']['name'][:57]}-{new_uid()[:5]}")
    for each in sorted(pods, key=_worth)[: max(len(pods) - wanted, 0)]:
        end_pod(store, each)
    pods = staying(store.children("pods", body["metadata"]["uid"]))
    ready = ready_count(pods)
    available = available_count(pods, body["spec"].get("minReadySeconds", 0))
    counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": available}
    status = {"replicas": len(pods), "observedGeneration": body["metadata"].get("generation", 1)}
    set_status(store, key, stored, {**status, **{key: value for key, value in counts.items() if value}})


def _worth(body: Object) -> tuple[bool, bool, str]:
    """What goes first: pods without a node, then pods that are not ready, then the newest."""
    return bool(body["spec"].get("nodeName")), is_ready(body), _newest_first(body["metadata"]["creationTimestamp"])


def _newest_first(stamp: str) -> str:
    return "".join(chr(255 - ord(letter)) for letter in stamp)
