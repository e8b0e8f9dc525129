"""Importing: paste or upload, read what becomes of every field, then have exactly that done."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from ... import actions
from ...core.documents import TOO_LARGE, read_documents, text_of
from ...core.imports.report import LEVELS, Finding, SourceReport
from ...core.text import Invalid, Problem
from ...queries.per_unit.exports import as_text, grids_to_export
from ..page.access import actor, needs
from ..page.export import as_file
from ..page.render import clean, show

MOST_BYTES = 768 * 1024  # a form that brings it back has to stay below what Django takes (1 MiB)
PIECE = 256 * 1024  # characters of an export that are sent at once
TOLD = 3  # grids of which a message each tells; of more, one tells of all
SHOWN = 200  # objects of which a page tells all; REST and the command tell of every one


@needs("operator")
def imports(request: HttpRequest) -> HttpResponse:
    """The form, then the report, then what was done."""
    if request.method != "POST":
        return show(request, "migration/import.html", {})
    text, problems = _posted(request)
    context: dict[str, Any] = {"text": text, "problems": problems}
    if problems:
        return show(request, "migration/import.html", context, status=400)
    is_agreed = request.POST.get("step") == "apply"
    try:
        documents = read_documents(text.encode())
        done = actions.import_objects(documents, actor(request), dry_run=True)
        if is_agreed and clean(request.POST.get("plan", "")) == done.id:
            with actions.as_planned(done.ids):
                return _applied(request, actions.import_objects(documents, actor(request)))
    except Invalid as invalid:
        return show(request, "migration/import.html", context | {"problems": invalid.problems}, status=400)
    except actions.Refused as refused:
        problem = Problem("", refused.sentence)
        return show(request, "migration/import.html", context | {"problems": [problem]}, status=409)
    return show(request, "migration/report.html", context | _report(done) | {"moved_on": is_agreed})


@needs("viewer", "grids")
def exports(request: HttpRequest) -> HttpResponse:
    """Everything in one's scope as plain manifests, as a file."""
    texts = as_text(grids_to_export(), lambda sentence: sentence.render(gettext))
    answer = as_file(request, "grids.yaml", "application/yaml; charset=utf-8", _in_pieces(texts))
    answer["Cache-Control"] = "private, no-store"
    return answer


def _in_pieces(texts: Iterator[str]) -> Iterator[str]:
    """The same in pieces that are worth being sent."""
    piece: list[str] = []
    size = 0
    for text in texts:
        piece.append(text)
        size += len(text)
        if size > PIECE:
            yield "".join(piece)
            piece, size = [], 0
    yield "".join(piece)


def _posted(request: HttpRequest) -> tuple[str, list[Problem]]:
    """The text that was uploaded, else what was pasted; and what is wrong with it before it is read."""
    upload = request.FILES.get("file")
    if upload is None:
        text = request.POST.get("document", "").replace("\0", "")
        data = text.encode()
    else:
        text, data = "", upload.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        return "", [Problem("", TOO_LARGE.having(limit=MOST_BYTES))]
    try:
        return text or text_of(data), []
    except Invalid as invalid:
        return "", list(invalid.problems)


def _report(done: actions.Imported) -> dict[str, Any]:
    found = done.translation
    counts = found.count()
    return {
        "done": done,
        "counts": [(level, counts[level]) for level in reversed(LEVELS) if counts[level]],
        "sources": [(each, _worst_first(each)) for each in found.sources[:SHOWN]],
        "more": max(len(found.sources) - SHOWN, 0),
        "labels": [
            (node, " ".join(f"{key}={value}" for key, value in each.items())) for node, each in found.labels.items()
        ],
        "units": [
            (key, unit, ", ".join(nodes)) for key, units in found.members.items() for unit, nodes in units.items()
        ],
        "blocked": found.is_blocked,
    }


def _worst_first(source: SourceReport) -> list[Finding]:
    return sorted(source.findings, key=lambda each: -LEVELS.index(each.level))


def _applied(request: HttpRequest, done: actions.Imported) -> HttpResponse:
    said = {
        "created": gettext("“%(path)s” was created."),
        "configured": gettext("“%(path)s” was changed."),
        "unchanged": gettext("“%(path)s” is unchanged."),
    }
    if len(done.saved) <= TOLD:
        for each in done.saved:
            messages.success(request, said[each.result] % {"path": each.path})
    else:
        text = gettext("Imported: %(created)s created, %(configured)s changed, %(unchanged)s unchanged.")
        messages.success(request, text % {word: sum(each.result == word for each in done.saved) for word in said})
    return redirect("job", done.job.pk) if done.job else redirect("grids")
