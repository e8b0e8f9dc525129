"""Tables (meta/v1): the columns that kubectl prints."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .kinds import Kind
from .values import Object, labels_of

Cells = Callable[[Object], list[Any]]
_NAME = {"name": "Name", "type": "string", "format": "name", "description": "Name", "priority": 0}
_AGE = {"name": "Age", "type": "string", "format": "", "description": "Age", "priority": 0}


def _column(name: str, priority: int = 0, kind: str = "string") -> Object:
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


def _ages(kind: Kind, columns: list[Object]) -> bool:
    """Whether an Age column is to follow the kind's own ones: an Event says instead when it was last seen."""
    return _AGE not in columns and kind.kind != "Event"


def table(kind: Kind, bodies: list[Object], metadata: Object, include: str) -> Object:
    """The Table of some objects; `include` is Object, Metadata or None (what each row carries besides its cells)."""
    columns, cells = _custom(kind) if kind.crd else _BUILT_IN.get(kind.kind, _PLAIN)
    definitions = [_NAME, *columns] if kind.crd else [_NAME, *columns, *([_AGE] if _ages(kind, columns) else [])]
    rows = []
    for body in bodies:
        row: Object = {"cells": [body["metadata"]["name"], *cells(body)]}
        if not kind.crd and _ages(kind, columns):
            row["cells"].append(age(body["metadata"].get("creationTimestamp")))
        if include == "Object":
            row["object"] = body
        elif include == "Metadata":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": body["metadata"],
            }
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _custom(kind: Kind) -> tuple[list[Object], Cells]:
    version = next(each for each in (kind.crd or {})["spec"]["versions"] if each.get("served"))
    declared = version.get("additionalPrinterColumns") or [
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    ]
    columns = [_column(each["name"], each.get("priority", 0), each["type"]) for each in declared]

    def cells(body: Object) -> list[Any]:
        values = [_json_path(body, each["jsonPath"]) for each in declared]
        return [age(value) if each["type"] == "date" else value for each, value in zip(declared, values, strict=True)]

    return columns, cells


def _json_path(body: Any, path: str) -> Any:
    """The value of the small part of JSONPath that printer columns use: names and one equality filter."""
    for name, key, value in re.findall(r'\.([\w-]+)(?:\[\?\(@\.(\w+)==["\'](\w+)["\']\)\])?', path):
        body = body.get(name) if isinstance(body, dict) else None
        if key:
            body = next((each for each in body or () if each.get(key) == value), None)
    return body


def _node(body: Object) -> list[Any]:
    status, spec = body.get("status") or {}, body.get("spec") or {}
    ready: Object = next((each for each in status.get("conditions") or () if each["type"] == "Ready"), {})
    word = {"True": "Ready", "False": "NotReady"}.get(ready.get("status", ""), "NotReady")
    word += ",SchedulingDisabled" if spec.get("unschedulable") else ""
    prefix = "node-role.kubernetes.io/"
    roles = ",".join(sorted(key[len(prefix) :] for key in labels_of(body) if key.startswith(prefix))) or "<none>"
    info = status.get("nodeInfo") or {}
    address = next(
        (each["address"] for each in status.get("addresses") or () if each["type"] == "InternalIP"), "<none>"
    )
    details = [
        address,
        "<none>",
        info.get("osImage", ""),
        info.get("kernelVersion", ""),
        info.get("containerRuntimeVersion", ""),
    ]
    return [word, roles, age(body["metadata"].get("creationTimestamp")), info.get("kubeletVersion", ""), *details]


def _pod(body: Object) -> list[Any]:
    status, spec = body.get("status") or {}, body["spec"]
    states = status.get("containerStatuses") or []
    ready = sum(bool(each.get("ready")) for each in states)
    waiting = next(
        (each["state"]["waiting"]["reason"] for each in states if "waiting" in (each.get("state") or {})), ""
    )
    word = "Terminating" if body["metadata"].get("deletionTimestamp") else waiting or status.get("phase", "")
    restarts = sum(each.get("restartCount", 0) for each in states)
    created = age(body["metadata"].get("creationTimestamp"))
    wide = [status.get("podIP") or "<none>", spec.get("nodeName") or "<none>", "<none>", "<none>"]
    return [f"{ready}/{len(spec['containers'])}", word, str(restarts), created, *wide]


