"""Members of a ServiceGroup that wait for one which is deleted by itself: they wait for it no longer."""

from collections.abc import Mapping
from typing import Any

from ....core.grids.members import without_names
from ....core.names import DEPENDS_ON
from ....core.overrides.requests import requests_of
from ....core.plans.desired import Finding
from ....core.text import Sentence, say
from ....models import AuditEvent, Grid, ServiceGroup
from ...queue import change_log, workqueue
from ..events import grid_events
from ..events.grid_events import NewEvent


def locked_for_deletion(grid: Grid, by_itself: bool = True) -> Grid | None:
    """The row of a grid, locked after its package and with the other members in order of key, since these change with
    it where it goes `by_itself`; None where it is gone."""
    if not grid.group_id or not by_itself:
        return Grid.objects.select_for_update(of=("self",)).filter(pk=grid.pk).first()
    list(ServiceGroup.objects.filter(pk=grid.group_id).select_for_update().values_list("pk"))
    rows = Grid.objects.filter(group=grid.group_id).locked()
    return next((each for each in rows if each.pk == grid.pk), None)


def notes_of(grid: Grid) -> list[Finding]:
    """What the plan of its deletion says of those that wait for a grid."""
    names = ", ".join(each.path for each in _of(grid))
    text = say("these wait for it no longer: %(names)s", names=names)
    return [Finding("", "DependentsReleased", text)] if names else []


def _of(grid: Grid) -> list[Grid]:
    """The members of its package that wait for a grid, those that are being deleted left out."""
    if not grid.group_id:
        return []
    rows = Grid.objects.filter(group=grid.group_id, deleting_since=None).exclude(pk=grid.pk).order_by("pk")
    return [each for each in rows if grid.member in requests_of(each.metadata.get("annotations")).depends_on]


def _told(grid: Grid) -> Sentence:
    return say("it waits no longer for “%(name)s”, which is deleted", name=grid.member)


def release(grid: Grid, by: str, door: str) -> None:
    """Have those that wait for a grid, which is being deleted, wait for it no longer, and the package not say so any
    more; nothing where the package goes as well. Within the transaction that has them locked."""
    group = ServiceGroup.objects.filter(pk=grid.group_id, deleting_since=None).first() if grid.group_id else None
    if group is None:
        return
    for each in _of(grid):
        before = each.source()
        each.revise(_released(before, grid.member), by)
        after = each.source()
        AuditEvent.objects.create(actor=by, door=door, verb="change", path=each.path, before=before, after=after)
        event = NewEvent("", "DependencyDeleted", _told(grid), warning=True)
        grid_events.record({each.path: [event]}, unsent=True)
        change_log.record("grid", [each.path])
        workqueue.enqueue([each.path], urgent=True)
    if (spec := without_names(group.spec, {grid.member})) != group.spec:
        group.spec, group.version = spec, group.version + 1
        group.save(update_fields=["spec", "version"])
        change_log.record("grid", [group.path])
    workqueue.enqueue([group.path], urgent=True)


def _released(manifest: Mapping[str, Any], place: str) -> dict[str, Any]:
    metadata = manifest["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    left = [each for each in requests_of(annotations).depends_on if each != place]
    annotations.pop(DEPENDS_ON)
    if left:
        annotations[DEPENDS_ON] = ",".join(left)
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**manifest, "metadata": {**rest, **({"annotations": annotations} if annotations else {})}}
