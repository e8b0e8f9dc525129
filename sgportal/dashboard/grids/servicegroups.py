"""ServiceGroups: packages of grids that share a NodeGroup and a namespace."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext

from ... import actions
from ...core.health import SETTLED, worst
from ...core.plans.preview.binding import id_of, plan_id
from ...core.plans.preview.deletions import is_large
from ...models import Grid, ServiceGroup
from ..page.access import actor, needs
from ..page.agreed import as_all_shown, is_named, say_changed
from ..page.export import as_csv, wants_csv
from ..page.render import paged, show, wanted
from ..page.revisions import history
from .columns import GRIDS, GROUPS, REVISIONS
from .package_rollout import panel
from .views import conditions_of

_SHOWN = ("Accepted", "Deleting", "RolledOut")  # where they are not True


@needs("viewer", "grids")
def servicegroups(request: HttpRequest) -> HttpResponse:
    """The packages that meet every filter of the URL."""
    asked = wanted(request, "namespace", "search")
    found = (
        ServiceGroup.objects.filter(deleting_since=None)
        .annotate(size=Count("grids"), ready=Count("grids", filter=Q(grids__state__in=SETTLED)))
        .order_by("namespace", "name")
    )
    if asked["namespace"]:
        found = found.filter(namespace=asked["namespace"])
    if asked["search"]:
        found = found.filter(Q(name__icontains=asked["search"]) | Q(key__icontains=asked["search"]))
    if wants_csv(request):
        return as_csv(request, "servicegroups", GROUPS, found)
    context = {
        "csv": True,
        "asked": asked,
        "page": paged(request, found),
        "namespaces": ServiceGroup.objects.order_by("namespace").values_list("namespace", flat=True).distinct(),
        "total": ServiceGroup.objects.count(),
    }
    return show(request, "servicegroups/list.html", context)


@needs("viewer", "grids")
def servicegroup(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """One package and its grids."""
    found = get_object_or_404(ServiceGroup, namespace=namespace, name=name, deleting_since=None)
    if wants_csv(request):
        return as_csv(request, f"{name}-grids", GRIDS, Grid.objects.filter(group=found))
    grids = list(Grid.objects.filter(group=found))
    context = {"group": found, "grids": grids, "worst": worst(grid.state for grid in grids), **panel(found)}
    context["conditions"] = [
        each for each in conditions_of(found) if each["type"] in _SHOWN and each["status"] != "True"
    ]
    return show(request, "servicegroups/one.html", context)


@needs("operator", "grids")
def delete(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show what goes with a package, then delete it and its grids."""
    found = get_object_or_404(ServiceGroup, namespace=namespace, name=name, deleting_since=None)
    plans = actions.delete_group(found, actor(request), dry_run=True)
    ids = {path: plan_id(plan.steps) for path, plan in plans.items()}
    if request.method == "POST" and is_named(request, name, plans.values()):
        try:
            with as_all_shown(request, ids):
                actions.delete_group(found, actor(request), expect=request.POST.get("expect"))
        except actions.PlanChanged:
            say_changed(request)
            return redirect("servicegroup-delete", namespace, name)
        except actions.Stale:
            messages.warning(
                request, gettext("The ServiceGroup has changed since this page was opened. Review it again.")
            )
            return redirect("servicegroup-delete", namespace, name)
        messages.success(request, gettext("“%(name)s” is being deleted.") % {"name": name})
        return redirect("servicegroups")
    context = {"group": found, "plans": sorted(plans.items()), "plan_id": id_of(ids)}
    context["typed"] = name if is_large(plans.values()) else ""
    return show(request, "servicegroups/delete.html", context)


@needs("viewer", "grids")
def revisions(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """The stored versions of a package, each with its difference from the one before, and any two compared."""
    found = get_object_or_404(ServiceGroup, namespace=namespace, name=name, deleting_since=None)
    if wants_csv(request):
        return as_csv(request, f"{name}-revisions", REVISIONS, found.revisions.all())
    latest = found.revisions.first()
    shown = history(request, found.revisions.all())
    context = {"csv": True, "group": found, "latest": latest.number if latest else 0, **shown}
    return show(request, "servicegroups/revisions.html", context)
