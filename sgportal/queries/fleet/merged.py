"""Rows of several tables as one list, the latest first, read a page at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.db.models import Q, QuerySet

Place = Sequence[Any]  # of an entry in the list: when (ISO 8601), the number of its source, the row


class _Placed(Protocol):
    @property
    def at(self) -> datetime: ...

    @property
    def place(self) -> tuple[str, int, int]: ...


Entry = TypeVar("Entry", bound=_Placed)


def behind(rows: "QuerySet[Any]", field: str, source: int, before: Place | None) -> "QuerySet[Any]":
    """The rows of a source in the order of the list, which is that of this field; those behind a place, where one is
    given."""
    if before:
        at, number, pk = datetime.fromisoformat(before[0]), before[1], before[2]
        later = Q(**{f"{field}__lt": at})
        if source < number:
            later |= Q(**{field: at})
        elif source == number:
            later |= Q(**{field: at, "pk__lt": pk})
        rows = rows.filter(later)
    return rows.order_by(f"-{field}", "-pk")


def latest(found: Iterable[Entry], limit: int) -> list[Entry]:
    """The first of these in the order of the list."""
    return sorted(found, key=lambda each: (each.at, *each.place[1:]), reverse=True)[:limit]
