"""Why a StatefulSet cannot create a pod: its controller says so in an Event and nowhere else."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Max

from ....cluster import Cluster
from ....core.timestamps import rfc3339
from ....core.workloads.trouble import lacks_pods, last_refusal
from ....models import Pod

LOOK_AGAIN = 5.0  # seconds: nothing wakes a grid when such an Event is written
REASON = "FailedCreate"  # of the StatefulSet controller (kubernetes/pkg/controller/statefulset)


def creation_failures(namespace: str, live: Sequence[Mapping[str, Any]], cluster: Cluster) -> dict[str, str]:
    """By name of StatefulSet the message of the last failure that still holds. One request, none where no StatefulSet
    lacks pods that its controller should have created. Raises ClusterError."""
    lacking = {each["metadata"]["name"]: each for each in live if lacks_pods(each)}
    if not lacking:
        return {}
    selector = f"involvedObject.kind=StatefulSet,reason={REASON}"
    events = cluster.list("Event", namespace, field_selector=selector).items
    pods = Pod.objects.filter(namespace=namespace, child_kind="StatefulSet", child__in=lacking)
    newest = dict(pods.values_list("child").annotate(Max("created_at")).order_by())
    stamps = {name: rfc3339(when) for name, when in newest.items() if when}
    found = {name: last_refusal(each, events, stamps.get(name, "")) for name, each in lacking.items()}
    return {name: message for name, message in found.items() if message}
