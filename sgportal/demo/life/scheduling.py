"""The scheduler: which node a pod may go to, and which of those it goes to (kubernetes.io/docs "Assigning Pods to
Nodes", "Taints and Tolerations"). It counts pods, not processors and bytes."""

from collections import Counter
from typing import Any

from ..selectors import selector_test
from ..store import Store
from ..values import Object, controller_of, labels_of
from .notes import note, now_unless

_AFFINITY = "didn't match Pod's node affinity/selector"


def schedule(store: Store, body: Object) -> None:
    """Give a pod the fitting node with the fewest pods of the same controller, then with the fewest pods; or say why
    there is none."""
    spec = body["spec"]
    candidates = _candidates(store, spec)
    reasons: Counter[str] = Counter()
    fitting = []
    for node in candidates:
        reason = misfit(spec, node)
        if reason:
            reasons[reason] += 1
        else:
            fitting.append(node["metadata"]["name"])
    if not fitting:
        total = len(store.objects.get("nodes", {}))
        if total > len(candidates):
            reasons[_AFFINITY] += total - len(candidates)
        _refuse(store, body, total, reasons)
        return
    siblings = _siblings(store, body)
    name = min(fitting, key=lambda name: (siblings[name], store.indexes.count_on(name), name))
    conditions = [now_unless({"type": "PodScheduled", "status": "True"}, body)]
    status = {**(body.get("status") or {}), "phase": "Pending", "conditions": conditions}
    stored = store.put("pods", {**body, "spec": {**spec, "nodeName": name}, "status": status})
    place = f"{body['metadata']['namespace']}/{body['metadata']['name']}"
    note(store, stored, "Normal", "Scheduled", f"Successfully assigned {place} to {name}", "default-scheduler")


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
        return "were unschedulable"
    tolerations = spec.get("tolerations") or ()
    for taint in node_spec.get("taints") or ():
        of_node = str(taint.get("key")).startswith("node.kubernetes.io/")
        if taint.get("effect") not in ("NoSchedule", "NoExecute") or (daemon and of_node):
            continue
        if not any(_tolerates(each, taint) for each in tolerations):
            return f"had untolerated taint {{{taint.get('key')}: {taint.get('value', '')}}}"
    return "" if daemon or node_ready(node) else "were not ready"


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


def _refuse(store: Store, body: Object, total: int, reasons: Counter[str]) -> None:
    parts = sorted(f"{count} node(s) {reason}" for reason, count in reasons.items())
    message = f"0/{total} nodes are available: {', '.join(parts) or 'there are none'}."
    condition: dict[str, Any] = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
    }
    old = (body.get("status") or {}).get("conditions") or [{}]
    if old[0].get("message") != message:
        store.put("pods", {**body, "status": {"phase": "Pending", "conditions": [now_unless(condition, body)]}})
        note(store, body, "Warning", "FailedScheduling", message, "default-scheduler")
