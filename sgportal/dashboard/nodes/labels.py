"""Changing labels of many nodes: choose, say what, see what it would do, confirm, follow the job."""

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...core.text import Invalid, Problem, say
from ...models import LabelJob, Node
from ...queries.label_impact import Impact
from ...queries.matrix.node_groups import node_groups
from ...queries.plans import step_json
from ..page.access import actor, needs
from ..page.fingerprint import fingerprint
from ..page.render import back, clean, show
from . import selection, views

SHOWN = 200


@require_POST
@needs("operator")
def select(request: HttpRequest) -> HttpResponse:
    """Make a snapshot of the chosen nodes, or of all that match the filters the person saw, and ask what to change."""
    names = _chosen(request)
    if not names:
        messages.warning(request, gettext("Select at least one node."))
        return back(request, "nodes")
    chosen = selection.keep(request, names)
    answer = redirect("label", chosen.token)
    if key := request.POST.get("key"):
        answer["Location"] += "?" + _query(key=key, value=request.POST.get("value", ""))
    return answer


def _chosen(request: HttpRequest) -> list[str]:
    """The names of the ticked nodes, or of all that match; none for a selector that selects nothing."""
    if "all" not in request.POST:
        return [clean(name) for name in request.POST.getlist("node")]
    asked = QueryDict(request.POST.get("query", ""))
    try:
        return list(
            views.find({name: clean(asked.get(name, "")) for name in views.FILTERS}).values_list("name", flat=True)
        )
    except Invalid:
        return []


def _query(**parts: str) -> str:
    found = QueryDict(mutable=True)
    found.update(parts)
    return found.urlencode()


@needs("operator")
def label(request: HttpRequest, token: str) -> HttpResponse:
    """The form, then what the change would do, then the job."""
    chosen = selection.recall(request, token)
    asked = _asked(request)
    context: dict[str, Any] = {"chosen": chosen, "asked": asked, "groups": node_groups()}
    if request.method != "POST":
        return _page(request, context)
    changes: dict[str, str | None] = {asked["key"]: None if asked["remove"] else asked["value"]}
    try:
        impact = cast(Impact, actions.label_nodes(chosen.names, changes, actor(request), dry_run=True))
        if not asked["remove"] and not asked["value"]:
            raise Invalid(Problem("/value", say("enter a value, or choose to remove the label")))
    except Invalid as invalid:
        return _page(request, {**context, "problems": invalid.problems}, status=400)
    seen = fingerprint(chosen.names, changes, _impact_json(impact))
    if request.POST.get("step") == "confirm" and request.POST.get("seen") == seen:
        job = cast(LabelJob, actions.label_nodes(chosen.names, changes, actor(request)))
        return redirect("job", job.pk)
    context |= {"impact": impact, "seen": seen, "moved_on": request.POST.get("step") == "confirm"}
    return _page(request, context)


def _asked(request: HttpRequest) -> dict[str, str]:
    source = request.POST if request.method == "POST" else request.GET
    return {name: clean(source.get(name, "")) for name in ("key", "value", "remove")}


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    names, key = context["chosen"].names, context["asked"]["key"]
    rows = Node.objects.filter(name__in=names[:SHOWN]).values_list("name", "labels", "ready")
    context["before"] = [(name, (labels or {}).get(key), ready) for name, labels, ready in rows]
    return show(request, "nodes/label.html", context, status=status)


def _impact_json(impact: Impact) -> Mapping[str, Any]:
    units = [[each.key, each.unit, each.verb, each.joining, each.leaving] for each in impact.units]
    return {
        "units": units,
        "steps": [[path, step_json(step)] for path, step in impact.steps],
        "services": impact.services,
    }
