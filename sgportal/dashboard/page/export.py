"""A list as CSV (RFC 4180), with the filters of its page: all rows up to MOST, whatever page is shown."""

import csv
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from io import StringIO
from itertools import islice
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse

MOST = 10_000  # rows
CHUNK = 500  # rows that are in memory at a time
Answer = TypeVar("Answer", bound=HttpResponseBase)
Columns = Mapping[str, Callable[[Any], object]]
# What a spreadsheet would take for a formula (OWASP, CSV injection): a sign, full-width or small signs too, that is the
# first thing to be seen in a cell. A semicolon begins another cell where that is the separator of lists, as it is in
# half of Europe, quoted or not.
_BEGUN = re.compile(
    "(^|[;\t\r\n])([\\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]*+)([=+@＝＋－＠﹢﹣﹦﹫-]?)"
)
_AT_ONCE = ("\t", "\r", "\n")  # spreadsheets leave these out, and look at what follows


def wants_csv(request: HttpRequest) -> bool:
    """Whether the URL asks for a list as CSV."""
    return request.GET.get("format") == "csv"


def as_csv(request: HttpRequest, name: str, columns: Columns, rows: Iterable[Any]) -> HttpResponse:
    """The rows as a file `<name>.csv`, in UTF-8 with a byte order mark, which spreadsheets need. Titles of columns are
    the same in every language."""
    return as_file(request, f"{name}.csv", "text/csv; charset=utf-8", _texts(columns, rows))


def as_file(request: HttpRequest, name: str, content: str, texts: Iterator[str]) -> HttpResponse:
    """The pieces of a text as a file of this name and type. Whatever goes wrong with the first answers as it does on
    any page; what comes after that is sent as it is made, in the scope and the language of who asks."""
    context = copy_context()
    head, further = next(texts, ""), next(texts, None)
    if further is None:
        return _file(HttpResponse(head), name, content)
    send = _sent if isinstance(request, ASGIRequest) else _all
    answer = StreamingHttpResponse(send([head, further], lambda: context.run(next, texts, None)))
    return cast(HttpResponse, _file(answer, name, content))  # what views answer is typed as the narrower of the two


def _file(answer: Answer, name: str, content: str) -> Answer:
    answer["Content-Type"] = content
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-cache"
    return answer


async def _sent(begun: Sequence[str], more: Callable[[], str | None]) -> AsyncIterator[str]:
    for text in begun:
        yield text
    while (further := await sync_to_async(more)()) is not None:
        yield further


def _all(begun: Sequence[str], more: Callable[[], str | None]) -> Iterator[str]:
    yield from begun
    yield from iter(more, None)


def _texts(columns: Columns, rows: Iterable[Any]) -> Iterator[str]:
    """The file in pieces, CHUNK rows each; the first has the titles."""
    text = StringIO()
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow(map(harmless, columns))
    for number, chunk in enumerate(_chunks(rows)):
        if number:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
        writer.writerows([harmless(value(row)) for value in columns.values()] for row in chunk)
    yield text.getvalue()


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """The first MOST rows, CHUNK by CHUNK. Which rows of a query these are is settled at first, so that none is there
    twice, or missing, because others came while a slow reader read; no query stays open for that reader."""
    if isinstance(rows, QuerySet):
        keys = list(rows.values_list("pk", flat=True)[:MOST])
        for start in range(0, len(keys), CHUNK):
            yield list(rows.filter(pk__in=keys[start : start + CHUNK]))
        return
    left = islice(rows, MOST)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def harmless(value: object) -> str:
    """A cell's text, in which no spreadsheet finds a formula: an apostrophe stands before what would begin one."""
    text = _BEGUN.sub(_marked, "" if value is None else str(value))
    return f"'{text}" if text.startswith(_AT_ONCE) else text


def _marked(found: "re.Match[str]") -> str:
    begin, unseen, sign = found.groups()
    return f"{begin}'{unseen}{sign}" if sign else found[0]