def _deployment(body: Object) -> list[Any]:
    status, spec = body.get("status") or {}, body["spec"]
    created = age(body["metadata"].get("creationTimestamp"))
    return [
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        created,
        *_template(spec),
    ]


def _template(spec: Object) -> list[str]:
    containers = spec["template"]["spec"].get("containers") or []
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    return [
        ",".join(each["name"] for each in containers),
        ",".join(each["image"] for each in containers),
        ",".join(f"{key}={value}" for key, value in selector.items()),
    ]


def _replica_set(body: Object) -> list[Any]:
    status, spec = body.get("status") or {}, body["spec"]
    created = age(body["metadata"].get("creationTimestamp"))
    return [
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        created,
        *_template(spec),
    ]


def _stateful_set(body: Object) -> list[Any]:
    status, spec = body.get("status") or {}, body["spec"]
    created = age(body["metadata"].get("creationTimestamp"))
    return [f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}", created, *_template(spec)[:2]]


def _service(body: Object) -> list[Any]:
    spec = body["spec"]
    ports = ",".join(
        f"{each['port']}{':' + str(each['nodePort']) if each.get('nodePort') else ''}/{each.get('protocol', 'TCP')}"
        for each in spec.get("ports") or ()
    )
    selector = ",".join(f"{key}={value}" for key, value in (spec.get("selector") or {}).items())
    created = age(body["metadata"].get("creationTimestamp"))
    return [
        spec.get("type"),
        spec.get("clusterIP") or "<none>",
        "<none>",
        ports or "<none>",
        created,
        selector or "<none>",
    ]


def _event(body: Object) -> list[Any]:
    about = body.get("involvedObject") or {}
    return [
        age(body.get("lastTimestamp") or body["metadata"].get("creationTimestamp")),
        body.get("type"),
        body.get("reason"),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        body.get("message"),
    ]


def _namespace(body: Object) -> list[Any]:
    return [(body.get("status") or {}).get("phase", "Active")]


def _slice(body: Object) -> list[Any]:
    ports = ",".join(str(each.get("port")) for each in body.get("ports") or ()) or "<unset>"
    addresses = (
        ",".join(address for each in body.get("endpoints") or () for address in each["addresses"][:1]) or "<unset>"
    )
    return [body.get("addressType"), ports, addresses]


def _crd(body: Object) -> list[Any]:
    return [body["metadata"].get("creationTimestamp")]


_WIDE = [_column(name, 1) for name in ("Containers", "Images", "Selector")]
_PLAIN: tuple[list[Object], Cells] = ([], lambda _: [])
_BUILT_IN: dict[str, tuple[list[Object], Cells]] = {
    "Node": (
        [_column("Status"), _column("Roles"), _AGE, _column("Version")]
        + [
            _column(name, 1)
            for name in ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")
        ],
        _node,
    ),
    "Pod": (
        [_column("Ready"), _column("Status"), _column("Restarts"), _AGE]
        + [_column(name, 1) for name in ("IP", "Node", "Nominated Node", "Readiness Gates")],
        _pod,
    ),
    "Deployment": ([_column("Ready"), _column("Up-to-date"), _column("Available"), _AGE, *_WIDE], _deployment),
    "ReplicaSet": ([_column("Desired"), _column("Current"), _column("Ready"), _AGE, *_WIDE], _replica_set),
    "StatefulSet": ([_column("Ready"), _AGE, *_WIDE[:2]], _stateful_set),
    "Service": (
        [_column(name) for name in ("Type", "Cluster-IP", "External-IP", "Port(s)")] + [_AGE, _column("Selector", 1)],
        _service,
    ),
    "Event": (
        [_column("Last Seen"), _column("Type"), _column("Reason"), _column("Object"), _column("Message")],
        _event,
    ),
    "Namespace": ([_column("Status")], _namespace),
    "EndpointSlice": ([_column("AddressType"), _column("Ports"), _column("Endpoints")], _slice),
    "CustomResourceDefinition": ([_column("Created At")], _crd),
}
