"""Lists, page by page: opaque cursors over a natural order, so that rows that come and go never shift a page."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from django.core.signing import BadSignature, Signer
from django.db.models import Q, QuerySet

from ...core.text import Problem, say
from .problems import Refusal

Shape = Callable[[Any], Any]
MOST_BYTES = 1_000_000  # of a page in JSON; then it ends, wherever its limit is


class Pages:
    """The pages of one list; `place` names the list, so that no other list's cursor fits. `limit` is how many rows are
    asked for at most, `after` the place in the order of the last row of the page before."""

    def __init__(self, place: str, limit: int, cursor: str) -> None:
        self._signer = Signer(salt=f"sgportal.cursor:{place}")
        self.limit = limit
        self.after = self._read(cursor) if cursor else None

    def _read(self, cursor: str) -> list[Any]:
        try:
            return list(self._signer.unsign_object(cursor))
        except BadSignature:
            problem = Problem("/cursor", say("is not a cursor of this list; omit it to start over"))
            raise Refusal(400, say("the cursor is invalid"), [problem]) from None

    def of_rows(self, rows: "QuerySet[Any]", order: Sequence[str], shape: Shape) -> dict[str, Any]:
        """A page of a query in this order of fields: all upwards, or all downwards (`-field`)."""
        names = [name.removeprefix("-") for name in order]
        if self.after is not None:
            rows = rows.filter(_beyond(names, self.after, "lt" if order[0].startswith("-") else "gt"))
        found = list(rows.order_by(*order)[: self.limit + 1])
        return self._page(found, shape, lambda row: [_plain(getattr(row, name)) for name in names])

    def of_sequence(self, rows: Sequence[Any], key: Callable[[Any], Sequence[str]], shape: Shape) -> dict[str, Any]:
        """A page of values already in memory, in order of `key`."""
        rows = sorted(rows, key=lambda row: list(key(row)))
        if self.after is not None:
            rows = [row for row in rows if list(key(row)) > self.after]
        return self._page(rows[: self.limit + 1], shape, lambda row: list(key(row)))

    def of_places(self, found: Sequence[Any], shape: Shape) -> dict[str, Any]:
        """A page of values that know their `place`: those behind `after`, one more than the limit where there are."""
        return self._page(found, shape, lambda each: list(each.place))

    def cursor(self, last: Sequence[Any]) -> str:
        """What leads to the rows behind this one, by its place in the order."""
        return str(self._signer.sign_object(list(last)))

    def _page(self, found: Sequence[Any], shape: Shape, key: Callable[[Any], list[Any]]) -> dict[str, Any]:
        items = _within(map(shape, found[: self.limit]))
        more = len(found) > len(items)
        return {"items": items, "next": self.cursor(key(found[len(items) - 1])) if more else None}


def _within(items: Iterable[Any]) -> list[Any]:
    """The first of these, as many as a page may hold; one at least."""
    found: list[Any] = []
    size = 0
    for item in items:
        size += len(orjson.dumps(item, default=str))
        if found and size > MOST_BYTES:
            break
        found.append(item)
    return found


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str) else str(value)


def _beyond(names: Sequence[str], values: Sequence[Any], verb: str) -> Q:
    """The rows behind one with these values."""
    found = Q()
    for index, name in enumerate(names):
        same = Q(**dict(zip(names[:index], values[:index], strict=True)))
        found |= same & Q(**{f"{name}__{verb}": values[index]})
    return found
