"""Edits of a grid's row and of its custom resource, and how each is brought to the other."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from ....cluster import JSON_PATCH, Cluster
from ....core.grids.grid import source_metadata
from ....core.grids.reach import units_alone
from ....core.overrides.operation import operation_text
from ....core.text import say
from ....models import AuditEvent, Grid, GridEvent
from ...fleet import membership
from ...queue import change_log, workqueue
from ..events import grid_events, kube_events

Body = Mapping[str, Any]


def differs(grid: Grid, body: Body) -> bool:
    """Whether the custom resource says something else than what the row knows of it."""
    metadata = body["metadata"]
    if metadata["uid"] != grid.cluster_uid or metadata.get("generation", 1) != grid.cluster_generation:
        return True
    going = bool(metadata.get("deletionTimestamp")) and not grid.deleting_since
    return going or bool(source_metadata(metadata) != grid.metadata)


def based_on(grid: Grid, body: Body) -> bool:
    """Whether the row's spec was edited from this state of the custom resource."""
    metadata = body["metadata"]
    return (metadata["uid"], metadata.get("generation", 1)) == (grid.cluster_uid, grid.cluster_generation)


def push(grid: Grid, cluster: Cluster, body: Body) -> Body:
    """Replace the resource's spec by the row's, and make the row's changes to its labels and annotations: an edit of
    those does not count as a generation. The API server refuses if the resource changed meanwhile. The resource
    afterwards."""
    metadata = body["metadata"]
    last = grid.revisions.filter(number=grid.pushed_generation).first()
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": metadata.get("generation", 1)},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        *(
            {
                "op": "add",
                "path": f"/metadata/{part}",
                "value": _merged(
                    (last.metadata if last else {}).get(part) or {},
                    grid.metadata.get(part) or {},
                    metadata.get(part) or {},
                ),
            }
            for part in ("labels", "annotations")
        ),
        {"op": "replace", "path": "/spec", "value": grid.spec},
    ]
    pushed = cluster.patch(grid.kind, grid.namespace, grid.name, patch, JSON_PATCH)
    adopt_generation(grid, pushed, pushed=True)
    return pushed


def _merged(last: Mapping[str, str], mine: Mapping[str, str], live: Mapping[str, str]) -> dict[str, str]:
    """What is live, with the changes from `last` to `mine`."""
    kept = {key: value for key, value in live.items() if key in mine or key not in last}
    return {**kept, **{key: value for key, value in mine.items() if last.get(key) != value}}


def adopt_generation(grid: Grid, body: Body, pushed: bool) -> None:
    """Note in the row which state of the custom resource it knows; `pushed`: and that this is the row's own."""
    metadata = body["metadata"]
    fields: dict[str, Any] = {"cluster_uid": metadata["uid"], "cluster_generation": metadata.get("generation", 1)}
    if pushed:
        fields["pushed_generation"] = grid.generation
    Grid.objects.filter(pk=grid.pk).update(**fields)
    for name, value in fields.items():
        setattr(grid, name, value)


def pull(grid: Grid, body: Body, cluster: Cluster) -> None:
    """Take the resource's spec into the row, as a new revision."""
    spec, metadata = body.get("spec") or {}, source_metadata(body["metadata"])
    both = grid.generation > grid.pushed_generation and (bool(grid.cluster_uid) or grid.spec != spec)
    copied = not grid.generation and membership.is_copy(grid, body, cluster)
    with transaction.atomic():
        row = Grid.objects.select_for_update().get(pk=grid.pk)
        adopted = row.generation == 0
        if adopted:
            row.created_at = _began(row, body)
        if row.spec != spec or row.metadata != metadata:
            before = None if adopted else row.source()
            row.generation += 1
            row.version += 1
            key = spec.get("gridUniqKey")
            row.key = key[:317] if isinstance(key, str) else ""
            row.spec, row.metadata, row.home = spec, metadata, Grid.Home.CLUSTER
            row.remember("cluster")
            _note(row, before)
        if adopted:
            row.operation = operation_text(metadata.get("annotations"))  # which asks for nothing
            if not copied:
                membership.read_back(row, body)
            membership.joined_before(row, body)
        row.pushed_generation = row.generation
        row.cluster_uid, row.cluster_generation = body["metadata"]["uid"], body["metadata"].get("generation", 1)
        row.save()
        if both:
            text = say(
                "it was edited in the portal and in the cluster; the cluster's version is used, the portal's"
                " is kept as a revision"
            )
            conflict = grid_events.NewEvent("", "EditConflict", text, warning=True)
            grid_events.record({grid.path: [conflict]}, unsent=True)
    grid.refresh_from_db()
    if both:
        kube_events.send([grid], cluster)
    change_log.record("grid", [grid.path])
    wake_group(grid)


def _began(grid: Grid, body: Body) -> datetime:
    """Since when what is told of a grid's path is told of it: since its resource was made, or since its row was where
    something was told meanwhile, which may be of another that had the path before."""
    made_at = datetime.fromisoformat(body["metadata"]["creationTimestamp"])
    changes = AuditEvent.objects.filter(path=grid.path, at__gte=made_at)
    events = GridEvent.objects.filter(path=grid.path, last_at__gte=made_at)
    return grid.created_at if changes.exists() or events.exists() else min(made_at, grid.created_at)


def _note(grid: Grid, before: Body | None) -> None:
    """Leave an audit event of what somebody made or changed in the cluster, if it concerns the spec: what is asked by
    an annotation is noted where it is done. One that is seen for the first time was made when it began."""
    if before is None:
        AuditEvent.objects.observe("create", grid.path, after=grid.source(), at=grid.created_at)
    elif before["spec"] != grid.spec:
        entry = AuditEvent.objects.observe("change", grid.path, before=before, after=grid.source())
        entry.is_about((grid.key, each) for each in units_alone(before, grid.source()))


def wake_group(grid: Grid) -> None:
    """A member that is edited or gone changes what its ServiceGroup says."""
    if grid.group:
        workqueue.enqueue([grid.group.path])
