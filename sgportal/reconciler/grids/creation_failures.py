"""Why a StatefulSet cannot create a pod: its controller says so in an Event and nowhere else."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Max

from ...cluster import Cluster, ClusterError
from ...core.timestamps import rfc3339
from ...models import Pod
from ..process.connection import side_by_side

log = logging.getLogger(__name__)
LOOK_AGAIN = 5.0  # seconds: nothing wakes a grid when such an Event is written
REASON = "FailedCreate"  # of the StatefulSet controller (kubernetes/pkg/controller/statefulset)


def lacking(live: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The StatefulSets that have fewer pods than they want, by what their controller last counted."""
    return [
        each
        for each in live
        if "serviceName" in each["spec"]
        and (each.get("status") or {}).get("replicas", 0) < each["spec"].get("replicas", 1)
    ]


def creation_failures(namespace: str, live: Iterable[Mapping[str, Any]], cluster: Cluster) -> dict[str, str]:
    """By name of StatefulSet the message of the last failure, where no pod was created since. One request for each that
    lacks pods; a cluster that refuses to list Events leaves the cause unknown."""
    sets = lacking(live)
    if not sets:
        return {}
    names = [each["metadata"]["name"] for each in sets]
    pods = Pod.objects.filter(namespace=namespace, child_kind="StatefulSet", child__in=names)
    newest = dict(pods.values_list("child").annotate(Max("created_at")).order_by())
    found = side_by_side(lambda each: _last_failure(namespace, each, cluster), sets)
    messages = {}
    for name, event in zip(names, found, strict=True):
        since = newest.get(name)
        if event and (since is None or _at(event) >= rfc3339(since)):
            messages[name] = str(event.get("message") or "")
    return messages


def _last_failure(namespace: str, body: Mapping[str, Any], cluster: Cluster) -> Mapping[str, Any] | None:
    selector = f"involvedObject.uid={body['metadata']['uid']},reason={REASON}"
    try:
        events = cluster.list("Event", namespace, field_selector=selector, limit=100).items
    except ClusterError as error:
        log.info("why pods of %s are not created is not known: %s", body["metadata"]["name"], error)
        return None
    return max(events, key=_at, default=None)


def _at(event: Mapping[str, Any]) -> str:
    """When an Event was last seen, as RFC 3339 to the second."""
    series = event.get("series") or {}
    stamp = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(stamp or event["metadata"].get("creationTimestamp") or "")[:19] + "Z"
