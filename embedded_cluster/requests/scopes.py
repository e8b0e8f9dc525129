"""What a write to an object or to one of its subresources may touch, and what counts as a change."""

from ..kinds.served import Kind
from ..objects.values import Object
from .request import Target


def counts_generation(kind: Kind) -> bool:
    """Whether objects of this kind have a `generation` that counts the changes of their spec."""
    return bool(kind.crd) or kind.kind in (
        "Deployment",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
        "DaemonSet",
        "Pod",
        "CustomResourceDefinition",
        "PodDisruptionBudget",
        "EndpointSlice",
        "Job",
        "CronJob",
        "Ingress",
        "NetworkPolicy",
        "IngressClass",
        "PriorityClass",
    )


def said(kind: Kind, body: Object) -> Object | None:
    """The part of an object whose changes its `generation` counts: its spec, or all but metadata where it has none."""
    if kind.kind == "EndpointSlice" or (kind.crd and not kind.has_status):
        return {key: value for key, value in body.items() if key != "metadata"}
    return body.get("spec")


def scoped(target: Target, live: Object, body: Object) -> Object:
    """What a write to the main resource or to a subresource may change."""
    if target.subresource == "status":
        metadata = {**live["metadata"], "managedFields": body["metadata"].get("managedFields") or []}
        result = {**live, "metadata": metadata}
        if "status" in body:
            result["status"] = body["status"]
        return result
    if target.subresource == "ephemeralcontainers":
        added = (body.get("spec") or {}).get("ephemeralContainers") or []
        return {**live, "metadata": dict(live["metadata"]), "spec": {**live["spec"], "ephemeralContainers": added}}
    if target.kind.has_status and target.kind.kind != "CustomResourceDefinition":
        body = {key: value for key, value in body.items() if key != "status"}
        if "status" in live:
            body["status"] = live["status"]
    return {**body, "metadata": dict(body["metadata"])}


def same(left: Object, right: Object) -> bool:
    """Whether two objects are equal but for the time stamps of managedFields and the resourceVersion."""

    def core(body: Object) -> Object:
        metadata = {
            key: value for key, value in body["metadata"].items() if key not in ("resourceVersion", "managedFields")
        }
        entries = [
            {k: v for k, v in each.items() if k != "time"} for each in body["metadata"].get("managedFields") or ()
        ]
        return {**body, "metadata": {**metadata, "managedFields": entries}}

    return core(left) == core(right)
