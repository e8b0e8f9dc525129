"""The kubelets: a pod on a node gets an address, its containers run, wait or fail; one that is to go, goes."""

import math
from functools import partial
from ipaddress import IPv4Network

from ..objects.notes import note, now_unless
from ..objects.store import Change, Store
from ..objects.values import Object, controller_of, now
from . import containers
from .programs import NEVER, End
from .scheduling import node_ready, schedule

WORK = 2  # seconds that a container of a Job works
TERMINATION = 0.2  # seconds in which a container stops, whatever time it has
_REFERENCES = (("configMap", "configmaps"), ("secret", "secrets"))
_DONE = End(0)


def pod(store: Store, body: Object) -> float | None:
    """One step of a pod's life; in how many seconds to look again, None for not by itself."""
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
        return _run(store, body, node)
    elif _lost(node):
        _lose(store, body)
    return None


def later(change: Change) -> float:
    """In how many seconds to look at a pod after a write, 0 for at once: containers that have just been told to go need
    a moment for it."""
    before = change.before
    if change.key != "pods" or change.type != "MODIFIED" or before is None:
        return 0
    deleted = change.body["metadata"].get("deletionTimestamp") and not before["metadata"].get("deletionTimestamp")
    return TERMINATION if deleted else 0


def is_ready(body: Object) -> bool:
    """Whether a pod is Ready."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def ready_since(body: Object) -> str:
    """Since when a pod has been Ready, in RFC 3339."""
    return next(str(each["lastTransitionTime"]) for each in body["status"]["conditions"] if each["type"] == "Ready")


def is_over(body: Object) -> bool:
    """Whether a pod's containers have ended for good."""
    return (body.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _lost(node: Object) -> bool:
    """Whether a node is not heard of: nobody there can end a pod."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "Unknown" for each in conditions)


def _run(store: Store, body: Object, node: Object) -> float | None:
    status = body.get("status") or {}
    if is_over(body):
        return None
    if volume := _unmounted(store, body):
        _wait_for_volume(store, body, node, volume)
        return 2.0
    metadata, spec = body["metadata"], body["spec"]
    name = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
    policy = spec.get("restartPolicy", "Always")
    around = containers.Pod(name, policy, containers.clock(), partial(_missing, store, metadata["namespace"]))
    first, initialized = _init_containers(around, body)
    end = End(WORK) if _works(body) else NEVER
    fresh = {
        **status,
        **_where(store, status, node),
        "startTime": status.get("startTime") or now(),
        **({"initContainerStatuses": first} if first else {}),
        "containerStatuses": [
            containers.container(around, each, _before(status, "containerStatuses", each), end)
            if initialized
            else containers.waiting(each, containers.INITIALIZING)
            for each in spec["containers"]
        ],
    }
    if added := spec.get("ephemeralContainers"):
        among = "ephemeralContainerStatuses"
        fresh[among] = [containers.container(around, each, _before(status, among, each)) for each in added]
    fresh["phase"] = _phase(policy, first, initialized, fresh["containerStatuses"])
    fresh["conditions"] = _conditions(body, fresh, initialized)
    if fresh != status:
        _tell(store, store.put("pods", {**body, "status": fresh}), status)
    return _due(body, fresh, around, end)


def _where(store: Store, status: Object, node: Object) -> Object:
    ip, host = status.get("podIP") or _address(store, node), _host(node)
    return {"hostIP": host, "hostIPs": [{"ip": host}], "podIP": ip, "podIPs": [{"ip": ip}]}


def _before(status: Object, among: str, spec: Object) -> Object:
    """What was last said of a container."""
    return next((each for each in status.get(among) or () if each["name"] == spec["name"]), {})


def _init_containers(around: containers.Pod, body: Object) -> tuple[list[Object], bool]:
    """The statuses of the containers that come first, one after the other, and whether all have done their part: ended
    well, or, where they are sidecars (restartPolicy Always), begun."""
    found: list[Object] = []
    go = True
    once = "Never" if around.policy == "Never" else "OnFailure"
    for each in body["spec"].get("initContainers") or ():
        if not go:
            found.append(containers.waiting(each, containers.INITIALIZING))
            continue
        beside = each.get("restartPolicy") == "Always"
        own = containers.Pod(around.name, "Always" if beside else once, around.at, around.missing)
        before = _before(body.get("status") or {}, "initContainerStatuses", each)
        status = containers.container(own, each, before, NEVER if beside else _DONE)
        ended = (status["state"].get("terminated") or {}).get("exitCode") == 0
        go = status["started"] if beside else ended
        found.append({**status, "ready": status["ready"] if beside else ended})
    return found, go


def _phase(policy: str, first: list[Object], initialized: bool, statuses: list[Object]) -> str:
    """The phase that follows from the states of containers (kubelet_pods.go, getPhase)."""
    if not initialized:
        failed = policy == "Never" and any(_code(each) for each in first)
        return "Failed" if failed else "Pending"
    if any("waiting" in each["state"] and not each["lastState"] for each in statuses):
        return "Pending"
    if any("terminated" not in each["state"] for each in statuses) or policy == "Always":
        return "Running"
    if not any(map(_code, statuses)):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _code(status: Object) -> int:
    return int((status["state"].get("terminated") or {}).get("exitCode", 0))


def _conditions(body: Object, status: Object, initialized: bool) -> list[Object]:
    unready = [each["name"] for each in status["containerStatuses"] if not each["ready"]]
    why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    if status["phase"] in ("Succeeded", "Failed"):
        why = {"reason": "PodCompleted" if status["phase"] == "Succeeded" else "PodFailed"}
    incomplete = [each["name"] for each in status.get("initContainerStatuses") or () if not each["ready"]]
    first = {
        "reason": "ContainersNotInitialized",
        "message": f"containers with incomplete status: [{' '.join(incomplete)}]",
    }
    ready = not unready and initialized
    wanted: tuple[tuple[str, bool, Object], ...]
    wanted = (("PodScheduled", True, {}), ("Initialized", initialized, first), ("ContainersReady", ready, why))
    return [
        now_unless({"type": kind, "status": str(holds), "lastProbeTime": None, **({} if holds else words)}, body)
        for kind, holds, words in (*wanted, ("Ready", ready, why))
    ]


def _due(body: Object, status: Object, around: containers.Pod, end: End) -> float | None:
    """In how many seconds something changes by itself."""
    if status["phase"] in ("Succeeded", "Failed"):
        return None
    waits = [math.inf]
    for among, of, otherwise in (
        ("initContainers", "initContainerStatuses", _DONE),
        ("containers", "containerStatuses", end),
    ):
        for each in body["spec"].get(among) or ():
            default = NEVER if each.get("restartPolicy") == "Always" else otherwise
            waits.append(containers.due_in(each, _before(status, of, each), around.at, default))
    return None if math.isinf(min(waits)) else max(min(waits), 0.05)


def _tell(store: Store, stored: Object, before: Object) -> None:
    """Events about containers that cannot be made, or end again and again."""
    known = {each["name"]: each for each in (*_statuses(before),)}
    for each in _statuses(stored["status"]):
        state, old = (
            each["state"].get("waiting") or {},
            known.get(each["name"], {}).get("state", {}).get("waiting") or {},
        )
        if state.get("reason") == old.get("reason") and state.get("message") == old.get("message"):
            continue
        if state.get("reason") == "ImagePullBackOff":
            note(store, stored, "Warning", "Failed", f'Failed to pull image "{each["image"]}": not found', "kubelet")
        elif state.get("reason") == "CrashLoopBackOff":
            name = f"{stored['metadata']['name']}_{stored['metadata']['namespace']}({stored['metadata']['uid']})"
            words = f"Back-off restarting failed container {each['name']} in pod {name}"
            note(store, stored, "Warning", "BackOff", words, "kubelet")
        elif state.get("reason") in ("InvalidImageName", "CreateContainerConfigError"):
            reason = "InspectFailed" if state["reason"] == "InvalidImageName" else "Failed"
            note(store, stored, "Warning", reason, f"Error: {state['message']}", "kubelet")


def _statuses(status: Object) -> list[Object]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _missing(store: Store, namespace: str, container: Object) -> str:
    """What the environment of a container refers to and that is not there, in the kubelet's words; "" for nothing."""
    wanted: list[tuple[Object | None, str, str]] = [
        (each.get(f"{kind}Ref"), key, "") for each in container.get("envFrom") or () for kind, key in _REFERENCES
    ]
    for each in container.get("env") or ():
        for kind, key in _REFERENCES:
            named = (each.get("valueFrom") or {}).get(f"{kind}KeyRef") or {}
            wanted.append((named, key, named.get("key", "")))
    for ref, key, entry in wanted:
        if not ref or ref.get("optional"):
            continue
        found, kind = store.get(key, namespace, ref.get("name", "")), key[:-1]
        if found is None:
            return f'{kind} "{ref.get("name", "")}" not found'
        if entry and entry not in {**(found.get("data") or {}), **(found.get("binaryData") or {})}:
            word = "ConfigMap" if kind == "configmap" else "Secret"
            return f"couldn't find key {entry} in {word} {namespace}/{ref['name']}"
    return ""


def _unmounted(store: Store, body: Object) -> tuple[str, str] | None:
    """The name of a volume whose ConfigMap or Secret is not there, and what is said of that."""
    for each in body["spec"].get("volumes") or ():
        for kind, key, field in (("configMap", "configmaps", "name"), ("secret", "secrets", "secretName")):
            source = each.get(kind) or {}
            name = source.get(field)
            if name and not source.get("optional") and store.get(key, body["metadata"]["namespace"], name) is None:
                return each["name"], f'{key[:-1]} "{name}" not found'
    return None


def _wait_for_volume(store: Store, body: Object, node: Object, volume: tuple[str, str]) -> None:
    """A pod whose volumes cannot be mounted: its containers are not made."""
    status, spec = body.get("status") or {}, body["spec"]
    creating = {"reason": "PodInitializing" if spec.get("initContainers") else "ContainerCreating"}
    fresh = {
        **status,
        "phase": "Pending",
        "hostIP": _host(node),
        "startTime": status.get("startTime") or now(),
        "containerStatuses": [containers.waiting(each, creating) for each in spec["containers"]],
    }
    if spec.get("initContainers"):
        fresh["initContainerStatuses"] = [containers.waiting(each, creating) for each in spec["initContainers"]]
    fresh["conditions"] = _conditions(body, fresh, not spec.get("initContainers"))
    if fresh != status:
        stored = store.put("pods", {**body, "status": fresh})
        words = f'MountVolume.SetUp failed for volume "{volume[0]}" : {volume[1]}'
        note(store, stored, "Warning", "FailedMount", words, "kubelet")


def _works(body: Object) -> bool:
    """Whether a pod is a Job's: its containers end."""
    owner = controller_of(body)
    return owner is not None and owner["kind"] == "Job"


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
