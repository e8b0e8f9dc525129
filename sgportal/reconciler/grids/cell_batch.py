"""A batch of cells of one label key: what its grids have in some NodeUnits, observed from what the watch last saw.

What a grid has to be reconciled whole for (a change of its spec, a deletion, trouble that is not one NodeUnit's) is
left to `reconcile`: its key is enqueued.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from django.db import transaction

from ...cluster import Cluster, Conflict
from ...core.grids.grid import GridSpec
from ...core.plans.plan import Plan, Step, plan
from ...core.text import Invalid
from ...models import Grid
from ...queries.plans import is_carried_out, spec_of
from ...queries.policy import closed
from ..queue import due_cells, workqueue
from ..queue.due_cells import Cell, DueRow
from ..queue.together import requests_together
from .observation.cells import observe_cells
from .observation.observation import Observation
from .status import cells
from .status.batch import CellBatch, record_cells
from .writes.apply import apply_steps, raise_if_cut_short

log = logging.getLogger(__name__)
MOST_ROWS = 1000  # looked at in one batch: several may be of one cell
MOST_CELLS = 256  # in one batch, so that none takes longer than a second or two
CAN_WAIT = 4  # cells that can wait count as so many: between two batches of them it is seen who cannot
FEW_ROWS = 64  # of NodeUnits with other members: they are reconciled without those that can wait
PASSED_OVER = 256  # so many rows after one that can wait it is its turn, however many of the others come
REST_SECONDS = 0.4  # between two batches of cells of which only a child has changed
GRID_BUSY = 0.2  # seconds until the next try for the cells of a grid that is being reconciled whole
ANOTHER_WRITER = 1.0  # seconds until another try after somebody else was faster
Wanted = dict[Grid, set[str]]  # the NodeUnits of each grid


@dataclass(slots=True)
class _Left:
    """What a batch leaves: cells to try again, in so many seconds, and grids to reconcile whole, of which some in so
    many seconds. `changed`: the primary keys of grids whose spec changed and is carried out by cells. `moved`: the
    NodeUnits of the batch that have other members."""

    changed: Collection[int] = ()
    moved: Collection[str] = ()
    cells: set[Cell] = field(default_factory=set)
    seconds: float | None = None
    whole: set[Grid] = field(default_factory=set)
    later: dict[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.cells or self.whole or self.later)

    def cell(self, label: str, grid: Grid, unit: str) -> Cell:
        """One that is left."""
        return Cell(label, grid.pk, unit, unit in self.moved, grid.pk in self.changed)

    def again(self, found: Iterable[Cell], seconds: float) -> None:
        """Try these cells again."""
        self.cells.update(found)
        self.seconds = seconds if self.seconds is None else min(seconds, self.seconds)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one grid has in a batch, and those of the steps that are not in back-off."""

    seen: Observation
    planned: Plan
    steps: Sequence[Step]


@dataclass(slots=True)
class _Turn:
    """Several batches, one after the other, each of what comes first at that moment. `done`: how many cells there were
    in them. `newest`: the last row of what can wait that this turn is for: of all there was when it began, or none
    where it began for units with other members. `were_first`: the last batch was of these alone, and so it is the turn
    of what they went before for too long."""

    done: int = 0
    newest: int | None = None
    were_first: bool = False

    def first(self, waiting: Sequence[DueRow]) -> Sequence[DueRow]:
        """Of all rows those that come first: units with other members, alone where these are few."""
        moved, others = [row for row in waiting if row.moved], [row for row in waiting if not row.moved]
        if self.newest is None:
            self.newest = 0 if moved else _newest(waiting)
        passed = _passed_over(waiting)
        if not moved:
            return waiting
        if len(moved) <= FEW_ROWS:
            return passed if self.were_first and passed else moved
        return [*passed, *moved, *others[len(passed) :]]

    def goes_on(self, rows: Sequence[DueRow], cells: int, more: Sequence[DueRow]) -> bool:
        """Whether another batch follows one of these rows, which were so many cells, where `more` are left: for what
        cannot wait, and for what the turn is for. What came since is better done together with what is still to
        come."""
        self.done += cells
        self.were_first = all(row.moved for row in rows)
        if self.were_first and _passed_over([*rows, *more]):
            return True
        if self.done >= MOST_CELLS:
            return False
        return any(_is_urgent(row) or row.pk <= (self.newest or 0) for row in more)


