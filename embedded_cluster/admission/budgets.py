"""Disruption budgets: how many pods may be evicted just now (kubernetes.io/docs "Pod Disruption Budget")."""

from ..objects.errors import ApiError
from ..objects.selectors import selector_test
from ..objects.store import Store
from ..objects.values import Object, controller_of, labels_of

KEY = "poddisruptionbudgets.policy"
_SCALED = {
    "ReplicaSet": "replicasets.apps",
    "StatefulSet": "statefulsets.apps",
    "ReplicationController": "replicationcontrollers",
}


def ready(pod: Object) -> bool:
    """Whether a pod counts as healthy: Ready, and not on its way out."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    up = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return up and not pod["metadata"].get("deletionTimestamp")


def covers(budget: Object, pod: Object) -> bool:
    """Whether a budget is about a pod. An empty selector is about all of its namespace."""
    selector = (budget.get("spec") or {}).get("selector")
    if pod["metadata"].get("namespace") != budget["metadata"]["namespace"] or selector is None:
        return False
    return not selector or selector_test(selector)(labels_of(pod))


def status_of(store: Store, budget: Object) -> Object:
    """The status of a budget, but for what only time changes."""
    spec, namespace = budget.get("spec") or {}, budget["metadata"]["namespace"]
    pods = [each for each in store.each("pods", namespace) if covers(budget, each)]
    healthy = sum(map(ready, pods))
    expected = _expected(store, pods) if _needs_scale(spec) else len(pods)
    if spec.get("maxUnavailable") is not None:
        wanted = max(expected - _share(spec["maxUnavailable"], expected), 0)
    else:
        wanted = _share(spec.get("minAvailable", 1), expected)
    allowed = max(healthy - wanted, 0) if expected else 0
    counts = {"currentHealthy": healthy, "desiredHealthy": wanted, "expectedPods": expected}
    return {"disruptionsAllowed": allowed, **counts, "observedGeneration": budget["metadata"].get("generation", 1)}


def _needs_scale(spec: Object) -> bool:
    """Whether a budget reckons from what the pods' owners want: not where it names a number that must be there."""
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def _expected(store: Store, pods: list[Object]) -> int:
    owners = {owner["uid"]: owner for owner in map(controller_of, pods) if owner}
    total = 0
    for owner in owners.values():
        found = store.get(_SCALED.get(owner["kind"], ""), pods[0]["metadata"]["namespace"], owner["name"])
        total += (found or {}).get("spec", {}).get("replicas", 0)
    return total


def _share(value: int | str, of: int) -> int:
    """A number, or a percentage of one, rounded up."""
    return -(-int(value.rstrip("%")) * of // 100) if isinstance(value, str) else value


def check_eviction(store: Store, pod: Object) -> None:
    """Raise 429 where a budget forbids to evict a pod now, 500 where more than one is about it."""
    about = [each for each in store.each(KEY, pod["metadata"]["namespace"]) if covers(each, pod)]
    if len(about) > 1:
        words = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise ApiError(500, words)
    if not about or not ready(pod) or status_of(store, about[0])["disruptionsAllowed"] > 0:
        return
    status = status_of(store, about[0])
    told = f"needs {status['desiredHealthy']} healthy pods and has {status['currentHealthy']} currently"
    words = f"The disruption budget {about[0]['metadata']['name']} {told}"
    causes = [{"reason": "DisruptionBudget", "message": words, "field": ""}]
    raise ApiError(429, "Cannot evict pod as it would violate the pod's disruption budget.", causes=causes)
