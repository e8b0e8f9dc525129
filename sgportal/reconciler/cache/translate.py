"""From what the API server says to our rows. Pure: a body in, an unsaved row out; nothing is looked up."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from ...core.grids.kinds import KINDS
from ...core.names import (
    GRID_SELECTOR,
    GROUP,
    LAST_APPLIED,
    OWNER_UID,
    SERVICE_NAME,
    SERVICE_SUFFIX,
    TOPOLOGY_KEYS,
    refusing_number,
)
from ...core.pods import pod_view
from ...core.traffic.proof.agents import role_of, version_of
from ...models import Child, Namespace, Node, Pod, Slice

Body = Mapping[str, Any]
MAX_ANNOTATION = 1024  # longer ones are machines' notes to themselves
_READINESS = {"True": "Ready", "False": "NotReady"}
_CONDITION_FIELDS = ("type", "status", "reason", "message", "lastTransitionTime")  # without the heartbeat
_CHILD_METADATA = ("name", "namespace", "uid", "labels", "ownerReferences", "deletionTimestamp")
_STARTING = ("ContainerCreating", "PodInitializing")


def node_row(body: Body) -> Node:
    """A node. Its heartbeat is left out, so that a node to which nothing happens keeps an equal row."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    conditions = status.get("conditions") or []
    ready: Body = next((each for each in conditions if each.get("type") == "Ready"), {})
    annotations = metadata.get("annotations") or {}
    info = {name: status[name] for name in ("addresses", "capacity", "allocatable", "nodeInfo") if status.get(name)}
    info["conditions"] = [{name: each[name] for name in _CONDITION_FIELDS if name in each} for each in conditions]
    if networks := spec.get("podCIDRs"):
        info["podCIDRs"] = networks
    info["annotations"] = {
        key: value for key, value in annotations.items() if len(value) <= MAX_ANNOTATION and key != LAST_APPLIED
    }
    return Node(
        name=metadata["name"],
        uid=metadata["uid"],
        labels=dict(metadata.get("labels") or {}),
        ready=_READINESS.get(str(ready.get("status")), "Unknown"),
        ready_since=_time(ready.get("lastTransitionTime")),
        unschedulable=bool(spec.get("unschedulable")),
        taints=spec.get("taints") or [],
        info=info,
        resource_version=metadata["resourceVersion"],
        created_at=_time(metadata.get("creationTimestamp")),
    )


def namespace_row(body: Body) -> Namespace:
    """A namespace."""
    metadata = body["metadata"]
    labels = dict(metadata.get("labels") or {})
    return Namespace(name=metadata["name"], labels=labels, resource_version=metadata["resourceVersion"])


def pod_row(body: Body) -> Pod:
    """A pod. Which are stored says `PodScope`."""
    metadata, status = body["metadata"], body.get("status") or {}
    agent = role_of(body)
    view = pod_view(body)
    child_kind, child = workload_above(metadata)
    reason, message = ("", "") if view.ready else _why_not_ready(status)
    return Pod(
        uid=view.uid,
        namespace=view.namespace,
        name=view.name,
        labels=dict(view.labels),
        node=view.node,
        ips=list(view.ips),
        ready=view.ready,
        phase=view.phase,
        reason=reason[:100],
        message=message,
        child_kind=child_kind,
        child=child,
        terminating=view.terminating,
        ports=[list(each) for each in view.ports],
        restarts=sum(each.get("restartCount", 0) for each in status.get("containerStatuses") or ()),
        agent=agent,
        version=version_of(body, agent)[:40] if agent else "",
        created_at=_time(metadata.get("creationTimestamp")),
        resource_version=metadata["resourceVersion"],
    )


def workload_above(metadata: Body) -> tuple[str, str]:
    """The kind and name of the Deployment or StatefulSet above a pod. A ReplicaSet is named `<deployment>-<hash>`,
    where the hash is the pod's label `pod-template-hash`."""
    owner: Body = next((each for each in metadata.get("ownerReferences") or () if each.get("controller")), {})
    name = str(owner.get("name", ""))
    if owner.get("kind") == "StatefulSet":
        return "StatefulSet", name
    if owner.get("kind") == "ReplicaSet":
        suffix = (metadata.get("labels") or {}).get("pod-template-hash") or name.rpartition("-")[2]
        return "Deployment", name.removesuffix(f"-{suffix}")
    return "", ""


def _why_not_ready(status: Body) -> tuple[str, str]:
    """Reason and message in the cluster's own words, gravest first: the pod as a whole (Evicted), its placement
    (Unschedulable), a container in trouble, a container on its way. A pod that merely fails its probe gives none."""
    if status.get("reason"):
        return status["reason"], status.get("message") or ""
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return condition.get("reason") or "Unschedulable", condition.get("message") or ""
    troubles = list(_container_troubles(status))
    graver = [each for each in troubles if each[0] not in _STARTING]
    return next(iter(graver or troubles), ("", ""))


def _container_troubles(status: Body) -> Iterator[tuple[str, str]]:
    for each in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state = each.get("state") or {}
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            yield waiting["reason"], waiting.get("message") or _last_end(each)
        elif ended and ended.get("exitCode"):
            yield ended.get("reason") or "Error", ended.get("message") or _exit(each["name"], ended)


def _last_end(container: Body) -> str:
    ended = (container.get("lastState") or {}).get("terminated")
    return _exit(container["name"], ended) if ended else ""


def _exit(name: str, ended: Body) -> str:
    return f"container {name} ended with exit code {ended.get('exitCode')}"


def slice_row(body: Body) -> Slice | None:
    """An EndpointSlice, or None for one of a Service that neither a ServiceGrid makes nor sentinels send to."""
    metadata = body["metadata"]
    service = (metadata.get("labels") or {}).get(SERVICE_NAME) or ""
    if not service.endswith(SERVICE_SUFFIX) and not refusing_number(service):
        return None
    kept = {key: value for key, value in metadata.items() if key in ("name", "namespace", "uid", "labels")}
    kept["ownerReferences"] = metadata.get("ownerReferences") or []
    return Slice(
        namespace=metadata["namespace"],
        name=metadata["name"],
        service=service,
        body={**body, "metadata": kept},
        resource_version=metadata["resourceVersion"],
    )


def child_row(body: Body) -> Child:
    """A Deployment, StatefulSet or Service: whole where it is, or claims to be, a grid's, has SuperEdge's annotation
    for its filter on the nodes, or is one of those that refuse; else what a name clash needs."""
    metadata = body["metadata"]
    grid = (metadata.get("labels") or {}).get(GRID_SELECTOR) or ""
    owner = _grid_uid(metadata)
    kept: dict[str, Any] = dict(body)
    filtered = body["kind"] == "Service" and TOPOLOGY_KEYS in (metadata.get("annotations") or {})
    refuses = body["kind"] == "Service" and refusing_number(metadata["name"]) > 0
    if not grid and not owner and not filtered and not refuses:
        few = {name: metadata[name] for name in _CHILD_METADATA if metadata.get(name)}
        kept = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": few}
    return Child(
        kind=body["kind"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        grid_name=grid,
        owner_uid=owner,
        body=kept,
        resource_version=metadata["resourceVersion"],
    )


def _grid_uid(metadata: Body) -> str:
    owners: Iterable[Body] = metadata.get("ownerReferences") or ()
    for owner in owners:
        if owner.get("kind") in KINDS and str(owner.get("apiVersion")).startswith(f"{GROUP}/"):
            return str(owner["uid"])
    return str((metadata.get("annotations") or {}).get(OWNER_UID) or "")


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