def run(label: str, cluster: Cluster) -> float | None:
    """Reconcile the cells of a label key that have been due for the longest, in batches; those of new NodeUnits first,
    even where they come between two of these. Seconds until the next turn, None where no cell is left. Raises
    ClusterError, and then all that are left stay due."""
    turn = _Turn()
    while True:
        found = due_cells.waiting(label, MOST_ROWS, FEW_ROWS)
        rows, cells, left = _batch(label, turn.first(found), cluster)
        over = {row.pk for row in rows}
        more = [row for row in found if row.pk not in over]
        if left or not turn.goes_on(rows, cells, more):
            return _next(found, more, left)


def _batch(label: str, waiting: Sequence[DueRow], cluster: Cluster) -> tuple[list[DueRow], int, _Left]:
    """Reconcile the first of these; their rows, how many cells they are, and what is left of them."""
    places = Grid.objects.workloads().filter(key=label).only("kind", "namespace", "name")
    grids = {grid.pk: grid for grid in places} if waiting else {}
    rows, wanted = _bounded(waiting, grids)
    left = _Left({row.grid for row in rows if row.grid and row.changed}, {row.unit for row in rows if row.moved})
    if cluster.read_only:
        left.whole.update(wanted)
    elif wanted:
        due_cells.take(rows)
        _run_idle(label, wanted, cluster, left, any(row.moved for row in rows))
    _remove(rows, left)
    return rows, sum(map(len, wanted.values())), left


def _remove(rows: Sequence[DueRow], left: _Left) -> None:
    """These are done, but for what is left."""
    if not left:
        due_cells.remove(rows)
        return
    with transaction.atomic(), requests_together():
        due_cells.remove(rows)
        due_cells.add(left.cells)
        workqueue.enqueue(grid.path for grid in left.whole)
        workqueue.enqueue_later(left.later)


def _passed_over(waiting: Sequence[DueRow]) -> list[DueRow]:
    """The first of those that can wait and have been passed over for too long."""
    newest = _newest(waiting)
    return [row for row in waiting if not row.moved and newest - row.pk > PASSED_OVER][:FEW_ROWS]


def _newest(rows: Sequence[DueRow]) -> int:
    return max((row.pk for row in rows), default=0)


def _is_urgent(row: DueRow) -> bool:
    return row.moved or row.changed


def _next(waiting: Sequence[DueRow], more: Sequence[DueRow], left: _Left) -> float | None:
    """In how many seconds there is more to do: at once, unless it is a few cells of which only a child has changed."""
    if len(more) > MOST_CELLS or len(waiting) >= MOST_ROWS or any(map(_is_urgent, more)):
        return 0.0
    return min([REST_SECONDS] if more else [], default=left.seconds)


def _bounded(waiting: Sequence[DueRow], grids: Mapping[int, Grid]) -> tuple[list[DueRow], Wanted]:
    """As many rows as make up a batch, and the units that they mean of each grid."""
    wanted: Wanted = {}
    rows: list[DueRow] = []
    size = 0
    for row in waiting:
        of_one = [grids[row.grid]] if row.grid in grids else []
        meant = grids.values() if due_cells.is_of_all_grids(row) else of_one
        fresh = [grid for grid in meant if row.unit not in wanted.get(grid, ())]
        size += len(fresh) * (1 if _is_urgent(row) else CAN_WAIT)
        if rows and size > MOST_CELLS:
            break
        rows.append(row)
        for grid in fresh:
            wanted.setdefault(grid, set()).add(row.unit)
    return rows, wanted


