"""Writing grids: by form or as YAML, checked while one types, previewed, saved against the version one has read."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ..core.documents import write_document
from ..core.kinds import KINDS
from ..models import Grid
from ..models.reading import default_key, node_groups
from . import grids
from .difference import lines
from .draft import MODES, Draft, Verdict, blank, judge, posted
from .overview import grid_url
from .pages import actor, needs, show, wanted


@needs("operator")
def create(request: HttpRequest) -> HttpResponse:
    """Write a new grid, or several at once as one YAML stream."""
    asked = wanted(request, "kind", "mode", "key")
    kind = asked["kind"] if asked["kind"] in KINDS else "DeploymentGrid"
    if request.method == "POST":
        return _act(request, posted(request.POST), None)
    text = write_document(blank(kind, asked["key"] or default_key()))
    mode = asked["mode"] if asked["mode"] in MODES else "form"
    return _editor(request, Draft(text, mode), None, kind=kind)


@needs("operator")
def edit(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """Change a grid."""
    found = grids.at(plural, namespace, name)
    if request.method == "POST":
        return _act(request, posted(request.POST), found)
    asked = wanted(request, "mode")
    mode = asked["mode"] if asked["mode"] in MODES else "form"
    return _editor(request, Draft(write_document(found.source()), mode, found.etag), found)


@require_POST
@needs("operator")
def check(request: HttpRequest) -> HttpResponse:
    """Only what is wrong with a draft, or what it would do, while one types."""
    draft, found = posted(request.POST), None
    if path := request.POST.get("path"):
        found = grids.at(*path.split("/", 2)) if path.count("/") == 2 else None
    verdict = judge(draft, actor(request), found)
    located = replace(draft, problems=verdict.problems).located
    return show(request, "components/verdict.html", {"verdict": verdict, "located": located})


def _act(request: HttpRequest, draft: Draft, found: Grid | None) -> HttpResponse:
    """What the pressed button asks for: another view of the document, the plan, or to save."""
    step = request.POST.get("step", "preview")
    if step in MODES:
        return _editor(request, replace(draft, mode=draft.mode if draft.problems else step), found)
    verdict = judge(draft, actor(request), found)
    if verdict.current:
        return _stale(request, draft, verdict.current)
    if verdict.problems:
        return _editor(request, replace(draft, problems=verdict.problems), found, status=400)
    if step == "save" and request.POST.get("seen") == verdict.seen:
        verdict = judge(draft, actor(request), found, dry_run=False)
        if verdict.saved:
            return _saved(request, verdict)
        return _act(request, draft, found)
    context = {"draft": draft, "grid": found, "verdict": verdict, "moved_on": step == "save"}
    return show(request, "dashboard/preview.html", context)


def _saved(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    for saved in verdict.saved:
        text = {
            "created": gettext("“%(path)s” was created."),
            "configured": gettext("“%(path)s” was changed."),
            "unchanged": gettext("“%(path)s” is as it was."),
        }[saved.result]
        messages.success(request, text % {"path": saved.path})
    first = verdict.saved[0].grid
    return redirect(grid_url(first) if first and len(verdict.saved) == 1 else "grids")


def _editor(
    request: HttpRequest, draft: Draft, found: Grid | None, *, kind: str = "", status: int = 200
) -> HttpResponse:
    fields = draft.fields
    if not fields and draft.mode == "form":
        draft = replace(draft, mode="yaml")
    context: dict[str, Any] = {
        "draft": draft,
        "fields": fields,
        "grid": found,
        "kind": kind,
        "kinds": list(KINDS),
        "groups": node_groups(),
    }
    return show(request, "dashboard/editor.html", context, status=status)


def _stale(request: HttpRequest, draft: Draft, current: Grid) -> HttpResponse:
    """Mine and theirs, so that neither is lost."""
    theirs = write_document(current.source())
    context = {
        "draft": replace(draft, expect=current.etag),
        "grid": current,
        "theirs": theirs,
        "lines": lines(theirs, draft.text),
        "last": current.revisions.first(),
    }
    return show(request, "dashboard/stale.html", context, status=412)
