"""Giving a closed Service its selector back without refusing a call on the way.

Endpoints of the cluster's own controller have no hints, and beside one of those kube-proxy uses all that are ready: the
sentinels too, which refuse. So the sentinels go before the selector comes. EndpointSlices reach kube-proxy in the order
in which they were written; none ever sees both.
"""

import time
from dataclasses import replace
from typing import Any

from ....cluster import JSON_PATCH, Cluster
from ....core.names import CLOSURE, SERVICE_NAME
from ....core.plans.plan import Step
from ....core.text import pointer
from ....core.traffic.closure import Closure, read_closure, write_closure
from ....core.traffic.slices.sentinels import sentinel_number
from ....core.traffic.slices.slices import is_kept

PATIENCE_SECONDS = 1.0  # for the keeper, which may not run; then we take the sentinels out ourselves
LOOK_SECONDS = 0.05
_PLACE = pointer("metadata", "annotations", CLOSURE)


def without_sentinels(step: Step, cluster: Cluster) -> Step:
    """The step as it can be carried out once no sentinel is left, which this sees to where the step opens a Service
    that was closed; any other step as it is. Raises ClusterError."""
    opening = next((each for each in step.changes if each.path == _PLACE and each.new is None), None)
    found = read_closure(opening.old) if opening and step.kind == "Service" and step.verb == "update" else None
    if opening is None or found is None:
        return step
    closure, key = found
    if closure.mode != "prefer":
        yielding = write_closure(Closure("prefer"), key)
        patch = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": step.seen["metadata"]["resourceVersion"]},
            {"op": "replace", "path": _PLACE, "value": yielding},
        ]
        live = cluster.patch("Service", step.namespace, step.name, patch, JSON_PATCH)
        # By this patch the annotation is no longer among what we applied.
        changes = (replace(each, old=yielding, claimed=True) if each is opening else each for each in step.changes)
        step = replace(step, changes=tuple(changes), seen=live)
    _wait(step, cluster)
    return step


def _wait(step: Step, cluster: Cluster) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while left := _sentinels(step, cluster):
        if time.monotonic() > until:
            for each in left:
                metadata = each["metadata"]
                cluster.delete("EndpointSlice", metadata["namespace"], metadata["name"], uid=metadata["uid"])
            return
        time.sleep(LOOK_SECONDS)


def _sentinels(step: Step, cluster: Cluster) -> list[dict[str, Any]]:
    listed = cluster.list("EndpointSlice", step.namespace, label_selector=f"{SERVICE_NAME}={step.name}").items
    return [each for each in listed if is_kept(each) and sentinel_number(each)]