def _run_idle(label: str, wanted: Wanted, cluster: Cluster, left: _Left, first: bool) -> None:
    """Reconcile the cells of those grids that are not being reconciled whole; `first`: before other writes."""
    with workqueue.acquire_free(grid.path for grid in wanted) as lease:
        busy = workqueue.held(grid.path for grid in wanted if grid.path not in lease.keys)
        for grid, units in wanted.items():
            if grid.path in busy:
                left.again((left.cell(label, grid, unit) for unit in units), GRID_BUSY)
            elif grid.path not in lease.keys:  # it is in back-off, or was never enqueued
                left.whole.add(grid)
        # Read again: a whole reconcile may have ended between the first look and the lease.
        mine = Grid.objects.defer("status", "sentences").filter(
            pk__in=[each.pk for each in wanted if each.path in lease.keys]
        )
        specs = _specs(mine, label, left)
        observed = observe_cells(label, specs, {grid: wanted[grid] for grid in specs}) if specs else []
        parts = _planned(_with_news_of_nodes(observed, cluster), left)
        if any(part.steps for part in parts):
            parts[0].seen.confirm(cluster)
        batches = _apply(parts, cluster, lease, first)
        _note_what_waits(label, batches, record_cells(batches, cluster), left)


def _specs(grids: Iterable[Grid], label: str, left: _Left) -> dict[Grid, GridSpec]:
    """What the grids say that are at rest: all that is asked of them is done, but for what happened to these cells."""
    found = {}
    for grid in grids:
        if grid.deleting_since or grid.missing_since:  # it is reconciled whole when it goes, and when it is back
            continue
        if not is_carried_out(grid) or grid.key != label or closed(grid.namespace):
            left.whole.add(grid)
            continue
        try:
            spec = spec_of(grid)
        except Invalid:  # which a whole reconcile says
            left.whole.add(grid)
            continue
        if spec.division:  # what is divided among all units is not one unit's
            left.whole.add(grid)
        else:
            found[grid] = spec
    return found


def _with_news_of_nodes(observed: Iterable[Observation], cluster: Cluster) -> Iterator[Observation]:
    for seen in observed:
        if cells.has_news_of_nodes(seen):
            seen.confirm(cluster)
            yield cells.note_nodes(seen)
        else:
            yield seen


def _planned(observed: Iterable[Observation], left: _Left) -> list[_Part]:
    """The plan for each grid's cells, where no more than these cells are concerned."""
    found = []
    for seen in observed:
        try:
            world = replace(seen.world(), carried_out=seen.grid.pk not in left.changed)
            planned = plan(seen.spec, world)
        except Exception:  # one grid that cannot be planned delays no other
            log.exception("%s: its cells wait until it is reconciled whole", seen.grid.path)
            left.whole.add(seen.grid)
            continue
        if _concerns_the_whole(planned):
            left.whole.add(seen.grid)
        else:
            found.append(_Part(seen, planned, cells.ready_to_try(seen.cells, planned.steps)))
    return found


def _concerns_the_whole(planned: Plan) -> bool:
    """Whether there is more to do than to create and update: what goes is counted over all grids first."""
    more = any(step.verb not in ("create", "update") for step in planned.steps)
    return more or any(not finding.unit for finding in planned.findings)


def _apply(parts: Sequence[_Part], cluster: Cluster, lease: workqueue.KeyLease, first: bool) -> list[CellBatch]:
    """Apply the steps of all grids side by side."""
    done = iter(apply_steps([step for part in parts for step in part.steps], cluster, lease.lost, first))
    return [CellBatch(part.seen, part.planned, list(islice(done, len(part.steps)))) for part in parts]


def _note_what_waits(
    label: str, batches: Sequence[CellBatch], recorded: Mapping[int, cells.Cells], left: _Left
) -> None:
    for each in batches:
        raise_if_cut_short(each.results)
        grid = each.seen.grid
        late = [result.step.unit for result in each.results if isinstance(result.error, Conflict)]
        if late:
            left.again((left.cell(label, grid, unit) for unit in late), ANOTHER_WRITER)
        if (seconds := cells.requeue_after(grid, recorded[grid.pk])) is not None:
            left.later[grid.path] = seconds
