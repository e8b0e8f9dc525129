"""The status of a package: from the rows of its members, on its row and on its custom resource."""

import logging
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from ...cluster import MERGE_PATCH, Cluster, NotFound
from ...core.grids.group import KIND
from ...core.health import is_settled
from ...core.status.package import MemberStatus, conditions, package_status
from ...core.status.parts import Condition
from ...core.text import Sentence, say
from ...core.timestamps import rfc3339
from ...models import Grid, ServiceGroup
from ..grids.status.resource_status import merge_patch
from ..queue import change_log

log = logging.getLogger(__name__)
_NOTHING_YET = say("nothing is known of it yet")


def record(group: ServiceGroup, accepted: Condition, deleting: Condition | None = None) -> dict[str, Any]:
    """Note the status of a package on its row; it."""
    members = [_member(grid) for grid in group.grids.defer("metadata", "spec", "whole").order_by("kind", "name")]
    found = conditions(accepted, members, deleting)
    body = package_status(found, members, group.status, rfc3339(timezone.now()))
    if body != group.status:
        sentences = {each.type: each.sentence.to_json() for each in found}
        ServiceGroup.objects.filter(pk=group.pk).update(status=body, sentences=sentences)
        group.status = body
        change_log.record("grid", [group.path])
    return body


def write(group: ServiceGroup, resource: Mapping[str, Any], status: Mapping[str, Any], cluster: Cluster) -> None:
    """Write it to the custom resource, where that says something else. Raises ClusterError, Conflict where somebody
    changed the resource meanwhile."""
    before = resource.get("status") or {}
    wanted = {**status, "observedGeneration": resource["metadata"].get("generation", 1)}
    if before == wanted:
        return
    version = {"resourceVersion": resource["metadata"]["resourceVersion"]}
    patch = {"metadata": version, "status": merge_patch(before, wanted)}
    try:
        cluster.patch(KIND, group.namespace, group.name, patch, MERGE_PATCH, subresource="status", metadata_only=True)
    except NotFound as error:
        log.info("%s: its status could not be written to the cluster: %s", group.path, error)


def _member(grid: Grid) -> MemberStatus:
    told = {each["type"]: each for each in grid.status.get("conditions") or ()}
    current = grid.observed_generation == grid.generation and not grid.deleting_since
    ready = told.get("Ready") or {}
    sentence = grid.sentences.get("Ready")
    return MemberStatus(
        grid.kind,
        grid.name,
        grid.state if current else "Progressing",
        current and is_settled(grid.state) and ready.get("status") == "True",
        ready.get("reason") or "NotObserved",
        Sentence.from_json(sentence) if sentence else _NOTHING_YET,
        grid.unit_count,
        grid.ready_units,
        _rolled_out(grid, told.get("RolledOut")),
    )


def _rolled_out(grid: Grid, told: Mapping[str, Any] | None) -> Condition | None:
    if told is None:
        return None
    sentence = say(
        "%(kind)s %(name)s: %(why)s",
        kind=grid.kind,
        name=grid.name,
        why=Sentence.from_json(grid.sentences["RolledOut"]),
    )
    return Condition("RolledOut", told["status"], told["reason"], sentence)
