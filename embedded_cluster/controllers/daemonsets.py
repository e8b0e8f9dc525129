"""DaemonSets: a pod on every node that fits (kubernetes.io/docs "DaemonSet")."""

from functools import partial

from ..nodes.pods import is_ready
from ..nodes.scheduling import misfit
from ..objects.store import Store
from ..objects.values import Object, labels_of, new_uid
from .children import claimed, end_pod, make_pod, make_pods, ready_count, set_status, staying, template_hash

KEY = "daemonsets.apps"
_REVISION = "controller-revision-hash"
_TOLERATED = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect}
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
]


def daemon_set(store: Store, body: Object) -> None:
    """One step of a DaemonSet: a pod on every fitting node, none elsewhere, one of an old template replaced at a time;
    its status."""
    if body["metadata"].get("deletionTimestamp"):
        return
    template = body["spec"]["template"]
    revision = template_hash(template)
    wanted = {node["metadata"]["name"] for node in store.each("nodes") if not misfit(template["spec"], node, True)}
    pods = staying(claimed(store, "pods", body))
    there = {each["spec"].get("nodeName") for each in pods}
    lacking = (partial(_make, store, body, node, revision) for node in sorted(wanted - there))
    make_pods(store, body, lacking, "daemonset-controller")
    for each in pods:
        if each["spec"].get("nodeName") not in wanted:
            end_pod(store, each)
    old = [each for each in pods if labels_of(each).get(_REVISION) != revision]
    rolling = (body["spec"].get("updateStrategy") or {}).get("type") != "OnDelete"
    if rolling and old and wanted <= there and all(is_ready(each) for each in pods if each not in old):
        end_pod(store, old[0])
    _report(store, body, wanted, revision)


def _make(store: Store, body: Object, node: str, revision: str) -> None:
    spec = body["spec"]["template"]["spec"]
    own = {"nodeName": node, "tolerations": [*(spec.get("tolerations") or ()), *_TOLERATED]}
    make_pod(store, body, f"{body['metadata']['name'][:57]}-{new_uid()[:5]}", {_REVISION: revision}, own)


def _report(store: Store, body: Object, wanted: set[str], revision: str) -> None:
    pods = staying(store.children("pods", body["metadata"]["uid"]))
    ready = ready_count(pods)
    status = {
        "observedGeneration": body["metadata"].get("generation", 1),
        "currentNumberScheduled": len(pods),
        "desiredNumberScheduled": len(wanted),
        "numberMisscheduled": 0,
        "numberReady": ready,
        "numberAvailable": ready,
        "numberUnavailable": max(len(wanted) - ready, 0),
        "updatedNumberScheduled": sum(labels_of(each).get(_REVISION) == revision for each in pods),
    }
    optional = ("numberAvailable", "numberUnavailable", "updatedNumberScheduled")
    set_status(store, KEY, body, {key: value for key, value in status.items() if value or key not in optional})
