"""Taking over the fields of children that SuperEdge's controller wrote: their owner changes, their content does not.

As long as it counts as an owner, a field that a grid drops later would stay in the child for ever.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from ....cluster import JSON_PATCH, Cluster, Conflict
from ....core.ownership.identity import is_ours
from ....core.ownership.share import share
from ....core.plans.plan import Plan
from ....core.superedge.controller import its_entries, without_its_entries
from ...process.connection import map_parallel
from ..observation.observation import Observation

log = logging.getLogger(__name__)
Body = Mapping[str, Any]


def take_over(seen: Observation, planned: Plan, live: Iterable[Body], cluster: Cluster) -> None:
    """Own alone what SuperEdge's controller still owns of the grid's children. One that somebody changes meanwhile, or
    that is in trouble of its own, is left for the next time. Raises ClusterError."""
    left = [each for each in live if _its(each) and is_ours(each, seen.grid.owner)]
    if not left:
        return
    troubled = {finding.unit for finding in planned.findings}
    wanted = {child.name: child.body for child in planned.wanted if child.unit not in troubled}
    mine = [
        (each, share(wanted[name], each, seen.spec.ignored).body)
        for each in left
        if (name := each["metadata"]["name"]) in wanted
    ]
    map_parallel(lambda pair: _claim(*pair, cluster), mine)


def is_shared(seen: Observation) -> bool:
    """Whether `take_over` would write, as far as the objects were seen."""
    return any(map(_its, seen.own))


def _its(body: Body) -> bool:
    return any(not entry.get("subresource") for entry in its_entries(body["metadata"]))


def _claim(live: Body, body: Body, cluster: Cluster) -> None:
    """Apply what is already so, then take the other's entry away, unless somebody wrote in between."""
    exactly = {name: live["metadata"][name] for name in ("uid", "resourceVersion")}
    named = {**body, "metadata": {**body["metadata"], **exactly}}
    try:
        metadata = cluster.apply(named, force=True).body["metadata"]
        cluster.patch(body["kind"], metadata["namespace"], metadata["name"], _disowned(metadata), JSON_PATCH)
    except Conflict as error:
        log.info("%s %s is claimed later: %s", body["kind"], named["metadata"]["name"], error)


def _disowned(metadata: Body) -> list[dict[str, Any]]:
    """The patch that takes SuperEdge's entry away from an object that is still as we know it."""
    return [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": without_its_entries(metadata)},
    ]
