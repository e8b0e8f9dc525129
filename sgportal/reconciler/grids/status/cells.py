"""The rows of a grid's cells: what was observed of each, and how its writes are paced."""

import functools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from ....core.health import severity
from ....core.overrides.orphans import grace_of
from ....core.plans.contest import Attempt, Attempts, retry_at
from ....core.plans.per_unit.sequence import WAITS
from ....core.plans.plan import PAUSED, Step, unit_of
from ....core.plans.retirement import HELD, KEPT
from ....core.status.parts import UnitStatus
from ....models import Grid, GridUnit
from ....models.bulk import update_rows, upsert_rows
from ...fleet import halt
from ...queue import change_log, unit_history, workqueue
from ..observation.observation import Observation, changed
from .creation_failures import LOOK_AGAIN

Cells = Mapping[str, GridUnit]
WAITS_SECONDS = 15.0  # until another look at a unit that waits for another grid there
# What a person decides, and what paces the writes, is never overwritten by what was read before.
_NOT_OBSERVED = (
    "id",
    "grid",
    "name",
    "gone_since",
    "retirement",
    "held_since",
    "recreate",
    "failures",
    "next_at",
    "pinned",
    "assigned",
    "joined",
)
_OBSERVED = [each.name for each in GridUnit._meta.concrete_fields if each.name not in _NOT_OBSERVED]


def note_nodes(seen: Observation) -> Observation:
    """Note since when a unit that still has a child has had no nodes; forget that, and what was decided about the
    child, where it has nodes again. Called once it is certain which cluster was observed."""
    for names, fields in _news_of_nodes(seen):
        seen.grid.units.filter(name__in=names).update(**fields)
        seen = seen.with_cells(names, **fields)
        if "retirement" in fields:
            change_log.record("cluster", [halt.CHANGE_LOG_KEY])
    return seen


def has_news_of_nodes(seen: Observation) -> bool:
    """Whether `note_nodes` would write."""
    return bool(_news_of_nodes(seen))


def _news_of_nodes(seen: Observation) -> list[tuple[set[str], dict[str, Any]]]:
    with_child = {unit_of(seen.spec, each) for each in seen.live} - {""}
    missed = {name for name, cell in seen.cells.items() if cell.gone_since}
    decided = {name for name, cell in seen.cells.items() if cell.retirement}
    news: list[tuple[set[str], dict[str, Any]]] = [
        (missed & seen.units.keys(), {"gone_since": None}),
        ((with_child - seen.units.keys() - missed) & seen.cells.keys(), {"gone_since": seen.at}),
        (decided & seen.units.keys(), {"retirement": "", "held_since": None}),
    ]
    return [each for each in news if each[0]]


def ready_to_try(cells: Cells, steps: Iterable[Step]) -> list[Step]:
    """The steps of units that are not in back-off. One that lasts longer than any was set by a clock that was wrong."""
    now = timezone.now()
    longest = now + timedelta(seconds=settings.SGPORTAL_BACKOFF_CAP_SECONDS)
    waiting = {name for name, cell in cells.items() if cell.next_at and now < cell.next_at <= longest}
    return [step for step in steps if step.unit not in waiting]


@dataclass(frozen=True, slots=True)
class CellChanges:
    """What is to be written of a grid's cells: `before` are the rows as they were read, `after` as they will be, by
    name of unit; `written` of those are new or say something else than before. `failed` and `done` are the units whose
    writes failed, or were made although they had failed before or a person had asked for them."""

    grid: Grid
    before: Cells
    after: Cells
    written: Collection[str] = ()
    failed: Collection[str] = ()
    done: Collection[str] = ()

    @property
    def gone(self) -> list[str]:
        """The units whose rows go."""
        return [name for name in self.before if name not in self.after]

    @property
    def shown(self) -> bool:
        """Whether a reader sees something else afterwards."""
        return bool(self.written or self.gone or self.failed or self.done)


def compare(
    grid: Grid,
    before: Cells,
    units: Iterable[UnitStatus],
    attempts: Mapping[str, Attempts],
    failed: Collection[str],
    tried: Collection[str],
    reached: Mapping[str, int],
) -> CellChanges:
    """What recording these units' states comes to; nothing is written yet. `reached`: the revisions of those units
    whose children are as they should be."""
    after, written = {}, []
    for unit in units:
        values = {**_values(unit, attempts.get(unit.name, {})), "generation": grid.generation}
        cell = before.get(unit.name)
        values["revision"] = reached.get(unit.name, cell.revision if cell else 0)
        if cell is None or any(getattr(cell, name) != value for name, value in values.items()):
            cell = changed(cell or GridUnit(grid=grid, name=unit.name), **values)
            written.append(unit.name)
        after[unit.name] = cell
    tried = {name for name in tried if name in after and name not in failed}
    return CellChanges(
        grid=grid,
        before=before,
        after=after,
        written=written,
        failed={name for name in failed if name in after},
        done={name for name in tried if after[name].failures or after[name].next_at or after[name].recreate},
    )


