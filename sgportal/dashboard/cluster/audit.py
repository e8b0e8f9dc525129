"""The audit trail: who did what, when, by which door, and what it changed."""

from functools import reduce
from operator import or_

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from ...models import AuditEvent
from ..page.access import needs
from ..page.difference import lines
from ..page.export import Columns, as_csv, wants_csv
from ..page.render import paged, show, wanted
from ..page.tags import yaml

_COLUMNS: Columns = {
    "at": lambda entry: entry.at.isoformat(),
    "actor": lambda entry: entry.actor,
    "address": lambda entry: entry.address,
    "source": lambda entry: entry.door,
    "verb": lambda entry: entry.verb,
    "path": lambda entry: entry.path,
}


@needs("admin")
def audit(request: HttpRequest) -> HttpResponse:
    """The trail, newest first: changes of what runs, or, apart from them, what concerns people."""
    asked = wanted(request, "search", "verb", "kind")
    kind = asked["kind"] if asked["kind"] in AuditEvent.Kind.values else AuditEvent.Kind.CHANGE.value
    found = of_kind = AuditEvent.objects.filter(kind=kind)
    if asked["search"]:
        words = ("actor", "path", "address")
        found = found.filter(reduce(or_, (Q(**{f"{word}__icontains": asked["search"]}) for word in words)))
    if asked["verb"]:
        found = found.filter(verb=asked["verb"])
    verbs = of_kind.order_by("verb").values_list("verb", flat=True).distinct()
    found = found.defer("before", "after", "plan")
    if wants_csv(request):
        return as_csv(request, "audit", _COLUMNS, found)
    context = {"csv": True, "asked": asked, "kind": kind, "verbs": verbs, "page": paged(request, found)}
    return show(request, "cluster/audit.html", context)


@needs("admin")
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: what was before, what after, and the plan that was shown."""
    found = get_object_or_404(AuditEvent, pk=pk)
    before = yaml(found.before) if found.before else ""
    after = yaml(found.after) if found.after else ""
    return show(request, "cluster/audit_entry.html", {"entry": found, "lines": lines(before, after)})
