"""Writing grids and ServiceGroups: by form or as YAML, checked while one types, previewed, saved against the version
one has read."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ...actions import as_planned
from ...core.documents import read_document, write_document
from ...core.grids.group import KIND as GROUP
from ...core.grids.kinds import KINDS
from ...core.plans.preview.deletions import is_large
from ...core.text import Invalid
from ...models import Grid, ServiceGroup
from ...queries.matrix.node_groups import default_key, node_groups
from ...queries.per_unit.images import images_of_grids
from ..grids.address import grid_at
from ..page.access import actor, needs
from ..page.agreed import is_named, say_warnings
from ..page.difference import lines
from ..page.render import clean, show, wanted
from .check import Verdict, judge
from .codecs import read
from .draft import MODES, Draft, posted
from .form import parts_of
from .subject import Home, address, blank, find, front, kind_of, member, source


@needs("operator", "grids")
def create(request: HttpRequest) -> HttpResponse:
    """Write something new: a grid, a ServiceGroup, or several grids at once as one YAML stream; `before` is the path of
    a grid that a ServiceGrid is wanted for."""
    asked = wanted(request, "kind", "mode", "key", "before")
    kind = asked["kind"] if asked["kind"] in (*KINDS, GROUP) else "DeploymentGrid"
    if request.method == "POST":
        return _act(request, posted(request.POST), None)
    behind = find(asked["before"]) if kind == "ServiceGrid" else None
    begun = front(behind) if isinstance(behind, Grid) else blank(kind, asked["key"] or default_key())
    text = write_document(begun)
    return _editor(request, Draft(text, _mode(asked["mode"])), None, kind=kind)


@needs("operator", "grids")
def edit(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """Change a grid."""
    return _edit(request, grid_at(plural, namespace, name))


@needs("operator", "grids")
def edit_group(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Change a ServiceGroup."""
    return _edit(request, get_object_or_404(ServiceGroup, namespace=namespace, name=name))


def _edit(request: HttpRequest, home: Home) -> HttpResponse:
    if request.method == "POST":
        return _act(request, posted(request.POST), home)
    asked = wanted(request, "mode", "revision")
    if asked["revision"]:
        return _back_to(request, home, asked["revision"])
    return _editor(request, Draft(write_document(source(home)), _mode(asked["mode"]), home.etag), home)


def _back_to(request: HttpRequest, home: Home, number: str) -> HttpResponse:
    """The plan of a stored revision; saving it is the same as of any other draft."""
    known = number.isascii() and number.isdecimal() and len(number) < 10
    row = home.revisions.filter(number=int(number)).first() if known else None
    if row is None:
        messages.error(request, gettext("Revision %(n)s is not stored.") % {"n": number[:20]})
        return redirect(address(home))
    return _act(request, Draft(write_document(row.source()), "yaml", home.etag), home)


def _mode(asked: str) -> str:
    return asked if asked in MODES else "form"


@require_POST
@needs("operator", "grids")
def check(request: HttpRequest) -> HttpResponse:
    """Only what is wrong with a draft, or what it would do, while one types; in the form view with the side that was
    not typed into as it is now."""
    draft, home = posted(request.POST), find(clean(request.POST.get("path", "")))
    verdict = judge(draft, actor(request), home, ask=False)
    located = replace(draft, problems=verdict.problems).located
    context = {"verdict": verdict, "located": located, "draft": draft}
    if draft.mode == "form" and draft.is_followed:
        changed = request.POST.get("base") != request.POST.get("document")
        context |= {"changed": changed, **(_form(draft, home) if changed else {})}
    return show(request, "editor/checked.html", context)


