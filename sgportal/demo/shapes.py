"""What the API server cannot even read: fields of another JSON type than their kind has. Only those are listed that the
embedded cluster itself looks into."""

from collections.abc import Iterator
from typing import Any

from .errors import ApiError
from .kinds import Kind
from .values import Object

_TEXTS = (str,)  # a tuple of one: a map with values of that shape
_SELECTOR = {
    "matchLabels": _TEXTS,
    "matchExpressions": [{"key": str, "operator": str, "values": [str]}],
}
_REFERENCE = {"apiVersion": str, "kind": str, "name": str, "uid": str, "controller": bool, "blockOwnerDeletion": bool}
_METADATA = {
    "name": str,
    "namespace": str,
    "generateName": str,
    "uid": str,
    "resourceVersion": str,
    "labels": _TEXTS,
    "annotations": _TEXTS,
    "finalizers": [str],
    "ownerReferences": [_REFERENCE],
    "managedFields": [{}],
}
_PROBE: Object = {"httpGet": {}}
_CONTAINER = {
    "name": str,
    "image": str,
    "env": [{"name": str, "valueFrom": {"fieldRef": {}}}],
    "ports": [{"name": str, "containerPort": int, "protocol": str}],
    "resources": {},
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
}
_TERM = {"matchExpressions": _SELECTOR["matchExpressions"], "matchFields": _SELECTOR["matchExpressions"]}
_NODE_AFFINITY = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [_TERM]}}
_POD = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "nodeName": str,
    "nodeSelector": _TEXTS,
    "tolerations": [{"key": str, "operator": str, "value": str, "effect": str}],
    "affinity": {"nodeAffinity": _NODE_AFFINITY},
    "terminationGracePeriodSeconds": int,
}
_WORKLOAD = {
    "replicas": int,
    "selector": _SELECTOR,
    "template": {"metadata": _METADATA, "spec": _POD},
    "strategy": {"type": str, "rollingUpdate": {"maxSurge": int | str, "maxUnavailable": int | str}},
    "updateStrategy": {"type": str, "rollingUpdate": {"partition": int, "maxUnavailable": int | str}},
    "paused": bool,
    "revisionHistoryLimit": int,
    "progressDeadlineSeconds": int,
    "volumeClaimTemplates": [{"spec": {}}],
    "ordinals": {"start": int},
    "serviceName": str,
}
_PORT = {"name": str, "port": int, "protocol": str, "targetPort": int | str, "nodePort": int}
_CONDITIONS = {"conditions": [{"type": str, "status": str}]}
_NODE = {"taints": [{"key": str, "value": str, "effect": str}], "unschedulable": bool, "podCIDR": str}
_VERSION = {"name": str, "served": bool, "storage": bool, "schema": {"openAPIV3Schema": {}}, "subresources": {}}
_DEFINITION = {
    "group": str,
    "scope": str,
    "names": {"plural": str, "singular": str, "kind": str, "shortNames": [str]},
    "versions": [_VERSION],
}
_SPECS: dict[str, Any] = {
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), _WORKLOAD),
    "Pod": _POD,
    "Service": {"type": str, "clusterIP": str, "selector": _TEXTS, "ports": [_PORT]},
    "Node": _NODE,
    "CustomResourceDefinition": _DEFINITION,
}
_STATUSES: dict[str, Any] = {"Pod": {**_CONDITIONS, "containerStatuses": [{"name": str}]}, "Node": _CONDITIONS}
_WORDS = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


def check_shape(kind: Kind, body: Object) -> None:
    """Raise 400 for the first field of another type than its kind has."""
    shape: Object = {"metadata": _METADATA}
    if not kind.crd:
        shape |= {"spec": _SPECS.get(kind.kind, {}), "status": _STATUSES.get(kind.kind, {})}
        shape |= {"data": _TEXTS, "stringData": _TEXTS} if kind.kind in ("ConfigMap", "Secret") else {}
    wrong = next(_misfits(body, shape, kind.kind), None)
    if wrong:
        raise ApiError(
            400, f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: json: {wrong}'
        )


def check_patched(kind: Kind, body: Any) -> None:
    """Raise 400 or 422 where a patch has made something of an object that is none."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise ApiError(422, f"{kind.kind} is invalid: the patched value is no object with metadata")
    check_shape(kind, body)


def _misfits(value: Any, shape: Any, path: str) -> Iterator[str]:
    """What is wrong, in the words of Go's decoder; null stands for "absent" everywhere."""
    if value is None:
        return
    wanted: Any = dict if isinstance(shape, dict | tuple) else list if isinstance(shape, list) else shape
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        word = _WORDS.get(wanted, "int or string")
        yield f"cannot unmarshal {_WORDS.get(type(value), 'value')} into Go struct field {path} of type {word}"
    elif isinstance(shape, dict):
        for key, inner in shape.items():
            yield from _misfits(value.get(key), inner, f"{path}.{key}")
    elif isinstance(shape, tuple):
        for key, each in value.items():
            yield from _misfits(each, shape[0], f"{path}.{key}")
    elif isinstance(shape, list):
        for each in value:
            yield from _misfits({} if each is None else each, shape[0], path)
