"""Which cells something happened to. A cell is what a grid has in a NodeUnit; those of one label key are reconciled in
batches, under one work key."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ...models import DueCell

KIND = "cells"  # of the work keys


@dataclass(frozen=True, slots=True)
class Cell:
    """A NodeUnit of a label key, and the primary key of a grid (None: all grids of that key). `moved`: it has other
    members than before, so that workloads may be lacking there; such cells come first. `changed`: the grid's spec has
    changed and is not carried out there yet, so that what differs is nobody's doing."""

    label: str
    grid: int | None
    unit: str
    moved: bool = False
    changed: bool = False


_FIELDS = ("label", "grid", "unit", "moved", "changed")


def key_of(label: str) -> str:
    """The work key of the cells of a label key."""
    return f"{KIND}/{label}"


def add(cells: Iterable[Cell]) -> set[str]:
    """Note cells as due; the work keys that the caller enqueues in the same transaction. One statement."""
    wanted = sorted(set(cells), key=lambda cell: (cell.label, cell.grid or 0, cell.unit))
    DueCell.objects.bulk_create(DueCell(**{field: getattr(each, field) for field in _FIELDS}) for each in wanted)
    return {key_of(each.label) for each in wanted}


def waiting(label: str, most: int) -> list[DueCell]:
    """Up to so many of the rows of a label key, those of units with other members first, then the oldest."""
    return list(DueCell.objects.filter(label=label).order_by("-moved", "pk")[:most])


def remove(rows: Collection[DueCell]) -> None:
    """These are done."""
    DueCell.objects.filter(pk__in=[each.pk for each in rows]).delete()


def changing(grid: int) -> set[str]:
    """The NodeUnits of a grid where its changed spec is still to be carried out, cell by cell."""
    return set(DueCell.objects.filter(grid=grid, changed=True).values_list("unit", flat=True))
