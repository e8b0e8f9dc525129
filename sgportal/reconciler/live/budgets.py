"""What PodDisruptionBudgets would refuse of the evictions of a change, read before it is begun."""

from dataclasses import replace
from typing import Any

from ...cluster import ClusterError
from ...core.disruptions import Evicted, refusals
from ...core.text import say
from ...models import Pod
from ...queries.label_impact import Impact
from ..process.connection import map_parallel, reading
from .objects import READ_SECONDS


def with_refusals(impact: Impact) -> Impact:
    """The impact with the evictions that budgets would not allow now, or with why that is not known."""
    if not impact.evictions:
        return impact
    places = [(each.namespace, each.pod) for each in impact.evictions]
    try:
        found = [each for some in map_parallel(_budgets, sorted({space for space, _ in places})) for each in some]
    except ClusterError as error:
        return replace(impact, unknown=say("the cluster does not say: %(message)s", message=str(error)))
    rows = Pod.objects.filter(namespace__in={space for space, _ in places}, name__in={name for _, name in places})
    known = {(row.namespace, row.name): row for row in rows.only("namespace", "name", "labels", "ready", "phase")}
    pods = [
        Evicted(row.namespace, row.name, row.labels, row.ready, row.phase)
        for row in map(known.get, places)
        if row is not None
    ]
    return replace(impact, refusals=refusals(pods, found))


def _budgets(namespace: str) -> list[Any]:
    return list(reading().list("PodDisruptionBudget", namespace, seconds=READ_SECONDS).items)
