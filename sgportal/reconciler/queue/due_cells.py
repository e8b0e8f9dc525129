"""Which cells something happened to. A cell is what a grid has in a NodeUnit; those of one label key are reconciled in
batches, under one work key."""

import random
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import NamedTuple

from ...models import DueCell
from ...models.bulk import upsert_rows
from ...models.scopes.clusters import DEFAULT, current
from ...models.statements import returned, run
from . import workqueue
from .together import requests_together

KIND = "cells"  # of the work keys
ALL = 0  # in the place of a grid
_CELL = ("label", "grid", "unit", "moved", "changed")


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A NodeUnit of a label key, and the primary key of a grid, or ALL grids of that key. `moved`: it has other members
    than before, so that workloads may be lacking there; such cells come first. `changed`: the grid's spec has changed
    and is not carried out there yet, so that what differs is nobody's doing."""

    label: str
    grid: int
    unit: str
    moved: bool = False
    changed: bool = False


class DueRow(NamedTuple):
    """What a row of a due cell says. Hundreds are read before each batch, so these are no objects of Django's."""

    pk: int
    label: str
    grid: int
    unit: str
    moved: bool
    changed: bool
    batch: int


def key_of(label: str) -> str:
    """The work key of the cells of a label key."""
    return f"{KIND}/{label}"


def enqueue(cells: Collection[Cell], others: Iterable[str] = ()) -> None:
    """Have these cells reconciled, and the work keys `others`, in the transaction of the caller. A unit has other
    members, or a grid's spec changed: at once; all else may wait for more of its kind."""
    if cells:
        add(cells)
    urgent = {key_of(each.label) for each in cells if each.moved or each.changed}
    with requests_together():
        workqueue.enqueue(urgent | set(others))
        workqueue.enqueue_spaced({key_of(each.label) for each in cells} - urgent)


def add(cells: Iterable[Cell]) -> None:
    """Note cells as due, each once however often something happens to it. One statement.

    A row that is there already is locked to the end of the transaction: whoever takes it sees what happened."""
    wanted = sorted(set(cells))
    rows = [DueCell(**{**asdict(each), "grid": each.grid or _all_grids()}) for each in wanted]
    upsert_rows(rows, [*_CELL, "batch"], ["moved"])


def _all_grids() -> int:
    """What stands in a row in the place of all grids. NodeUnits have the same names in every cluster, and the rows of
    two clusters are told apart by the grid."""
    return ALL if current() == DEFAULT else -current()


def is_of_all_grids(row: DueRow) -> bool:
    """Whether it is the cell of all grids of its label key."""
    return row.grid <= ALL


def waiting(label: str, most: int, others: int) -> list[DueRow]:
    """Up to `most` of the rows of a label key, those of units with other members first, then the oldest. Where the
    former leave no room, the `others` oldest of the latter are there as well."""
    rows = _rows(_WAITING, label=label, most=most)
    there = sum(not row.moved for row in rows)
    if len(rows) == most and there < others:
        rows += _rows(_OTHERS, label=label, most=others)[there:]
    return rows


_READ = "SELECT id, label, grid, unit, moved, changed, batch FROM sgportal_duecell"
_WAITING = f"""
    {_READ} WHERE cluster_id = %(cluster)s AND label = %(label)s ORDER BY moved DESC, id LIMIT %(most)s
"""
_OTHERS = f"""
    {_READ} WHERE cluster_id = %(cluster)s AND label = %(label)s AND NOT moved ORDER BY id LIMIT %(most)s
"""


def _rows(statement: str, label: str, most: int) -> list[DueRow]:
    return [DueRow(*row) for row in returned(statement, label=label, most=most)]


def take(rows: Collection[DueRow]) -> None:
    """These are about to be reconciled: what happens from now on is not covered by them. In a transaction of its own,
    before anything is read."""
    fresh = [each.pk for each in rows if not each.batch]
    if fresh:
        run(_TAKE, rows=fresh, batch=random.getrandbits(62))


_TAKE = """
    UPDATE sgportal_duecell SET batch = %(batch)s WHERE id IN (
        SELECT id FROM sgportal_duecell WHERE cluster_id = %(cluster)s AND id = ANY(%(rows)s)
        ORDER BY label, grid, unit, moved, changed FOR UPDATE
    )
"""


def remove(rows: Collection[DueRow]) -> None:
    """These are done."""
    if rows:
        run(_REMOVE, rows=[each.pk for each in rows])


_REMOVE = "DELETE FROM sgportal_duecell WHERE cluster_id = %(cluster)s AND id = ANY(%(rows)s)"


def is_any_moved(label: str) -> bool:
    """Whether a NodeUnit of a label key has other members, and workloads may be lacking there."""
    return DueCell.objects.filter(label=label, moved=True).exists()


def changing(grid: int) -> set[str]:
    """The NodeUnits of a grid where its changed spec is still to be carried out, cell by cell."""
    return set(DueCell.objects.filter(grid=grid, changed=True).values_list("unit", flat=True))
