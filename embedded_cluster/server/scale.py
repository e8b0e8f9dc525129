"""The scale subresource (autoscaling/v1), of built-in workloads and of custom resources that declare it."""

from typing import Any

from ..kinds.crd import version_of
from ..kinds.served import Kind
from ..objects.errors import cause, invalid
from ..objects.values import Object, copy

_IDENTITY = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _paths(kind: Kind) -> dict[str, list[str]]:
    """Where spec's and status' replicas and the selector are."""
    declared = version_of(kind.crd)["subresources"]["scale"] if kind.crd else {}
    built_in = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    return {name: path.strip(".").split(".") for name, path in (declared or built_in).items()}


def _at(body: Any, path: list[str]) -> Any:
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def scale_of(kind: Kind, body: Object) -> Object:
    """The Scale of an object."""
    paths, chosen = _paths(kind), (body.get("spec") or {}).get("selector") or {}
    selector = chosen if kind.kind == "ReplicationController" else chosen.get("matchLabels") or {}
    if kind.crd:
        text = _at(body, paths["labelSelectorPath"]) if "labelSelectorPath" in paths else None
    else:
        text = ",".join(f"{key}={value}" for key, value in selector.items())
    replicas = _at(body, paths["specReplicasPath"])
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: body["metadata"][key] for key in _IDENTITY if key in body["metadata"]},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": _at(body, paths["statusReplicasPath"]) or 0, **({"selector": text} if text else {})},
    }


def scaled(kind: Kind, live: Object, sent: Any) -> Object:
    """An object with the replicas that a Scale asks for. Raises 422 for a number that there cannot be."""
    replicas = (sent.get("spec") or {}).get("replicas") or 0 if isinstance(sent, dict) else None
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        words = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid("Scale", "autoscaling", live["metadata"]["name"], [cause("spec.replicas", words)])
    body = copy(live)
    path = _paths(kind)["specReplicasPath"]
    inner = body
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
    inner[path[-1]] = replicas
    version = (sent.get("metadata") or {}).get("resourceVersion")
    return {**body, "metadata": {**body["metadata"], **({"resourceVersion": version} if version else {})}}
