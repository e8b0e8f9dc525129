"""Render a whole page or only its live part, page through rows, read filters from the URL, go back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from ...core.text import Invalid

ROWS = 100
MOST_PAGES = 1_000_000  # no list is longer
_DIGITS = 20  # of a page's number that are read; Python refuses to make a number of thousands


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A whole page, or only its live part where htmx asks for that and the page has one."""
    names = [f"{template}#live", template] if is_part(request) else template
    return as_page(render(request, names, dict(context or {}), status=status))


def as_page(answer: HttpResponse) -> HttpResponse:
    """The answer as a page that the browser may keep for its reader, and asks about before it shows it again."""
    patch_vary_headers(answer, ["HX-Request", "HX-Target", "Cookie"])
    answer["Cache-Control"] = "private, no-cache"
    return answer


def is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a page's live part alone."""
    htmx = getattr(request, "htmx", None)
    return bool(htmx and htmx.target == "live" and not htmx.history_restore_request)


def paged(request: HttpRequest, rows: Any, size: int = ROWS) -> Page[Any]:
    """The page of rows that the URL asks for; a number out of range means the nearest page."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def read_page(request: HttpRequest, read: Callable[[int], tuple[Sequence[Any], int]], size: int = ROWS) -> Page[Any]:
    """As `paged`, of rows that are read page by page: `read(start)` gives those of one page, and how many there are
    in all."""
    asked = request.GET.get("page", "1")[:_DIGITS]
    number = min(int(asked), MOST_PAGES) if asked.isdecimal() else 1
    rows, count = read(max(number - 1, 0) * size)
    page = Paginator(range(count), size).get_page(asked)
    if page.number != max(number, 1):
        rows, _ = read((page.number - 1) * size)
    page.object_list = rows
    return page


def wanted(request: HttpRequest, *names: str) -> dict[str, str]:
    """The filters in the URL, without surrounding blanks and of a sane length."""
    return {name: clean(request.GET.get(name, ""))[:400] for name in names}


def clean(text: str) -> str:
    """A text from outside without surrounding blanks and without NUL, which no database takes."""
    return text.replace("\0", "").strip()


def names(text: str) -> list[str]:
    """Names that are separated by blanks or commas."""
    return clean(text).replace(",", " ").split()


def warn_of(request: HttpRequest, invalid: Invalid) -> None:
    """Say on the next page which fields of a form are wrong, and why."""
    for problem in invalid.problems:
        messages.warning(request, f"{problem.pointer.removeprefix('/')}: {problem.sentence.render(gettext)}")


def back(request: HttpRequest, fallback: str = "overview") -> HttpResponse:
    """Back to the page the form says it came from, if that is ours."""
    place = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(place, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(place if safe else reverse(fallback))
