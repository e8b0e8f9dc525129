"""The rows of a grid's cells: what was observed of each, and how its writes are paced."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from ....core.health import severity
from ....core.plans.contest import Attempt, Attempts, retry_at
from ....core.plans.plan import Step, unit_of
from ....core.plans.retirement import HELD, KEPT
from ....core.status.status import UnitStatus
from ....models import Grid, GridUnit
from ...fleet import halt
from ...queue import change_log, workqueue
from ..observation.observation import Observation, changed
from .creation_failures import LOOK_AGAIN

Cells = Mapping[str, GridUnit]
BATCH = 200  # rows in one statement
# What a person decides, and what paces the writes, is never overwritten by what was read before.
_NOT_OBSERVED = ("id", "grid", "name", "gone_since", "retirement", "held_since", "recreate", "failures", "next_at")
_COLUMNS = [each.name for each in GridUnit._meta.concrete_fields if each.name not in _NOT_OBSERVED]


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
    """The steps of units that are not in back-off."""
    now = timezone.now()
    waiting = {name for name, cell in cells.items() if cell.next_at and cell.next_at > now}
    return [step for step in steps if step.unit not in waiting]


@dataclass(frozen=True, slots=True)
class CellChanges:
    """What is to be written of a grid's cells: `after` are the rows as they will be, by name of unit; of those, `fresh`
    are new and `other` say something else than before. `gone` names rows that go; `failed` and `done` are the units
    whose writes failed, or were made although they had failed before or a person had asked for them."""

    after: Cells
    fresh: Sequence[GridUnit] = ()
    other: Sequence[GridUnit] = ()
    gone: Collection[str] = ()
    failed: Collection[str] = ()
    done: Collection[str] = ()

    @property
    def shown(self) -> bool:
        """Whether a reader sees something else afterwards."""
        return bool(self.fresh or self.other or self.gone or self.failed or self.done)


def compare(
    grid: Grid,
    before: Cells,
    units: Iterable[UnitStatus],
    attempts: Mapping[str, Attempts],
    failed: Collection[str],
    tried: Collection[str],
) -> CellChanges:
    """What recording these units' states comes to; nothing is written yet."""
    after, fresh, other = {}, [], []
    for unit in units:
        values = _values(unit, attempts.get(unit.name, {}))
        cell = before.get(unit.name)
        if cell is None:
            cell = GridUnit(grid=grid, name=unit.name, **values)
            fresh.append(cell)
        elif any(getattr(cell, name) != value for name, value in values.items()):
            cell = changed(cell, **values)
            other.append(cell)
        after[unit.name] = cell
    tried = {name for name in tried if name in after and name not in failed}
    return CellChanges(
        after=after,
        fresh=fresh,
        other=other,
        gone=before.keys() - after.keys(),
        failed={name for name in failed if name in after},
        done={name for name in tried if after[name].failures or after[name].next_at or after[name].recreate},
    )


def write(grid: Grid, changes: CellChanges) -> Cells:
    """Write them, within a transaction; the rows afterwards."""
    GridUnit.objects.bulk_create(changes.fresh)
    GridUnit.objects.bulk_update(changes.other, _COLUMNS, batch_size=BATCH)
    if changes.gone:
        grid.units.filter(name__in=changes.gone).delete()
    after = dict(changes.after)
    if changes.failed:
        after |= _slow_down(grid, {name: after[name] for name in changes.failed})
    if changes.done:
        after |= _speed_up(grid, {name: after[name] for name in changes.done})
    return after


def _slow_down(grid: Grid, cells: Cells) -> Cells:
    """Have these wait before the next try, the longer the more often they failed. How often is asked now: whoever saves
    the grid meanwhile wants it tried at once."""
    failures = dict(grid.units.filter(name__in=cells.keys()).values_list("name", "failures"))
    now = timezone.now()
    after = {
        name: changed(
            cell,
            failures=failures.get(name, 0) + 1,
            next_at=now + timedelta(seconds=workqueue.backoff(failures.get(name, 0))),
        )
        for name, cell in cells.items()
    }
    GridUnit.objects.bulk_update(after.values(), ["failures", "next_at"], batch_size=BATCH)
    return after


def _speed_up(grid: Grid, cells: Cells) -> Cells:
    """These were written: nothing waits, and what a person had asked for when they were read is done."""
    asked = [name for name, cell in cells.items() if cell.recreate]
    grid.units.filter(name__in=cells.keys()).update(failures=0, next_at=None)
    if asked:
        grid.units.filter(name__in=asked).update(recreate=False)
    return {name: changed(cell, failures=0, next_at=None, recreate=False) for name, cell in cells.items()}


def _values(unit: UnitStatus, attempts: Attempts) -> dict[str, Any]:
    """What a row says of a unit that is in this state."""
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
    }


def requeue_after(grid: Grid, cells: Cells) -> float | None:
    """Seconds until the first of what these cells wait for, None where they wait for nothing."""
    times = [when for cell in cells.values() for when in _times(cell)]
    now = timezone.now().timestamp()
    if grid.kind == "StatefulSetGrid" and any(_lacks_pods(cell) for cell in cells.values()):
        times.append(now + LOOK_AGAIN)
    return max(0.5, min(times) - now) if times else None


def _lacks_pods(cell: GridUnit) -> bool:
    return cell.state == "Progressing" and cell.ready < cell.desired


def _times(cell: GridUnit) -> Iterator[float]:
    """When a unit wants another look, epoch seconds: its back-off, its grace time is over, a field is to be retried."""
    if cell.next_at:
        yield cell.next_at.timestamp()
    if cell.gone_since and cell.retirement not in (HELD, KEPT):
        yield cell.gone_since.timestamp() + settings.SGPORTAL_ORPHAN_GRACE_SECONDS
    if cell.attempts and (retry := retry_at({name: Attempt.from_json(each) for name, each in cell.attempts.items()})):
        yield retry
