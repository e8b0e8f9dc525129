"""A grid's status on its custom resource."""

import logging
from collections.abc import Mapping
from typing import Any

from ....cluster import MERGE_PATCH, Cluster, Conflict, NotFound
from ....models import Grid

log = logging.getLogger(__name__)
Body = Mapping[str, Any]
TRIES = 5  # of one write, while somebody else changes the resource in between


def write(grid: Grid, resource: Body | None, status: Body, cluster: Cluster) -> bool:
    """Write the status to the custom resource, last seen as `resource`, where it says something else; SuperEdge's own
    definitions have no place for one. Whether it says this now, or need not: False where somebody else wrote another
    status meanwhile, which may be newer. Touches no rows. Raises ClusterError."""
    if not grid.cluster_uid or cluster.read_only or resource is None:
        return True
    wanted = _wanted(grid, status)
    before = resource.get("status") or {}
    for left in reversed(range(TRIES)):
        if resource is None or resource["metadata"]["uid"] != grid.cluster_uid:
            return True
        said = resource.get("status") or {}
        if said == wanted:
            return True
        if said != before:
            return False
        version = {"resourceVersion": resource["metadata"]["resourceVersion"]}  # so that it is no other's of that name
        patch = {"metadata": version, "status": merge_patch(before, wanted)}
        try:
            place = (grid.kind, grid.namespace, grid.name)
            cluster.patch(*place, patch, MERGE_PATCH, subresource="status", metadata_only=True)
        except NotFound as error:
            log.info("%s: its status could not be written to the cluster: %s", grid.path, error)
            return True
        except Conflict:
            if not left:
                raise
            resource = cluster.get(grid.kind, grid.namespace, grid.name)
        else:
            return True
    return True


def _wanted(grid: Grid, status: Body) -> dict[str, Any]:
    return {**status, "observedGeneration": grid.cluster_generation}  # not that of an edit since it was seen


def says(grid: Grid, resource: Body) -> bool:
    """Whether the custom resource says the status that is on the grid's row."""
    return bool((resource.get("status") or {}) == _wanted(grid, grid.status))


def merge_patch(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7396) that makes `before` exactly `wanted`: what is gone is null at every depth, such
    as a count that fell to 0 and is left out."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - wanted.keys())
    for key, value in wanted.items():
        old = before.get(key)
        patch[key] = merge_patch(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return patch
