"""Recording some cells of several grids: as much as was observed, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from ....cluster import Cluster
from ....core.plans.plan import Plan
from ....models import Grid
from ...queue import change_log, workqueue
from ..events import grid_events, kube_events
from ..observation.observation import Observation
from ..writes.apply import StepResult
from . import cells, record


@dataclass(frozen=True, slots=True)
class CellBatch:
    """Some cells of one grid of workloads: what was observed of them alone (`observe(…, only=units)`), what was planned
    from that, and what became of the steps. A grid is in one batch at most."""

    seen: Observation
    planned: Plan
    results: Sequence[StepResult] = ()


def record_cells(batches: Sequence[CellBatch], cluster: Cluster) -> dict[int, cells.Cells]:
    """Write down the state of these cells alone, and what happened on the way, and have the status of their grids
    published; the rows afterwards of each grid, by its primary key. Raises ClusterError."""
    found = [(each, record.judge(each.seen, each.planned, each.results, cluster)) for each in batches]
    shown = [(each, news) for each, news in found if news.is_news]
    if shown:
        shown[0][0].seen.confirm(cluster)
    rows = {each.seen.grid.pk: news.changes.after for each, news in found}
    with transaction.atomic():
        for each, news in shown:
            rows[each.seen.grid.pk] = cells.write(each.seen.grid, news.changes)
            grid_events.record(each.seen.grid.path, news.events)
        change_log.record("grid", [each.seen.grid.path for each, news in shown if news.changes.shown])
        publish([each.seen.grid for each, _ in shown])
    for each, news in shown:
        kube_events.emit(each.seen.grid, news.events, cluster)
    return rows


def publish(grids: Sequence[Grid]) -> None:
    """Have the status of these grids written to their custom resources soon."""
    workqueue.enqueue(grid.path for grid in grids)