def _act(request: HttpRequest, draft: Draft, home: Home | None) -> HttpResponse:
    """What the pressed button asks for: another view of the document, another member, the plan, or to save."""
    step = request.POST.get("step", "preview")
    if step in MODES:
        return _editor(request, replace(draft, mode=draft.mode if draft.problems else step), home)
    if step.startswith(("add:", "drop:")):
        return _editor(request, _with_members(draft, *step.split(":", 1)), home)
    if step.startswith(("container-add:", "container-drop:")):
        return _editor(request, _with_containers(draft, *step.split(":", 1)), home)
    verdict = judge(draft, actor(request), home, ask=step != "save")  # a save asks when it is one
    if verdict.current:
        return _stale(request, draft, verdict.current)
    if verdict.problems:
        return _editor(request, replace(draft, problems=verdict.problems), home, status=400)
    plans, name = [each.plan for each in verdict.fates], home.name if home else ""
    may_save = step == "save" and request.POST.get("seen") == verdict.seen
    if may_save and (home is None or is_named(request, name, plans)):
        with as_planned(verdict.ids):
            verdict = judge(draft, actor(request), home, dry_run=False)
        if verdict.fates:
            return _saved(request, verdict)
        if verdict.problems:
            return _editor(request, replace(draft, problems=verdict.problems), home, status=400)
        return _act(request, draft, home)
    context = {"draft": draft, "back": address(home), "home": home, "verdict": verdict}
    context |= {"moved_on": step == "save" and not may_save, "typed": name if is_large(plans) else ""}
    return show(request, "editor/preview.html", context)


def _with_members(draft: Draft, verb: str, what: str) -> Draft:
    """The draft of a ServiceGroup with one grid more or less."""
    try:
        manifest = {} if draft.problems else read_document(draft.text.encode())
    except Invalid as invalid:
        return replace(draft, problems=invalid.problems)
    members = read(manifest, ("spec", "grids"))
    if not isinstance(members, list):
        return draft
    if verb == "add" and what in KINDS:
        members.append(member(what))
    elif verb == "drop" and what.isdecimal() and int(what) < len(members):
        del members[int(what)]
    return replace(draft, text=write_document(manifest))


def _with_containers(draft: Draft, verb: str, section: str) -> Draft:
    """The draft with one container more in the pods of a section of the form, or without the section's."""
    try:
        manifest = {} if draft.problems else read_document(draft.text.encode())
    except Invalid as invalid:
        return replace(draft, problems=invalid.problems)
    parts = parts_of(manifest)
    part = parts[int(section)] if section.isdecimal() and len(section) < 5 and int(section) < len(parts) else None
    containers = read(manifest, part.containers) if part and part.containers else None
    if part is None or not isinstance(containers, list):
        return draft
    if verb == "container-add":
        containers.append({"name": f"container-{len(containers) + 1}", "image": ""})
    elif part.container:
        del containers[part.container]
    return replace(draft, text=write_document(manifest))


def _saved(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    said = {
        "created": gettext("“%(path)s” was created."),
        "configured": gettext("“%(path)s” was changed."),
        "unchanged": gettext("“%(path)s” is unchanged."),
        "deleted": gettext("“%(path)s” is being deleted."),
    }
    for fate in verdict.fates:
        messages.success(request, said[fate.result] % {"path": fate.path})
    say_warnings(request, (warning for fate in verdict.fates for warning in fate.warnings))
    new = isinstance(verdict.saved, Grid) and any(fate.result == "created" for fate in verdict.fates)
    return redirect(address(verdict.saved) + ("?follow=1" if new else ""))


def _editor(
    request: HttpRequest, draft: Draft, home: Home | None, *, kind: str = "", status: int = 200
) -> HttpResponse:
    if draft.mode == "form" and not draft.sections:
        draft = replace(draft, mode="yaml")
    context: dict[str, Any] = {
        "draft": draft,
        **_form(draft, home),
        "home_kind": kind_of(home) if home else "",
        "back": address(home),
        "kind": kind,
        "kinds": [*KINDS, GROUP],
        "groups": node_groups(),
        "images": images_of_grids() if draft.mode == "form" else (),
    }
    return show(request, "editor/editor.html", context, status=status)


def _form(draft: Draft, home: Home | None) -> dict[str, Any]:
    sections = draft.sections if draft.mode == "form" else []
    members = list(KINDS) if sections and sections[0].kind == GROUP else []
    return {"sections": sections, "home": home, "member_kinds": members}


def _stale(request: HttpRequest, draft: Draft, current: Home) -> HttpResponse:
    """Mine and theirs, so that neither is lost."""
    theirs = write_document(source(current))
    last = current.revisions.first() if isinstance(current, Grid) else None
    context = {
        "draft": replace(draft, expect=current.etag),
        "name": current.name,
        "back": address(current),
        "theirs": theirs,
        "lines": lines(theirs, draft.text),
        "who": last.author if last else "",
    }
    return show(request, "editor/stale.html", context, status=412)
