"""The scheduler: which node a pod may go to, and which of those it goes to (kubernetes.io/docs "Assigning Pods to
Nodes", "Taints and Tolerations", "Resource Management for Pods and Containers"). Nobody is preempted."""

from collections import Counter
from decimal import Decimal
from typing import Any

from ..objects.notes import note, now_unless
from ..objects.quantities import Amounts, parse, pod_amounts
from ..objects.selectors import selector_test
from ..objects.store import Store
from ..objects.values import Object, controller_of, labels_of

_AFFINITY = "node(s) didn't match Pod's node affinity/selector"
_NO_USE = "Preemption is not helpful for scheduling"
_NO_VICTIM = "No preemption victims found for incoming pod"


def schedule(store: Store, body: Object) -> None:
    """Give a pod the fitting node with the fewest pods of the same controller, then with the fewest pods; or say why
    there is none."""
    spec = body["spec"]
    if spec.get("schedulingGates"):
        _leave(store, body, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")
        return
    total = len(store.objects.get("nodes", {}))
    if claim := _missing_claim(store, body):
        _refuse(store, body, f'0/{total} nodes are available: persistentvolumeclaim "{claim}" not found. not found')
        return
    candidates = _candidates(store, spec)
    reasons: Counter[str] = Counter()
    hopes: Counter[str] = Counter()
    fitting = []
    asked = pod_amounts(spec, "requests")
    for node in candidates:
        reason = misfit(spec, node)
        lacking, hope = ([reason], _NO_USE) if reason else _lacking(store, asked, node)
        reasons.update(lacking)
        if lacking:
            hopes[hope] += 1
        else:
            fitting.append(node["metadata"]["name"])
    if not fitting:
        reasons[_AFFINITY] += total - len(candidates)
        hopes[_NO_USE] += total - len(candidates)
        _refuse(store, body, _told(total, reasons, hopes))
        return
    siblings = _siblings(store, body)
    name = min(fitting, key=lambda name: (siblings[name], store.indexes.count_on(name), name))
    conditions = [now_unless({"type": "PodScheduled", "status": "True"}, body)]
    status = {**(body.get("status") or {}), "phase": "Pending", "conditions": conditions}
    stored = store.put("pods", {**body, "spec": {**spec, "nodeName": name}, "status": status})
    place = f"{body['metadata']['namespace']}/{body['metadata']['name']}"
    note(store, stored, "Normal", "Scheduled", f"Successfully assigned {place} to {name}", "default-scheduler")


def _missing_claim(store: Store, body: Object) -> str:
    """The name of a volume claim that a pod uses and that is not there, "" for none."""
    claims = (each.get("persistentVolumeClaim") or {} for each in body["spec"].get("volumes") or ())
    names = (each["claimName"] for each in claims if each.get("claimName"))
    namespace = body["metadata"]["namespace"]
    return next((name for name in names if store.get("persistentvolumeclaims", namespace, name) is None), "")


def _lacking(store: Store, asked: Amounts, node: Object) -> tuple[list[str], str]:
    """What a node has too little of for a pod, and whether it would do to send others away."""
    name = node["metadata"]["name"]
    has = {each: parse(value) for each, value in ((node.get("status") or {}).get("allocatable") or {}).items()}
    found = (
        [] if store.indexes.count_on(name) < has.get("pods", store.indexes.count_on(name) + 1) else ["Too many pods"]
    )
    if not any(asked.values()):
        return found, _NO_VICTIM
    used: Amounts = {}
    for pod in store.pods_on(name):
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            for resource, amount in pod_amounts(pod["spec"], "requests").items():
                used[resource] = used.get(resource, Decimal(0)) + amount
    wanted = {each: amount for each, amount in asked.items() if amount}
    short = [each for each, amount in wanted.items() if used.get(each, Decimal(0)) + amount > has.get(each, Decimal(0))]
    never = any(amount > has.get(each, Decimal(0)) for each, amount in wanted.items())
    return [*found, *(f"Insufficient {each}" for each in short)], _NO_USE if never else _NO_VICTIM


def _told(total: int, reasons: Counter[str], hopes: Counter[str]) -> str:
    """Why no node will do, as the scheduler says it."""
    why = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items() if count))
    if not why:
        return "no nodes available to schedule pods"
    hope = ", ".join(sorted(f"{count} {each}" for each, count in hopes.items() if count))
    return f"0/{total} nodes are available: {why}. preemption: 0/{total} nodes are available: {hope}."


def _candidates(store: Store, spec: Object) -> list[Object]:
    wanted = spec.get("nodeSelector") or {}
    if wanted:
        return store.at_places("nodes", store.indexes.labelled("nodes", "", wanted))
    return list(store.each("nodes"))


def _siblings(store: Store, body: Object) -> Counter[str]:
    owner = controller_of(body)
    pods = store.children("pods", owner["uid"]) if owner else []
    return Counter(each["spec"].get("nodeName", "") for each in pods if not each["metadata"].get("deletionTimestamp"))


def misfit(spec: Object, node: Object, daemon: bool = False) -> str:
    """Why a pod may not go to a node, in the scheduler's words; "" where it may. A DaemonSet's pod tolerates what
    befalls nodes (not ready, unreachable, cordoned)."""
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return _AFFINITY
    if not _affine(spec, labels, node["metadata"]["name"]):
        return _AFFINITY
    node_spec = node.get("spec") or {}
    if node_spec.get("unschedulable") and not daemon:
        return "node(s) were unschedulable"
    tolerations = spec.get("tolerations") or ()
    for taint in node_spec.get("taints") or ():
        of_node = str(taint.get("key")).startswith("node.kubernetes.io/")
        if taint.get("effect") not in ("NoSchedule", "NoExecute") or (daemon and of_node):
            continue
        if not any(_tolerates(each, taint) for each in tolerations):
            return f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value', '')}}}"
    return "" if daemon or node_ready(node) else "node(s) were not ready"


def _affine(spec: Object, labels: dict[str, str], name: str) -> bool:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms")
    return terms is None or any(_term(term, labels, name) for term in terms)


def _term(term: Object, labels: dict[str, str], name: str) -> bool:
    """Whether a node fulfils one term; an empty one matches none."""
    expressions, fields = term.get("matchExpressions"), term.get("matchFields")
    if not expressions and not fields:
        return False
    by_label = not expressions or selector_test({"matchExpressions": expressions})(labels)
    return by_label and (not fields or selector_test({"matchExpressions": fields})({"metadata.name": name}))


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    same_key = bool(toleration.get("key") == taint["key"])
    return same_key and bool(toleration.get("value", "") == taint.get("value", ""))


def node_ready(node: Object) -> bool:
    """Whether a node is Ready."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _leave(store: Store, body: Object, reason: str, message: str) -> bool:
    """Have a pod say why it is on no node; whether it said something else before."""
    condition: dict[str, Any] = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    old = (body.get("status") or {}).get("conditions") or [{}]
    if old[0].get("message") == message:
        return False
    status = {**(body.get("status") or {}), "phase": "Pending"}
    store.put("pods", {**body, "status": {**status, "conditions": [now_unless(condition, body)]}})
    return True


def _refuse(store: Store, body: Object, message: str) -> None:
    if _leave(store, body, "Unschedulable", message):
        note(store, body, "Warning", "FailedScheduling", message, "default-scheduler")
