"""The columns of built-in kinds, and what stands in them (as the API server's printers have it)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..objects.values import Object, labels_of

Cells = Callable[[Object], list[Any]]
NAME = {"name": "Name", "type": "string", "format": "name", "description": "Name", "priority": 0}
NONE = "<none>"


def column(name: str, priority: int = 0, kind: str = "string") -> Object:
    """The definition of a column; one of a priority above 0 is shown only when much is asked for."""
    return {"name": name, "type": kind, "format": "", "description": name, "priority": priority}


def age(stamp: str | None) -> str:
    """How long ago a time was, as kubectl prints it."""
    return since(stamp) if stamp else "<unknown>"


def since(start: str, end: str | None = None) -> str:
    """How long it is from one time to another, or to now, as kubectl prints it (`duration.HumanDuration`)."""
    until = datetime.fromisoformat(end) if end else datetime.now(UTC)
    seconds = max(int((until - datetime.fromisoformat(start)).total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _both(minutes, "m", seconds % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _both(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _both(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    return _both(days // 365, "y", days % 365, "d") if days < 2920 else f"{days // 365}y"


def _both(large: int, unit: str, small: int, part: str) -> str:
    return f"{large}{unit}{small}{part}" if small else f"{large}{unit}"


def columns(*names: str, wide: tuple[str, ...] = ()) -> list[Object]:
    """The name, these (a number where it ends in #, a date where in @), and those that are shown on demand."""
    kinds = {"#": "integer", "@": "date", "?": "boolean"}
    plain = [(name, 0) for name in names] + [(name, 1) for name in wide]
    return [NAME, *(column(n.rstrip("#@?"), priority, kinds.get(n[-1], "string")) for n, priority in plain)]


def age_of(body: Object) -> str:
    """How long ago an object was made."""
    return age(body["metadata"].get("creationTimestamp"))


def pairs(labels: Object | None) -> str:
    """Labels, in one cell."""
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
    return [word, roles, age_of(body), info.get("kubeletVersion", ""), *wide]


def containers_of(spec: Object) -> list[str]:
    """The names and the images of a template's containers."""
    containers = spec["template"]["spec"].get("containers") or []
    names, images = ([each[field] for each in containers] for field in ("name", "image"))
    return [",".join(names), ",".join(images)]


def selector_of(spec: Object) -> str:
    """A workload's selector, in one cell."""
    return pairs((spec.get("selector") or {}).get("matchLabels"))


def _counts(body: Object, *names: str) -> list[int]:
    status = body.get("status") or {}
    return [status.get(name, 0) for name in names]


def _deployment(body: Object) -> list[Any]:
    spec, (ready, updated, available) = (
        body["spec"],
        _counts(body, "readyReplicas", "updatedReplicas", "availableReplicas"),
    )
    return [
        f"{ready}/{spec.get('replicas', 0)}",
        updated,
        available,
        age_of(body),
        *containers_of(spec),
        selector_of(spec),
    ]


def _replica_set(body: Object) -> list[Any]:
    spec = body["spec"]
    counts = _counts(body, "replicas", "readyReplicas")
    return [spec.get("replicas", 0), *counts, age_of(body), *containers_of(spec), selector_of(spec)]


def _stateful_set(body: Object) -> list[Any]:
    ready = _counts(body, "readyReplicas")[0]
    return [f"{ready}/{body['spec'].get('replicas', 0)}", age_of(body), *containers_of(body["spec"])]


def _daemon_set(body: Object) -> list[Any]:
    counted = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    chosen = pairs(body["spec"]["template"]["spec"].get("nodeSelector"))
    told = [*_counts(body, *counted, "numberAvailable"), chosen, age_of(body)]
    return [*told, *containers_of(body["spec"]), selector_of(body["spec"])]


def _service(body: Object) -> list[Any]:
    spec = body["spec"]
    ports = ",".join(
        f"{each['port']}{':' + str(each['nodePort']) if each.get('nodePort') else ''}/{each.get('protocol', 'TCP')}"
        for each in spec.get("ports") or ()
    )
    outside = {"ExternalName": spec.get("externalName"), "LoadBalancer": "<pending>"}.get(spec.get("type", ""))
    told = [spec.get("type"), spec.get("clusterIP") or NONE, outside or NONE, ports or NONE]
    return [*told, age_of(body), pairs(spec.get("selector"))]


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


def some(values: list[str], most: int = 3) -> str:
    """The first few of some values."""
    more = f" + {len(values) - most} more..." if len(values) > most else ""
    return (",".join(values[:most]) + more) if values else "<unset>"


def _slice(body: Object) -> list[Any]:
    addresses = [address for each in body.get("endpoints") or () for address in each["addresses"]]
    ports = [str(each.get("port") or each.get("name") or "*") for each in body.get("ports") or ()]
    return [body.get("addressType"), some(ports), some(addresses), age_of(body)]


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
    return [", ".join(text for text in told if text not in limits), ", ".join(limits), age_of(body)]


def _data(body: Object) -> int:
    return len(body.get("data") or {}) + len(body.get("binaryData") or {})


def named(cells: Cells) -> Cells:
    """Cells with the name of the object before them."""
    return lambda body: [body["metadata"]["name"], *cells(body)]


def _event_columns() -> list[Object]:
    """An Event's name comes last, and only when much is asked for."""
    wide = {"Subobject", "Source", "First Seen", "Count"}
    names = ("Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message", "First Seen", "Count")
    return [*(column(name, int(name in wide)) for name in names), {**NAME, "priority": 1}]


WORKLOAD = ("Containers", "Images", "Selector")
PLAIN: tuple[list[Object], Cells] = (columns("Age"), named(lambda body: [age_of(body)]))
_NODE = ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")
_DAEMON_SET = ("Desired#", "Current#", "Ready#", "Up-to-date#", "Available#", "Node Selector", "Age")
BUILT_IN: dict[str, tuple[list[Object], Cells]] = {
    "Node": (columns("Status", "Roles", "Age", "Version", wide=_NODE), named(_node)),
    "Deployment": (columns("Ready", "Up-to-date", "Available", "Age", wide=WORKLOAD), named(_deployment)),
    "ReplicationController": (
        columns("Desired#", "Current#", "Ready#", "Age", wide=WORKLOAD),
        named(lambda body: [*_replica_set(body)[:-1], pairs(body["spec"].get("selector"))]),
    ),
    "ReplicaSet": (columns("Desired#", "Current#", "Ready#", "Age", wide=WORKLOAD), named(_replica_set)),
    "StatefulSet": (columns("Ready", "Age", wide=WORKLOAD[:2]), named(_stateful_set)),
    "DaemonSet": (columns(*_DAEMON_SET, wide=WORKLOAD), named(_daemon_set)),
    "Service": (
        columns("Type", "Cluster-IP", "External-IP", "Port(s)", "Age", wide=("Selector",)),
        named(_service),
    ),
    "Event": (_event_columns(), _event),
    "Namespace": (
        columns("Status", "Age"),
        named(lambda body: [(body.get("status") or {}).get("phase", "Active"), age_of(body)]),
    ),
    "ConfigMap": (columns("Data", "Age"), named(lambda body: [_data(body), age_of(body)])),
    "Secret": (columns("Type", "Data", "Age"), named(lambda body: [body.get("type"), _data(body), age_of(body)])),
    "EndpointSlice": (columns("AddressType", "Ports", "Endpoints", "Age"), named(_slice)),
    "CustomResourceDefinition": (
        columns("Scope", "Versions", "Created At@", wide=("Group", "Kind", "ShortNames", "Established?")),
        named(_crd),
    ),
    "ResourceQuota": (columns("Request", "Limit", "Age"), named(_quota)),
    "Lease": (
        columns("Holder", "Age"),
        named(lambda body: [(body.get("spec") or {}).get("holderIdentity"), age_of(body)]),
    ),
}
