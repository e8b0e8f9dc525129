"""Recording what was observed of a whole grid: its cells' rows, its status, events; and the same on the custom
resource."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from ....cluster import Cluster
from ....core.plans.desired import Finding
from ....core.plans.plan import Plan
from ....core.policy.rules import CLOSED
from ....core.status.parts import Condition, Whole
from ....core.status.status import GridStatus, status_of
from ....core.text import Invalid, Sentence, say
from ....models import Grid
from ...process.connection import submit
from ...queue import change_log, rollout_keys
from ...queue.together import requests_together
from ..events import grid_events, kube_events
from ..events.grid_events import NewEvent
from ..observation.observation import Observation
from ..writes.apply import StepResult
from . import cells, publish, resource_status, sums
from .judge import Judged, judge
from .published import Published, published

Body = Mapping[str, Any]


def record(
    seen: Observation, planned: Plan, results: Sequence[StepResult], cluster: Cluster, shut: Sentence | None = None
) -> cells.Cells:
    """Write down the status that the observed objects have after the writes, and what happened on the way; the cells'
    rows afterwards. `shut` is why the namespace is closed to us, if it is. Raises ClusterError."""
    grid, judged = seen.grid, judge(seen, planned, results, cluster)
    status = _closed(judged.status, shut) if shut else judged.status
    said = published(grid, status, grid.generation)
    events = [*judged.events, *said.events]
    kept = _kept(judged, status)
    if _stands(grid, judged, said, kept):
        telling = submit(lambda: resource_status.write(grid, seen.resource, said.body, cluster))
        Grid.objects.filter(pk=grid.pk).update(seen_at=timezone.now())
        rows = judged.changes.after
        if grid.published_version < grid.cells_version:  # a process was killed before it had told what it noted
            kube_events.send([grid], cluster)
    else:
        seen.confirm(cluster)
        telling = submit(lambda: resource_status.write(grid, seen.resource, said.body, cluster))
        rows, is_all = _write(grid, judged, said, events, kept)
        if is_all:
            kube_events.send([grid], cluster)
            sent = {}
            try:
                sent[grid.pk] = resource_status.sent_as(grid, said.body, telling.result().version)
            finally:
                publish.note_published({grid.pk: grid.cells_version}, sent)
    if not telling.result().stands:
        publish.mark([grid])
    return rows


def stands(grid: Grid, judged: Judged) -> bool:
    """Whether what a whole grid was judged to be is what its rows say and what is published, and then note that it was
    seen."""
    found = _stands(grid, judged, published(grid, judged.status, grid.generation), _kept(judged, judged.status))
    if found:
        Grid.objects.filter(pk=grid.pk).update(seen_at=timezone.now())
    return found


def _kept(judged: Judged, status: GridStatus) -> dict[str, Any]:
    """What the grid's row keeps of it, by field."""
    return {"whole": status.whole.to_json(), **sums.made_of(judged.changes.after.values())}


def _stands(grid: Grid, judged: Judged, said: Published, kept: Mapping[str, Any]) -> bool:
    same = all(getattr(grid, name) == value for name, value in kept.items())
    return same and not (judged.changes.shown or judged.events or said.events or said.differs)


def _closed(status: GridStatus, why: Sentence) -> GridStatus:
    """The status where the namespace is closed to us."""
    claims = (*status.whole.claims, Condition(CLOSED, "True", CLOSED, why))
    return replace(status, whole=replace(status.whole, claims=claims))


def _write(
    grid: Grid, judged: Judged, said: Published, events: Sequence[NewEvent], kept: Mapping[str, Any]
) -> tuple[cells.Cells, bool]:
    """Write what is news; the cells' rows, and whether that is all there is to publish. Where somebody else recorded
    cells of the grid since it was read, its status is made anew from all rows, by whoever publishes it."""
    with transaction.atomic(), requests_together():
        row = Grid.objects.filter(pk=grid.pk).locked().first()
        if row is None:
            return judged.changes.after, False
        is_all = row.cells_version == grid.cells_version
        fields: dict[str, Any] = {"whole": kept["whole"], "seen_at": timezone.now()}
        fields["cells_version"] = row.cells_version + 1
        if is_all:
            fields |= {**kept, **said.fields}
            rows = cells.write([judged.changes])[0]
        else:
            before = sums.stored([judged.changes])
            rows = cells.write([judged.changes])[0]
            sums.replace(row, before, sums.written([judged.changes]))
            fields |= {name: getattr(row, name) for name in sums.FIELDS}
            publish.request([grid])
        Grid.objects.filter(pk=grid.pk).update(**fields)
        rollout_keys.wake([row] if row.stable is not None or any(each.assigned for each in rows.values()) else ())
        grid_events.record({grid.path: events}, unsent=True)
        if judged.changes.shown or said.differs:
            change_log.record("grid", [grid.path])
    for name, value in fields.items():
        setattr(grid, name, value)
    return rows, is_all


def record_invalid(grid: Grid, resource: Body | None, invalid: Invalid, cluster: Cluster) -> None:
    """Note that a custom resource holds what we refuse; nothing else is changed."""
    problem = invalid.problems[0]
    text = say("%(pointer)s: %(problem)s", pointer=problem.pointer or "/", problem=problem.sentence)
    whole = Whole(Finding("", "InvalidSpec", text))
    said = published(grid, status_of((), whole), grid.generation)
    fields = {**said.fields, "whole": whole.to_json(), "seen_at": timezone.now()}
    Grid.objects.filter(pk=grid.pk).update(**fields)
    if said.differs:
        news = [NewEvent("", "InvalidSpec", text, warning=True)]
        grid_events.record({grid.path: news}, unsent=True)
        kube_events.send([grid], cluster)
        change_log.record("grid", [grid.path])
    if not resource_status.write(grid, resource, said.body, cluster).stands:
        publish.mark([grid])
