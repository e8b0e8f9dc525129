"""Recording some cells of several grids: as much as was observed, and no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from ....cluster import Cluster
from ....core.plans.plan import Plan
from ....models import Grid
from ....models.bulk import update_rows
from ...queue import change_log, rollout_keys
from ...queue.together import requests_together
from ..events import grid_events
from ..observation.observation import Observation
from ..writes.apply import StepResult
from . import cells, publish, sums
from .judge import Judged, judge


@dataclass(frozen=True, slots=True)
class CellBatch:
    """Some cells of one grid of workloads: what was observed of them alone (`observe_cells`), what was planned
    from that, and what became of the steps. A grid is in one batch at most."""

    seen: Observation
    planned: Plan
    results: Sequence[StepResult] = ()


def record_cells(batches: Sequence[CellBatch], cluster: Cluster) -> dict[int, cells.Cells]:
    """Write down the state of these cells alone, and what happened on the way, in a constant number of statements, and
    have the status of their grids published; the rows afterwards of each grid, by its primary key. Raises
    ClusterError."""
    found = {each.seen.grid.pk: judge(each.seen, each.planned, each.results, cluster) for each in batches}
    rows = {pk: judged.changes.after for pk, judged in found.items()}
    news = {pk: judged for pk, judged in found.items() if judged.is_news}
    if news:
        next(each.seen for each in batches if each.seen.grid.pk in news).confirm(cluster)
        rows |= _write(news)
    return rows


_READ = ("kind", "namespace", "name", "key", "stable", "whole", "cells_version", *sums.FIELDS)  # by recording


def _is_rolled_out(grid: Grid, rows: cells.Cells) -> bool:
    return grid.stable is not None or any(each.assigned is not None for each in rows.values())


def _write(news: Mapping[int, Judged]) -> dict[int, cells.Cells]:
    with transaction.atomic(), requests_together():
        grids = {grid.pk: grid for grid in Grid.objects.filter(pk__in=news).only(*_READ).locked()}
        there = {pk: news[pk] for pk in grids}  # others were removed meanwhile
        changes = [judged.changes for judged in there.values()]
        before = sums.stored(changes)
        rows = dict(zip(there, cells.write(changes), strict=True))
        after = sums.written(changes)
        for pk, grid in grids.items():
            mine = ([part for part in parts if part.grid_id == pk] for parts in (before, after))
            sums.replace(grid, *mine)
            grid.cells_version += 1
            if not grid.whole.get("claims"):  # whether its namespace is closed is known of the whole grid only
                grid.whole = there[pk].status.whole.to_json()
        update_rows(list(grids.values()), [*sums.FIELDS, "cells_version", "whole"])
        grid_events.record({grids[pk].path: judged.events for pk, judged in there.items()}, unsent=True)
        change_log.record("grid", [grids[pk].path for pk, judged in there.items() if judged.changes.shown])
        publish.request(list(grids.values()))
        rollout_keys.wake(grid for pk, grid in grids.items() if _is_rolled_out(grid, rows[pk]))
    return rows
