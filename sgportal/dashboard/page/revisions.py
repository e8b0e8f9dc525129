"""Stored versions, of a grid or of a package: each with its difference from the one before, and any two compared."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from .difference import lines
from .render import paged, wanted
from .tags import yaml


def history(request: HttpRequest, revisions: "QuerySet[Any]") -> dict[str, Any]:
    """What a page of revisions shows of these, the latest first: twenty at a time, and the two that the URL names."""
    page = paged(request, revisions, 20)
    rows = list(page.object_list)
    older = revisions.filter(number__lt=rows[-1].number).first() if rows else None
    pairs = zip(rows, [*rows[1:], older], strict=False)  # with no rows there is none before them
    differences = [(row, lines(_text(before), _text(row)) if before else []) for row, before in pairs]
    offered = [row.number for row in rows[1::-1]] if len(rows) > 1 else ["", ""]
    return {"page": page, "rows": differences, "offered": offered, **_compared(request, revisions)}


def _compared(request: HttpRequest, revisions: "QuerySet[Any]") -> dict[str, Any]:
    asked = wanted(request, "from", "to")
    numbers = [int(each) if each.isascii() and each.isdecimal() and len(each) < 10 else 0 for each in asked.values()]
    known = {row.number: row for row in revisions.filter(number__in=numbers)} if any(numbers) else {}
    first, second = (known.get(number) for number in numbers)
    compared = lines(_text(first), _text(second)) if first and second else None
    return {"compared": compared, "from_number": asked["from"], "to_number": asked["to"]}


def _text(revision: Any) -> str:
    return yaml({"metadata": revision.metadata, "spec": revision.spec})
