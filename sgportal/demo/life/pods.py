"""The scheduler and the kubelets: a pod finds a node, gets an address, becomes Ready, or says why not."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from ..selectors import selector_test
from ..store import Store
from ..values import Object, controller_of, labels_of, new_uid, now

UNPULLABLE = (
    "does-not-exist",
    "fail.sgportal.test/",
    "fail.invalid/",
)  # an image with one of these in its name cannot be pulled


def pending(store: Store) -> Iterator[Object]:
    """The pods without a node."""
    return iter([body for body in store.each("pods") if not body["spec"].get("nodeName")])


def pod(store: Store, body: Object) -> None:
    """One step of a pod's life."""
    if body["metadata"].get("deletionTimestamp"):
        if not body["metadata"].get("finalizers"):
            store.remove("pods", body["metadata"]["namespace"], body["metadata"]["name"])
    elif not body["spec"].get("nodeName"):
        _schedule(store, body)
    else:
        node = store.get("nodes", "", body["spec"]["nodeName"])
        if node is None:
            store.remove("pods", body["metadata"]["namespace"], body["metadata"]["name"])
        else:
            _run(store, body, node)


def _schedule(store: Store, body: Object) -> None:
    nodes = list(store.each("nodes"))
    fitting = [node["metadata"]["name"] for node in nodes if _fits(body["spec"], node)]
    if not fitting:
        _refuse(
            store,
            body,
            f"0/{len(nodes)} nodes are available: no node matches the Pod's node affinity/selector and tolerations.",
        )
        return
    siblings = _siblings(store, body)
    name = min(fitting, key=lambda name: (siblings.get(name, 0), store.count_on(name), name))
    store.put("pods", {**body, "spec": {**body["spec"], "nodeName": name}})


def _siblings(store: Store, body: Object) -> dict[str, int]:
    owner = controller_of(body)
    found: dict[str, int] = {}
    for each in store.children("pods", owner["uid"]) if owner else ():
        node = each["spec"].get("nodeName")
        if node:
            found[node] = found.get(node, 0) + 1
    return found


def _fits(spec: Object, node: Object) -> bool:
    labels = labels_of(node)
    wanted = spec.get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in wanted.items()) or not _affine(spec, labels):
        return False
    node_spec = node.get("spec") or {}
    if node_spec.get("unschedulable") or not node_ready(node):
        return False
    hard = [taint for taint in node_spec.get("taints") or () if taint["effect"] in ("NoSchedule", "NoExecute")]
    return all(any(_tolerates(each, taint) for each in spec.get("tolerations") or ()) for taint in hard)


def _affine(spec: Object, labels: dict[str, str]) -> bool:
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    terms = (required or {}).get("nodeSelectorTerms") or []
    return not terms or any(selector_test({"matchExpressions": term.get("matchExpressions")})(labels) for term in terms)


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")


def node_ready(node: Object) -> bool:
    """Whether a node is Ready."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _refuse(store: Store, body: Object, message: str) -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    before: Object = next(iter((body.get("status") or {}).get("conditions") or ()), {})
    if before.get("message") != message:
        condition["lastTransitionTime"] = before.get("lastTransitionTime") or now()
        store.put("pods", {**body, "status": {"phase": "Pending", "conditions": [condition]}})
        note(store, body, "Warning", "FailedScheduling", message)


def _run(store: Store, body: Object, node: Object) -> None:
    status = body.get("status") or {}
    if not node_ready(node):
        _lose(store, body)
        return
    bad = next((each for each in body["spec"]["containers"] if any(word in each["image"] for word in UNPULLABLE)), None)
    ip = status.get("podIP") or _address(store, node)
    conditions = _conditions(ready=bad is None, before=status)
    fresh = {
        "phase": "Pending" if bad else "Running",
        "conditions": conditions,
        "hostIP": _host(node),
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": status.get("startTime") or now(),
        "containerStatuses": [_container(each, bad is None, status) for each in body["spec"]["containers"]],
        "qosClass": "BestEffort",
    }
    if fresh != status:
        store.put("pods", {**body, "status": fresh})
        if bad:
            note(store, body, "Warning", "Failed", f'Failed to pull image "{bad["image"]}": not found')


def _container(container: Object, good: bool, status: Object) -> Object:
    name, image = container["name"], container["image"]
    before: Object = next((each for each in status.get("containerStatuses") or () if each["name"] == name), {})
    if good:
        running = (before.get("state") or {}).get("running") or {"startedAt": now()}
        state: Object = {"running": running}
    else:
        state = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}}
    return {
        "name": name,
        "image": image,
        "imageID": "",
        "ready": good,
        "started": good,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }


def _conditions(ready: bool, before: Object) -> list[Object]:
    old = {each["type"]: each for each in before.get("conditions") or ()}
    word = "True" if ready else "False"
    found = []
    for kind, status in (("PodScheduled", "True"), ("Initialized", "True"), ("ContainersReady", word), ("Ready", word)):
        same = old.get(kind, {}).get("status") == status
        found.append(
            {
                "type": kind,
                "status": status,
                "lastProbeTime": None,
                "lastTransitionTime": old[kind]["lastTransitionTime"] if same else now(),
            }
        )
    return found


def _lose(store: Store, body: Object) -> None:
    """The node controller marks the pods of a lost node not ready; nobody knows more."""
    status = body.get("status") or {}
    conditions = status.get("conditions") or []
    if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
        changed = [
            {**each, "status": "False", "lastTransitionTime": now()} if each["type"] == "Ready" else each
            for each in conditions
        ]
        store.put("pods", {**body, "status": {**status, "conditions": changed}})


def _host(node: Object) -> str:
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((str(each["address"]) for each in addresses if each["type"] == "InternalIP"), "")


def _address(store: Store, node: Object) -> str:
    name = node["metadata"]["name"]
    network = IPv4Network((node.get("spec") or {}).get("podCIDR") or "10.250.0.0/16")
    used = {(each.get("status") or {}).get("podIP") for each in store.pods_on(name)}
    return next(text for text in map(str, network.hosts()) if text not in used and not text.endswith(".1"))


def note(store: Store, about: Object, kind: str, reason: str, message: str) -> None:
    """Write an Event (v1) about an object."""
    metadata = about["metadata"]
    reference = {
        "kind": about["kind"],
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": about["apiVersion"],
    }
    store.put(
        "events",
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{new_uid()[:16]}",
                "namespace": metadata["namespace"],
                "uid": new_uid(),
                "creationTimestamp": now(),
            },
            "involvedObject": reference,
            "reason": reason,
            "message": message,
            "type": kind,
            "count": 1,
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "source": {"component": "embedded-cluster"},
        },
    )
