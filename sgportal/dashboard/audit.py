"""The audit trail: who did what, when, by which door, and what it changed."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from ..models import AuditEvent
from .difference import lines
from .pages import needs, paged, show, wanted
from .tags import yaml


@needs("admin")
def audit(request: HttpRequest) -> HttpResponse:
    """The trail, newest first."""
    asked = wanted(request, "search", "verb")
    found = AuditEvent.objects.defer("before", "after", "plan")
    if asked["search"]:
        found = found.filter(Q(actor__icontains=asked["search"]) | Q(path__icontains=asked["search"]))
    if asked["verb"]:
        found = found.filter(verb=asked["verb"])
    verbs = AuditEvent.objects.order_by("verb").values_list("verb", flat=True).distinct()
    return show(request, "dashboard/audit.html", {"asked": asked, "verbs": verbs, "page": paged(request, found)})


@needs("admin")
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: what was before, what after, and the plan that was shown."""
    found = get_object_or_404(AuditEvent, pk=pk)
    before = yaml(found.before) if found.before else ""
    after = yaml(found.after) if found.after else ""
    return show(request, "dashboard/audit_entry.html", {"entry": found, "lines": lines(before, after)})
