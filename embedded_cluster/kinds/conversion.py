"""Kinds that are served in two versions and stored in one: HorizontalPodAutoscalers, of which version 1 knows no metric
but the processor's (kubernetes.io/docs "Horizontal Pod Autoscaling")."""

from typing import Any

from ..objects.values import Object
from .served import BUILT_IN, Kind

_STORED = {
    (old.group, old.version, old.kind): new
    for old in BUILT_IN
    if old.kind == "HorizontalPodAutoscaler" and old.version == "v1"
    for new in BUILT_IN
    if new.kind == old.kind and new.version == "v2"
}
_V1 = "targetCPUUtilizationPercentage"


def stored_as(kind: Kind) -> Kind:
    """The kind as which objects of a kind are stored."""
    return _STORED.get((kind.group, kind.version, kind.kind), kind)


def to_stored(kind: Kind, body: Object, before: Object | None = None) -> Object:
    """An object as it is stored; `before` is what is stored of it."""
    hub = stored_as(kind)
    if hub is kind:
        return body
    spec = {key: value for key, value in (body.get("spec") or {}).items() if key != _V1}
    others = [each for each in ((before or {}).get("spec") or {}).get("metrics") or () if not _is_cpu(each)]
    wanted = (body.get("spec") or {}).get(_V1)
    target = {"type": "Utilization", "averageUtilization": wanted}
    cpu = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}] if wanted is not None else []
    if metrics := [*others, *cpu]:
        spec["metrics"] = metrics
    status = {"status": (before or {})["status"]} if (before or {}).get("status") else {}
    return {**body, **status, "apiVersion": hub.api_version, "spec": spec}


def from_stored(kind: Kind, body: Object) -> Object:
    """A stored object as the kind has it."""
    if stored_as(kind) is kind:
        return body
    spec = {key: value for key, value in body["spec"].items() if key not in ("metrics", "behavior")}
    found = next((each for each in body["spec"].get("metrics") or () if _is_cpu(each)), None)
    if found:
        spec[_V1] = found["resource"]["target"]["averageUtilization"]
    status = {key: (body.get("status") or {}).get(key, 0) for key in ("currentReplicas", "desiredReplicas")}
    return {**body, "apiVersion": kind.api_version, "spec": spec, "status": status}


def _is_cpu(metric: Any) -> bool:
    resource = metric.get("resource") or {}
    return resource.get("name") == "cpu" and "averageUtilization" in (resource.get("target") or {})
