"""A grid's status on its custom resource."""

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from ....cluster import MERGE_PATCH, Cluster, Conflict, NotFound
from ....models import Grid

log = logging.getLogger(__name__)
Body = Mapping[str, Any]
TRIES = 5  # of one write, while somebody else changes the resource in between


class Written(NamedTuple):
    """Whether the custom resource says the status, or need not: False where somebody else wrote another meanwhile,
    which may be newer. `version` is the resourceVersion that says it, "" where there is none."""

    stands: bool
    version: str = ""


def write(grid: Grid, resource: Body | None, status: Body, cluster: Cluster) -> Written:
    """Write the status to the custom resource, last seen as `resource`, where it says something else; SuperEdge's own
    definitions have no place for one. Touches no rows. Raises ClusterError."""
    if not grid.cluster_uid or cluster.read_only or resource is None:
        return Written(True)
    wanted = _wanted(grid, status)
    before = resource.get("status") or {}
    for left in reversed(range(TRIES)):
        if resource is None or resource["metadata"]["uid"] != grid.cluster_uid:
            return Written(True)
        said = resource.get("status") or {}
        if said == wanted:
            return Written(True, _version(resource))
        if said != before:
            return Written(False)
        try:
            return _patch(grid, _version(resource), merge_patch(before, wanted), cluster)
        except NotFound as error:
            log.info("%s: its status could not be written to the cluster: %s", grid.path, error)
            return Written(True)
        except Conflict:
            if not left:
                raise
            resource = cluster.get(grid.kind, grid.namespace, grid.name)
    return Written(True)


def write_after(sent: str, before: Body, grid: Grid, status: Body, cluster: Cluster) -> Written | None:
    """The same without a look at the custom resource, where we wrote the status `before` to it last and it then had the
    resourceVersion `sent`; None where it has another by now. Touches no rows. Raises ClusterError."""
    # The generation is that of an edit, and may have changed on the row since.
    known = {name: value for name, value in before.items() if name != "observedGeneration"}
    try:
        return _patch(grid, sent, merge_patch(known, _wanted(grid, status)), cluster)
    except (Conflict, NotFound):
        return None


def _patch(grid: Grid, version: str, patch: Body, cluster: Cluster) -> Written:
    # The version, so that it is no other's of that name, nor another writer's status that is overwritten.
    body = {"metadata": {"resourceVersion": version}, "status": patch}
    place = (grid.kind, grid.namespace, grid.name)
    return Written(True, _version(cluster.patch(*place, body, MERGE_PATCH, subresource="status", metadata_only=True)))


def _version(resource: Body) -> str:
    return str(resource["metadata"]["resourceVersion"])


def sent_as(grid: Grid, status: Body, version: str) -> str:
    """What a grid's row keeps of a status that was written to its custom resource, which has this version now."""
    return f"{version} {_digest(grid, status)}" if version else ""


def version_sent(grid: Grid) -> str:
    """The resourceVersion that the custom resource had once the status on the row was written to it; "" where that is
    not known, or the row says another status by now."""
    version, _, digest = grid.published_as.partition(" ")
    return version if digest and digest == _digest(grid, grid.status) else ""


def _digest(grid: Grid, status: Body) -> str:
    said = json.dumps([grid.cluster_uid, status], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _wanted(grid: Grid, status: Body) -> dict[str, Any]:
    return {**status, "observedGeneration": grid.cluster_generation}  # not that of an edit since it was seen


def says(grid: Grid, resource: Body) -> bool:
    """Whether the custom resource says the status that is on the grid's row."""
    return bool((resource.get("status") or {}) == _wanted(grid, grid.status))


def merge_patch(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7396) that makes `before` exactly `wanted`: no more than differs. What is gone is null
    at every depth, such as a count that fell to 0 and is left out."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - wanted.keys())
    for key, value in wanted.items():
        if key not in before or before[key] != value:
            old = before.get(key)
            patch[key] = merge_patch(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return patch
