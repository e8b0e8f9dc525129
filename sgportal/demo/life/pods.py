"""The kubelets: a pod on a node gets an address and becomes Ready, or says why not; one that is to go, goes."""

from datetime import UTC, datetime
from ipaddress import IPv4Network

from ..store import Change, Store
from ..values import Object, controller_of, now
from .notes import note, now_unless
from .scheduling import node_ready, schedule

UNPULLABLE = ("does-not-exist", "fail.sgportal.test/", "fail.invalid/")  # words in images that cannot be pulled
WORK = 2  # seconds that a container of a Job works
TERMINATION = 0.2  # seconds in which a container stops, whatever time it has


def pod(store: Store, body: Object) -> None:
    """One step of a pod's life."""
    metadata, name = body["metadata"], body["spec"].get("nodeName")
    node = store.get("nodes", "", name) if name else None
    if name and node is None:
        store.remove("pods", metadata["namespace"], metadata["name"])  # the pod garbage collector's part
    elif metadata.get("deletionTimestamp"):
        heard_of = node is None or not _lost(node)
        if heard_of and not metadata.get("finalizers"):
            store.remove("pods", metadata["namespace"], metadata["name"])
    elif node is None:
        schedule(store, body)
    elif node_ready(node):
        _run(store, body, node)
    elif _lost(node):
        _lose(store, body)


def later(change: Change) -> float:
    """In how many seconds to look at a pod after a write, 0 for at once: containers that have just been told to go need
    a moment for it, and those of a Job for their work."""
    before = change.before
    if change.key != "pods" or change.type != "MODIFIED" or before is None:
        return 0
    if change.body["metadata"].get("deletionTimestamp") and not before["metadata"].get("deletionTimestamp"):
        return TERMINATION
    return WORK if _works(change.body) and is_ready(change.body) and not is_ready(before) else 0


def is_ready(body: Object) -> bool:
    """Whether a pod is Ready."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def ready_since(body: Object) -> str:
    """Since when a pod has been Ready, in RFC 3339."""
    return next(str(each["lastTransitionTime"]) for each in body["status"]["conditions"] if each["type"] == "Ready")


def _lost(node: Object) -> bool:
    """Whether a node is not heard of: nobody there can end a pod."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "Unknown" for each in conditions)


def _run(store: Store, body: Object, node: Object) -> None:
    status = body.get("status") or {}
    if is_over(body):
        return
    containers = body["spec"]["containers"]
    bad = next((each for each in containers if any(word in each["image"] for word in UNPULLABLE)), None)
    ip = status.get("podIP") or _address(store, node)
    fresh = {
        "phase": "Pending" if bad else "Running",
        "conditions": _conditions(body, ready=bad is None),
        "hostIP": _host(node),
        "hostIPs": [{"ip": _host(node)}],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": status.get("startTime") or now(),
        "containerStatuses": [_container(each, status) for each in containers],
        "qosClass": "BestEffort",
    }
    if added := body["spec"].get("ephemeralContainers"):
        fresh["ephemeralContainerStatuses"] = [_container(each, status, "ephemeralContainerStatuses") for each in added]
    if _works(body) and is_ready(body) and _since(status["startTime"]) >= WORK:
        fresh |= _succeeded(fresh)
    if fresh == status:
        return
    stored = store.put("pods", {**body, "status": fresh})
    if bad and not status.get("podIP"):
        message = f'Failed to pull image "{bad["image"]}": not found'
        note(store, stored, "Warning", "Failed", message, "kubelet")


def _container(container: Object, status: Object, among: str = "containerStatuses") -> Object:
    name, image = container["name"], container["image"]
    good = not any(word in image for word in UNPULLABLE)
    before: Object = next((each for each in status.get(among) or () if each["name"] == name), {})
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


def _conditions(body: Object, ready: bool) -> list[Object]:
    word = "True" if ready else "False"
    wanted = (("PodScheduled", "True"), ("Initialized", "True"), ("ContainersReady", word), ("Ready", word))
    plain = [{"type": kind, "status": status, "lastProbeTime": None} for kind, status in wanted]
    why = {} if ready else {"reason": "ContainersNotReady", "message": "containers with unready status"}
    return [now_unless({**each, **(why if each["status"] == "False" else {})}, body) for each in plain]


def is_over(body: Object) -> bool:
    """Whether a pod's containers have ended for good."""
    return (body.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _works(body: Object) -> bool:
    """Whether a pod is a Job's: its containers end."""
    owner = controller_of(body)
    return owner is not None and owner["kind"] == "Job"


def _since(stamp: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()


def _succeeded(status: Object) -> Object:
    """What becomes of a running pod's status once its containers have done their work."""
    ended = {"exitCode": 0, "reason": "Completed", "finishedAt": now()}
    states = [
        {**each, "ready": False, "started": False, "state": {"terminated": {**each["state"]["running"], **ended}}}
        for each in status["containerStatuses"]
    ]
    why = {"status": "False", "reason": "PodCompleted", "lastTransitionTime": now()}
    unready = ("Ready", "ContainersReady")
    conditions = [{**each, **why} if each["type"] in unready else each for each in status["conditions"]]
    return {"phase": "Succeeded", "containerStatuses": states, "conditions": conditions}


def _lose(store: Store, body: Object) -> None:
    """The node controller marks the pods of a node that is not heard of; those of one that says itself that it is not
    ready are as its kubelet last said."""
    status = body.get("status") or {}
    if not is_ready(body):
        return
    changed = [
        {**each, "status": "False", "lastTransitionTime": now()} if each["type"] == "Ready" else each
        for each in status["conditions"]
    ]
    store.put("pods", {**body, "status": {**status, "conditions": changed}})


def _host(node: Object) -> str:
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((str(each["address"]) for each in addresses if each["type"] == "InternalIP"), "")


def _address(store: Store, node: Object) -> str:
    network = IPv4Network((node.get("spec") or {}).get("podCIDR") or "10.250.0.0/16")
    used = {(each.get("status") or {}).get("podIP") for each in store.pods_on(node["metadata"]["name"])}
    return next(text for text in map(str, network.hosts()) if text not in used and not text.endswith(".1"))
