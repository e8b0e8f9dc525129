"""Pods and Kubernetes' Events, read when somebody asks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ...cluster import Cluster, ClusterError
from ...core.names import child_name
from ...models import Child, Grid, Pod
from ...queries.per_unit.pods import pods_of_cells
from ..process.connection import map_parallel, reading
from .errors import raised

READ_SECONDS = 3.0
MOST_EVENTS = 100
MOST_OBJECTS = 12  # of a cell whose Events are read: each is a request
Body = Mapping[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class EventView:
    """An Event (v1) as people read it. `involved_object` has the `kind`, `namespace` and `name` of what it is about,
    `count` says how often, `last_timestamp` (RFC 3339) when last."""

    type: str
    reason: str
    message: str
    involved_object: Mapping[str, str]
    count: int
    last_timestamp: str
    reporting_component: str


def _asked(read: Callable[[Cluster], Result]) -> Result:
    try:
        return read(reading())
    except ClusterError as error:
        raise raised(error) from error


def pod_body(pod: Pod) -> Body | None:
    """A pod as it is now, None where it is gone. Raises Unavailable, NotAllowed."""
    selector = f"metadata.name={pod.name}"  # by a list, which the portal may do anyway
    found = _asked(lambda cluster: cluster.list("Pod", pod.namespace, field_selector=selector, seconds=READ_SECONDS))
    return next((each for each in found.items if each["metadata"]["uid"] == pod.uid), None)


def pod_events(pod: Pod) -> list[EventView]:
    """What Kubernetes says of a pod, the latest first. Raises Unavailable, NotAllowed."""
    return _events(pod.namespace, [f"involvedObject.uid={pod.uid}"])


def node_events(name: str) -> list[EventView]:
    """What Kubernetes says of a node, the latest first. Raises Unavailable, NotAllowed."""
    return _events("default", [f"involvedObject.kind=Node,involvedObject.name={name}"])


def cell_events(grid: Grid, unit: str) -> list[EventView]:
    """What Kubernetes says of what a grid has in a NodeUnit, the latest first: of the workload, of its ReplicaSets and
    pods (those that are not ready first); of a ServiceGrid, of its Service. Raises Unavailable, NotAllowed."""
    kind = grid.grid_kind.child_kind
    row = grid.units.filter(name=unit).first()
    name = child_name(grid.name, kind, unit) if kind == "Service" else (row.child if row else "")
    if not name:
        return []
    about = [f"involvedObject.kind={kind},involvedObject.name={name}"]
    if kind != "Service":
        pods = list(pods_of_cells(grid, unit).order_by("ready", "-created_at")[:MOST_OBJECTS])
        about += [f"involvedObject.uid={pod.uid}" for pod in pods]
    if kind == "Deployment":
        about[1:1] = [f"involvedObject.uid={uid}" for uid in _replica_sets(grid.namespace, name)]
    return _events(grid.namespace, about[:MOST_OBJECTS])


def _replica_sets(namespace: str, deployment: str) -> Iterable[str]:
    """The uids of a Deployment's last ReplicaSets."""
    row = Child.objects.filter(kind="Deployment", namespace=namespace, name=deployment).first()
    labels = ((row.body.get("spec") or {}).get("selector") or {}).get("matchLabels") if row else None
    if row is None or not labels:
        return ()
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    options: dict[str, Any] = {"label_selector": selector, "metadata_only": True, "seconds": READ_SECONDS}
    found = _asked(lambda cluster: cluster.list("ReplicaSet", namespace, **options)).items
    mine = [each["metadata"] for each in found if _owned(each, row.uid)]
    return [each["uid"] for each in sorted(mine, key=lambda each: each["creationTimestamp"], reverse=True)[:3]]


def _owned(body: Body, uid: str) -> bool:
    return any(each.get("uid") == uid for each in body["metadata"].get("ownerReferences") or ())


def _events(namespace: str, selectors: Iterable[str]) -> list[EventView]:
    """The Events that any of these field selectors chooses, the latest first."""

    def read(selector: str) -> list[Body]:
        options: dict[str, Any] = {"field_selector": selector, "seconds": READ_SECONDS}
        return list(_asked(lambda cluster: cluster.list("Event", namespace, **options)).items)

    found = [_view(each) for several in map_parallel(read, list(selectors)) for each in several]
    return sorted(found, key=lambda each: each.last_timestamp, reverse=True)[:MOST_EVENTS]


def _view(event: Body) -> EventView:
    about, source, series = (event.get(part) or {} for part in ("involvedObject", "source", "series"))
    return EventView(
        str(event.get("type") or "Normal"),
        str(event.get("reason") or ""),
        str(event.get("message") or ""),
        {name: str(about.get(name) or "") for name in ("kind", "namespace", "name")},
        int(series.get("count") or event.get("count") or 1),
        _last_seen(event),
        str(source.get("component") or event.get("reportingComponent") or ""),
    )


def _last_seen(event: Body) -> str:
    """When an Event was last seen, in RFC 3339 (Event, v1: three fields, by the age of who wrote it)."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(each) for each in times if each), str(event["metadata"].get("creationTimestamp") or ""))
