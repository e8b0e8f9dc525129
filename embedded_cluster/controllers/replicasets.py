"""ReplicaSets, and the ReplicationControllers of old: as many pods as they want."""

from functools import partial

from ..nodes.pods import is_ready
from ..objects.store import Store
from ..objects.values import Object, new_uid, now
from .children import available_count, claimed, end_pod, make_pod, make_pods, ready_count, set_status, staying

KEY = "replicasets.apps"
OLD_KEY = "replicationcontrollers"
_FAILED = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}


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
    name, component = body["metadata"]["name"], "replicaset" if key == KEY else "replication"
    lacking = (partial(make_pod, store, body, f"{name[:57]}-{new_uid()[:5]}") for _ in range(wanted - len(pods)))
    refusal = make_pods(store, stored, lacking, f"{component}-controller")
    for each in sorted(pods, key=_worth)[: max(len(pods) - wanted, 0)]:
        end_pod(store, each)
    pods = staying(store.children("pods", body["metadata"]["uid"]))
    ready = ready_count(pods)
    available = available_count(pods, body["spec"].get("minReadySeconds", 0))
    counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": available}
    status = {"replicas": len(pods), "observedGeneration": body["metadata"].get("generation", 1)}
    status |= {key: value for key, value in counts.items() if value}
    if refusal:
        status["conditions"] = [failure_of(stored) or {**_FAILED, "lastTransitionTime": now(), "message": refusal}]
    set_status(store, key, stored, status)


def failure_of(body: Object) -> Object | None:
    """The condition that says why pods of a ReplicaSet cannot be created, None where they can."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == _FAILED["type"]), None)


def _worth(body: Object) -> tuple[bool, bool, str]:
    """What goes first: pods without a node, then pods that are not ready, then the newest."""
    return bool(body["spec"].get("nodeName")), is_ready(body), _newest_first(body["metadata"]["creationTimestamp"])


def _newest_first(stamp: str) -> str:
    return "".join(chr(255 - ord(letter)) for letter in stamp)
