"""A list as CSV (RFC 4180), with the filters of its page: all rows up to MOST, whatever page is shown."""

import csv
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse

MOST = 10_000  # rows
Columns = Mapping[str, Callable[[Any], object]]
# What a spreadsheet would take for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def wants_csv(request: HttpRequest) -> bool:
    """Whether the URL asks for a list as CSV."""
    return request.GET.get("format") == "csv"


def as_csv(name: str, columns: Columns, rows: Iterable[Any]) -> HttpResponse:
    """The rows as a file `<name>.csv`, in UTF-8 with a byte order mark, which spreadsheets need. Titles of columns are
    the same in every language."""
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer["Cache-Control"] = "private, no-cache"
    writer = csv.writer(answer)
    writer.writerow(map(_harmless, columns))
    for row in islice(rows, MOST):
        writer.writerow([_harmless(value(row)) for value in columns.values()])
    return answer


def _harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
