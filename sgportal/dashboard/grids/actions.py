"""What one may do to a grid besides editing it: delete it, recreate a unit, remove unused templates. Each asks."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext

from ... import actions
from ...core.grids.grid import parse
from ...core.plans.preview.deletions import is_large
from ...core.text import Invalid
from ...models import Grid, GridUnit
from ..page.access import actor, needs
from ..page.agreed import agreed, as_shown, is_named, say_changed, say_warnings, say_why
from ..page.render import show
from ..page.tags import CASCADES
from .address import grid_at, grid_url


@needs("operator", "grids")
def delete(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """Show what goes with a grid, then delete it."""
    found = grid_at(plural, namespace, name)
    asked = request.POST.get("propagation", "Background")
    propagation = asked if asked in CASCADES else "Background"
    plan = actions.delete_grid(found, actor(request), propagation=propagation, dry_run=True)
    confirmed = request.method == "POST" and request.POST.get("step") == "confirm"
    if confirmed and is_named(request, name, [plan]):
        try:
            with as_shown(request, found.path):
                actions.delete_grid(found, actor(request), expect=request.POST.get("expect"), propagation=propagation)
            messages.success(request, gettext("“%(name)s” is being deleted.") % {"name": name})
            return redirect("grids")
        except actions.Stale:
            messages.warning(request, gettext("The grid has changed since this page was opened. Review it again."))
            return redirect("grid-delete", plural, namespace, name)
        except actions.PlanChanged:
            say_changed(request)
            plan = actions.delete_grid(found, actor(request), propagation=propagation, dry_run=True)
    context: dict[str, Any] = {"grid": found, "plan": plan, "propagation": propagation, "propagations": CASCADES}
    context["typed"] = name if is_large([plan]) else ""
    return show(request, "grids/delete.html", context)


@needs("operator", "grids")
def recreate(request: HttpRequest, plural: str, namespace: str, name: str, unit: str = "") -> HttpResponse:
    """Show what it comes to, then have a unit's workload, or a ServiceGrid's Service, deleted and made anew."""
    found = grid_at(plural, namespace, name)
    row = get_object_or_404(GridUnit, grid=found, name=unit)
    is_service = found.kind == "ServiceGrid"
    back = grid_url(found) if is_service else reverse("grid-unit", args=[plural, namespace, name, unit])
    try:
        with as_shown(request, found.path):
            planned = actions.recreate_unit(found, unit, actor(request), dry_run=request.method != "POST")
    except actions.PlanChanged:
        say_changed(request)
        return redirect(request.path)
    except (Invalid, actions.Refused) as error:
        say_why(request, error)
        return redirect(back)
    if request.method == "POST":
        if is_service:
            messages.success(request, gettext("The Service of “%(name)s” is being recreated.") % {"name": name})
        else:
            messages.success(request, gettext("The workload of “%(unit)s” is being recreated.") % {"unit": unit})
        return redirect(back)
    context = {"grid": found, "row": row, "plan": planned, "is_service": is_service, "back": back}
    return show(request, "grids/recreate.html", context)


@needs("operator", "grids")
def prune(request: HttpRequest, plural: str, namespace: str, name: str) -> HttpResponse:
    """Show what it comes to, then take the templates that nothing refers to out of a grid."""
    found = grid_at(plural, namespace, name)
    expect = request.POST.get("expect")

    def remove(dry_run: bool) -> actions.Saved:
        return actions.remove_unused_templates(found, actor(request), expect=expect, dry_run=dry_run)

    context: dict[str, Any] = {"grid": found, "unused": unused_templates(found)}
    if request.method != "POST" and not context["unused"]:
        return show(request, "grids/prune.html", context)
    try:
        saved, done = agreed(request, found.path, remove)
    except actions.Stale:
        messages.warning(request, gettext("The grid has changed since this page was opened. Review it again."))
    except (Invalid, actions.Refused) as error:
        say_why(request, error)
    else:
        if not done:
            return show(request, "grids/prune.html", {**context, "plan": saved.plan, "warnings": saved.warnings})
        messages.success(request, gettext("Unused templates removed."))
        say_warnings(request, saved.warnings)
    return redirect(grid_url(found))


def unused_templates(found: Grid) -> tuple[str, ...]:
    """The pool entries that nothing refers to."""
    try:
        return parse(found.source()).unused_templates()
    except Invalid:
        return ()
