"""Rows of several tables as one list, the latest first, read a page at a time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from django.db.models import Q, QuerySet

from ...core.text import Invalid, Problem, pointer, say

Place = Sequence[Any]  # of an entry in the list: when (ISO 8601), the number of its source, the row


class _Placed(Protocol):
    @property
    def at(self) -> datetime: ...

    @property
    def place(self) -> tuple[str, int, int]: ...


_MOST = 2**63 - 1  # that a key of a row can be
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


def written(place: Place) -> str:
    """A place as a parameter of an address."""
    return ",".join(map(str, place))


def read_place(text: str, name: str) -> Place | None:
    """The place that a parameter says, None where it says none. Raises Invalid."""
    if not text:
        return None
    try:
        at, number, pk = text.split(",")
        place = datetime.fromisoformat(at).astimezone(UTC).isoformat(), int(number), int(pk)
    except (ValueError, OverflowError):
        place = None
    if place is None or abs(place[2]) > _MOST:
        raise Invalid(Problem(pointer(name), say("is not a cursor of this list; omit it to start over")))
    return place


def latest(found: Iterable[Entry], limit: int) -> list[Entry]:
    """The first of these in the order of the list."""
    return sorted(found, key=lambda each: (each.at, *each.place[1:]), reverse=True)[:limit]