def write(changes: Sequence[CellChanges]) -> list[Cells]:
    """Write what is to be written of the cells of several grids, in a constant number of statements, within a
    transaction that has locked the grids' rows; the rows afterwards of each grid."""
    after = [
        {name: _unsaved(cell) if name in each.written else cell for name, cell in each.after.items()}
        for each in changes
    ]
    written = [cells[name] for each, cells in zip(changes, after, strict=True) for name in each.written]
    upsert_rows(written, ["grid", "name"], _OBSERVED)
    gone = [Q(grid=each.grid, name__in=each.gone) for each in changes if each.gone]
    if gone:
        GridUnit.objects.filter(functools.reduce(or_, gone)).delete()
    _remember(changes)
    _slow_down([cells[name] for each, cells in zip(changes, after, strict=True) for name in each.failed])
    _speed_up([cells[name] for each, cells in zip(changes, after, strict=True) for name in each.done])
    return list(after)


def _remember(changes: Sequence[CellChanges]) -> None:
    news = [each for each in changes if each.written or each.gone]
    units = {name for each in news for name in (*each.written, *each.gone) if name}
    unit_history.remember({each.grid.key for each in news if set(each.written) - each.before.keys()})
    unit_history.note_cells([each.grid for each in news], units)


def _unsaved(cell: GridUnit) -> GridUnit:
    """A copy that is found by its grid and name: the row it was read from may be gone."""
    return changed(cell, pk=None)


def _slow_down(cells: Sequence[GridUnit]) -> None:
    """Have these wait before the next try, the longer the more often they failed. How often is asked now: whoever saves
    the grid meanwhile wants it tried at once."""
    if not cells:
        return
    failures = dict(GridUnit.objects.filter(pk__in=[cell.pk for cell in cells]).values_list("pk", "failures"))
    now = timezone.now()
    for cell in cells:
        before = failures.get(cell.pk, 0)
        cell.failures = before + 1
        cell.next_at = now + timedelta(seconds=workqueue.backoff(before))
    update_rows(cells, ["failures", "next_at"])


def _speed_up(cells: Sequence[GridUnit]) -> None:
    """These were written: nothing waits, and what a person had asked for when they were read is done."""
    if not cells:
        return
    GridUnit.objects.filter(pk__in=[cell.pk for cell in cells]).update(failures=0, next_at=None)
    if asked := [cell.pk for cell in cells if cell.recreate]:
        GridUnit.objects.filter(pk__in=asked).update(recreate=False)
    for cell in cells:
        cell.failures, cell.next_at, cell.recreate = 0, None, False


def _values(unit: UnitStatus, attempts: Attempts) -> dict[str, Any]:
    """What a row says of a unit that is in this state; `queries.status.unit_status` reads it back."""
    return {
        "state": unit.state,
        "severity": severity(unit.state),
        "reason": unit.reason[:100],
        "message": unit.sentence.to_json(),
        "template": unit.template,
        "child": unit.child,
        "desired": unit.desired,
        "ready": unit.ready,
        "updated": unit.updated,
        "nodes": unit.nodes,
        "served": unit.served,
        "misplaced": list(unit.misplaced),
        "notes": [{"reason": reason, "message": sentence.to_json()} for reason, sentence in unit.notes],
        "attempts": {name: each.to_json() for name, each in attempts.items()},
        "contested": unit.contested.to_json() if unit.contested else {},
        "child_status": dict(unit.child_status),
    }


def requeue_after(grid: Grid, cells: Cells) -> float | None:
    """Seconds until the first of what these cells wait for, None where they wait for nothing."""
    grace = grace_of(grid.spec, settings.SGPORTAL_ORPHAN_GRACE_SECONDS)
    times = [when for cell in cells.values() for when in _times(cell, grace)]
    now = timezone.now().timestamp()
    if grid.kind == "StatefulSetGrid" and any(_lacks_pods(cell) for cell in cells.values()):
        times.append(now + LOOK_AGAIN)
    return max(0.5, min(times) - now) if times else None


def _lacks_pods(cell: GridUnit) -> bool:
    return cell.state == "Progressing" and cell.ready < cell.desired


def _times(cell: GridUnit, grace: float) -> Iterator[float]:
    """When a unit wants another look, epoch seconds: its back-off, its grace time is over, a field is to be retried.
    One that is paused waits for a person."""
    if cell.reason == PAUSED:
        return
    if cell.reason in WAITS:  # what it waits for may be no member of the same package
        yield timezone.now().timestamp() + WAITS_SECONDS
    if cell.next_at:
        yield cell.next_at.timestamp()
    if cell.gone_since and cell.retirement not in (HELD, KEPT) and grace != math.inf:
        yield cell.gone_since.timestamp() + grace
    if cell.attempts and (retry := retry_at({name: Attempt.from_json(each) for name, each in cell.attempts.items()})):
        yield retry
