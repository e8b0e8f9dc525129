"""The columns of built-in kinds, and what stands in them (as the API server's printers have it)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .values import Object, controller_of, labels_of

Cells = Callable[[Object], list[Any]]
NAME = {"name": "Name", "type": "string", "format": "name", "description": "Name", "priority": 0}
NONE = "<none>"


def column(name: str, priority: int = 0, kind: str = "string") -> Object:
    """The definition of a column; one of a priority above 0 is shown only when much is asked for."""
    return {"name": name, "type": kind, "format": "", "description": name, "priority": priority}


def age(stamp: str | None) -> str:
    """How long ago a time was, as kubectl prints it."""
    if not stamp:
        return "<unknown>"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(stamp.replace("Z", "+00:00"))).total_seconds())
    for limit, unit, size in ((120, "s", 1), (7200, "m", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{max(seconds, 0) // size}{unit}"
    return f"{seconds // 86400}d"


def _columns(*names: str, wide: tuple[str, ...] = ()) -> list[Object]:
    """The name, these (a number where it ends in #, a date where in @), and those that are shown on demand."""
    kinds = {"#": "integer", "@": "date", "?": "boolean"}
    plain = [(name, 0) for name in names] + [(name, 1) for name in wide]
    return [NAME, *(column(n.rstrip("#@?"), priority, kinds.get(n[-1], "string")) for n, priority in plain)]


def _age(body: Object) -> str:
    return age(body["metadata"].get("creationTimestamp"))


def _pairs(labels: Object | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def _node(body: Object) -> list[Any]:
    status, spec = body.get("status") or {}, body.get("spec") or {}
    ready: Object = next((each for each in status.get("conditions") or () if each["type"] == "Ready"), {})
    word = {"True": "Ready", "False": "NotReady"}.get(ready.get("status", ""), "NotReady")
    word += ",SchedulingDisabled" if spec.get("unschedulable") else ""
    prefix = "node-role.kubernetes.io/"
    roles = ",".join(sorted(key[len(prefix) :] for key in labels_of(body) if key.startswith(prefix))) or NONE
    info = status.get("nodeInfo") or {}
    addresses = {each["type"]: each["address"] for each in status.get("addresses") or ()}
    unknown = "<unknown>"
    wide = [
        addresses.get("InternalIP") or NONE,
        addresses.get("ExternalIP") or NONE,
        info.get("osImage") or unknown,
        f"{info.get('kernelVersion') or unknown} ({info.get('architecture') or unknown})",
        info.get("containerRuntimeVersion") or unknown,
    ]
    return [word, roles, _age(body), info.get("kubeletVersion", ""), *wide]


def _pod(body: Object) -> list[Any]:
    status, spec = body.get("status") or {}, body["spec"]
    states = status.get("containerStatuses") or []
    ready = sum(bool(each.get("ready")) for each in states)
    waiting = next(
        (each["state"]["waiting"]["reason"] for each in states if "waiting" in (each.get("state") or {})), ""
    )
    word = "Terminating" if body["metadata"].get("deletionTimestamp") else waiting or status.get("phase", "")
    restarts = sum(each.get("restartCount", 0) for each in states)
    wide = [status.get("podIP") or NONE, spec.get("nodeName") or NONE, NONE, NONE]
    return [f"{ready}/{len(spec['containers'])}", word, str(restarts), _age(body), *wide]


def _template(spec: Object) -> list[str]:
    containers = spec["template"]["spec"].get("containers") or []
    names, images = ([each[field] for each in containers] for field in ("name", "image"))
    return [",".join(names), ",".join(images)]


def _selector(spec: Object) -> str:
    return _pairs((spec.get("selector") or {}).get("matchLabels"))


def _counts(body: Object, *names: str) -> list[int]:
    status = body.get("status") or {}
    return [status.get(name, 0) for name in names]


def _deployment(body: Object) -> list[Any]:
    spec, (ready, updated, available) = (
        body["spec"],
        _counts(body, "readyReplicas", "updatedReplicas", "availableReplicas"),
    )
    return [f"{ready}/{spec.get('replicas', 0)}", updated, available, _age(body), *_template(spec), _selector(spec)]


def _replica_set(body: Object) -> list[Any]:
    spec = body["spec"]
    counts = _counts(body, "replicas", "readyReplicas")
    return [spec.get("replicas", 0), *counts, _age(body), *_template(spec), _selector(spec)]


def _stateful_set(body: Object) -> list[Any]:
    ready = _counts(body, "readyReplicas")[0]
    return [f"{ready}/{body['spec'].get('replicas', 0)}", _age(body), *_template(body["spec"])]


def _daemon_set(body: Object) -> list[Any]:
    counted = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    chosen = _pairs(body["spec"]["template"]["spec"].get("nodeSelector"))
    told = [*_counts(body, *counted, "numberAvailable"), chosen, _age(body)]
    return [*told, *_template(body["spec"]), _selector(body["spec"])]


def _service(body: Object) -> list[Any]:
    spec = body["spec"]
    ports = ",".join(
        f"{each['port']}{':' + str(each['nodePort']) if each.get('nodePort') else ''}/{each.get('protocol', 'TCP')}"
        for each in spec.get("ports") or ()
    )
    outside = {"ExternalName": spec.get("externalName"), "LoadBalancer": "<pending>"}.get(spec.get("type", ""))
    told = [spec.get("type"), spec.get("clusterIP") or NONE, outside or NONE, ports or NONE]
    return [*told, _age(body), _pairs(spec.get("selector"))]


def _event(body: Object) -> list[Any]:
    about, source = body.get("involvedObject") or {}, body.get("source") or {}
    created = body["metadata"].get("creationTimestamp")
    return [
        age(body.get("lastTimestamp") or body.get("eventTime") or created),
        body.get("type"),
        body.get("reason"),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        about.get("fieldPath", ""),
        ", ".join(filter(None, (source.get("component") or body.get("reportingComponent"), source.get("host")))),
        str(body.get("message", "")).strip(),
        age(body.get("firstTimestamp") or body.get("eventTime") or created),
        body.get("count") or 1,
        body["metadata"]["name"],
    ]


def _some(values: list[str], most: int = 3) -> str:
    more = f" + {len(values) - most} more..." if len(values) > most else ""
    return (",".join(values[:most]) + more) if values else "<unset>"


def _slice(body: Object) -> list[Any]:
    addresses = [address for each in body.get("endpoints") or () for address in each["addresses"]]
    ports = [str(each.get("port") or each.get("name") or "*") for each in body.get("ports") or ()]
    return [body.get("addressType"), _some(ports), _some(addresses), _age(body)]


def _crd(body: Object) -> list[Any]:
    spec, conditions = body["spec"], (body.get("status") or {}).get("conditions") or ()
    versions = [f"{each['name']}(storage)" if each.get("storage") else each["name"] for each in spec["versions"]]
    ready = any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
    names = spec["names"]
    wide = [spec["group"], names["kind"], ",".join(names.get("shortNames") or ()), ready]
    return [spec["scope"], ",".join(versions), body["metadata"].get("creationTimestamp"), *wide]


def _quota(body: Object) -> list[Any]:
    hard, used = ((body.get("status") or {}).get(name) or {} for name in ("hard", "used"))
    told = [f"{key}: {used.get(key, 0)}/{hard[key]}" for key in sorted(hard)]
    limits = [text for text in told if text.startswith("limits")]
    return [", ".join(text for text in told if text not in limits), ", ".join(limits), _age(body)]


def _claim(body: Object) -> list[Any]:
    spec, status = body["spec"], body.get("status") or {}
    modes = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    held = ",".join(modes.get(each, each) for each in status.get("accessModes") or ())
    storage = (status.get("capacity") or {}).get("storage", "")
    told = [status.get("phase", ""), spec.get("volumeName", ""), storage, held, spec.get("storageClassName", "")]
    return [*told, "<unset>", _age(body), spec.get("volumeMode", "<unset>")]


def _budget(body: Object) -> list[Any]:
    spec, allowed = body.get("spec") or {}, (body.get("status") or {}).get("disruptionsAllowed", 0)
    return [str(spec.get("minAvailable", "N/A")), str(spec.get("maxUnavailable", "N/A")), allowed, _age(body)]


def _revision(body: Object) -> list[Any]:
    owner = controller_of(body)
    group = owner["apiVersion"].rpartition("/")[0] if owner else ""
    named = f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}" if owner else NONE
    return [named, body.get("revision"), _age(body)]


def _binding(body: Object) -> list[Any]:
    role, subjects = body["roleRef"], body.get("subjects") or ()
    users, groups = (", ".join(each["name"] for each in subjects if each["kind"] == kind) for kind in ("User", "Group"))
    accounts = ", ".join(
        f"{each.get('namespace', '')}/{each['name']}" for each in subjects if each["kind"] == "ServiceAccount"
    )
    return [f"{role['kind']}/{role['name']}", _age(body), users, groups, accounts]


def _data(body: Object) -> int:
    return len(body.get("data") or {}) + len(body.get("binaryData") or {})


def _named(cells: Cells) -> Cells:
    return lambda body: [body["metadata"]["name"], *cells(body)]


def _event_columns() -> list[Object]:
    """An Event's name comes last, and only when much is asked for."""
    wide = {"Subobject", "Source", "First Seen", "Count"}
    names = ("Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message", "First Seen", "Count")
    return [*(column(name, int(name in wide)) for name in names), {**NAME, "priority": 1}]


_WORKLOAD = ("Containers", "Images", "Selector")
_BINDING = (_columns("Role", "Age", wide=("Users", "Groups", "ServiceAccounts")), _named(_binding))
_ROLE = (_columns("Created At@"), _named(lambda body: [body["metadata"].get("creationTimestamp")]))
PLAIN: tuple[list[Object], Cells] = (_columns("Age"), _named(lambda body: [_age(body)]))
_NODE = ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")
_DAEMON_SET = ("Desired#", "Current#", "Ready#", "Up-to-date#", "Available#", "Node Selector", "Age")
_CLAIM = ("Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age")
_BUDGET = ("Min Available", "Max Unavailable", "Allowed Disruptions#", "Age")
BUILT_IN: dict[str, tuple[list[Object], Cells]] = {
    "Node": (_columns("Status", "Roles", "Age", "Version", wide=_NODE), _named(_node)),
    "Pod": (
        _columns("Ready", "Status", "Restarts", "Age", wide=("IP", "Node", "Nominated Node", "Readiness Gates")),
        _named(_pod),
    ),
    "Deployment": (_columns("Ready", "Up-to-date", "Available", "Age", wide=_WORKLOAD), _named(_deployment)),
    "ReplicaSet": (_columns("Desired#", "Current#", "Ready#", "Age", wide=_WORKLOAD), _named(_replica_set)),
    "StatefulSet": (_columns("Ready", "Age", wide=_WORKLOAD[:2]), _named(_stateful_set)),
    "DaemonSet": (_columns(*_DAEMON_SET, wide=_WORKLOAD), _named(_daemon_set)),
    "ControllerRevision": (_columns("Controller", "Revision", "Age"), _named(_revision)),
    "Service": (
        _columns("Type", "Cluster-IP", "External-IP", "Port(s)", "Age", wide=("Selector",)),
        _named(_service),
    ),
    "Event": (_event_columns(), _event),
    "Namespace": (
        _columns("Status", "Age"),
        _named(lambda body: [(body.get("status") or {}).get("phase", "Active"), _age(body)]),
    ),
    "ConfigMap": (_columns("Data", "Age"), _named(lambda body: [_data(body), _age(body)])),
    "Secret": (_columns("Type", "Data", "Age"), _named(lambda body: [body.get("type"), _data(body), _age(body)])),
    "EndpointSlice": (_columns("AddressType", "Ports", "Endpoints", "Age"), _named(_slice)),
    "CustomResourceDefinition": (
        _columns("Scope", "Versions", "Created At@", wide=("Group", "Kind", "ShortNames", "Established?")),
        _named(_crd),
    ),
    "ResourceQuota": (_columns("Request", "Limit", "Age"), _named(_quota)),
    "PersistentVolumeClaim": (_columns(*_CLAIM, wide=("VolumeMode",)), _named(_claim)),
    "PodDisruptionBudget": (_columns(*_BUDGET), _named(_budget)),
    "Lease": (
        _columns("Holder", "Age"),
        _named(lambda body: [(body.get("spec") or {}).get("holderIdentity"), _age(body)]),
    ),
    **dict.fromkeys(("Role", "ClusterRole"), _ROLE),
    **dict.fromkeys(("RoleBinding", "ClusterRoleBinding"), _BINDING),
}
