"""StatefulSets: pods with ordinals, in order (kubernetes.io/docs "StatefulSets")."""

from ..nodes.pods import is_ready
from ..objects.errors import ApiError
from ..objects.notes import repeat
from ..objects.store import Store
from ..objects.values import Object, labels_of
from .children import available_count, claimed, end_pod, make_pod, ready_count, set_status, staying, template_hash

KEY = "statefulsets.apps"
_REVISION = "controller-revision-hash"


def stateful_set(store: Store, body: Object) -> None:
    """One step of a StatefulSet: pods in order, one at a time unless Parallel; its status."""
    if body["metadata"].get("deletionTimestamp"):
        return
    name, spec = body["metadata"]["name"], body["spec"]
    revision = f"{name}-{template_hash(spec['template'])}"
    pods = {each["metadata"]["name"]: each for each in claimed(store, "pods", body)}
    parallel = spec.get("podManagementPolicy") == "Parallel"
    first = (spec.get("ordinals") or {}).get("start", 0)
    ordinals = range(first, first + spec["replicas"])
    for ordinal in ordinals:
        pod = pods.get(f"{name}-{ordinal}")
        if pod is None and not store.get("pods", body["metadata"]["namespace"], f"{name}-{ordinal}"):
            try:
                _make(store, body, ordinal, revision)
            except ApiError as error:
                words = f"Create Pod {name}-{ordinal} in StatefulSet {name} failed error: {error}"
                repeat(store, body, "Warning", "FailedCreate", words, "statefulset-controller")
                break
        if not parallel and (pod is None or not is_ready(pod) or pod["metadata"].get("deletionTimestamp")):
            break
    _shrink(store, body, pods, {f"{name}-{ordinal}" for ordinal in ordinals}, revision)
    _report(store, body, revision)


def _make(store: Store, body: Object, ordinal: int, revision: str) -> None:
    name = f"{body['metadata']['name']}-{ordinal}"
    labels = {
        _REVISION: revision,
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(ordinal),
    }
    place = {"hostname": name}
    if body["spec"].get("serviceName"):
        place["subdomain"] = body["spec"]["serviceName"]
    make_pod(store, body, name, labels, place)


def _ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])


def _shrink(store: Store, body: Object, pods: dict[str, Object], names: set[str], revision: str) -> None:
    """End a pod too many, or the last one of an old revision, one a step; none while another is going."""
    if len(staying(list(pods.values()))) < len(pods):
        return
    extra = sorted(pods.keys() - names, key=_ordinal, reverse=True)
    strategy = body["spec"].get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    old = [
        name
        for name in sorted(pods.keys() & names, key=_ordinal, reverse=True)
        if labels_of(pods[name]).get(_REVISION) != revision and _ordinal(name) >= partition
    ]
    if strategy.get("type") == "OnDelete":
        old = []
    # A broken pod of an old revision may go although others are not ready: else no rollout could mend it.
    waiting = [name for name in pods if name not in old[:1] and not is_ready(pods[name])]
    if old and is_ready(pods[old[0]]):  # nor may one that is well while another was only just made
        waiting += names - pods.keys()
    for name in (extra or ([] if waiting else old))[:1]:
        end_pod(store, pods[name])


def _report(store: Store, body: Object, revision: str) -> None:
    pods = staying(store.children("pods", body["metadata"]["uid"]))
    updated = sum(labels_of(each).get(_REVISION) == revision for each in pods)
    ready = ready_count(pods)
    before = (body.get("status") or {}).get("currentRevision", revision)
    current = revision if updated == len(pods) == body["spec"]["replicas"] else before
    counts = {
        "readyReplicas": ready,
        "currentReplicas": sum(labels_of(each).get(_REVISION) == current for each in pods),
        "updatedReplicas": updated,
    }
    status = {
        "observedGeneration": body["metadata"].get("generation", 1),
        "replicas": len(pods),
        "availableReplicas": available_count(pods, body["spec"].get("minReadySeconds", 0)),
        **{key: value for key, value in counts.items() if value},
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
    }
    set_status(store, KEY, body, status)
