"""Changing labels of many nodes: choose, say what, see what it would do, confirm, follow the job."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...core.names import label_key_problem
from ...core.text import REQUIRED, Invalid, Problem, first_of, say
from ...models import LabelJob, Node
from ...models.cache import NodeLabel
from ...queries.label_impact import Impact
from ...queries.matrix.node_groups import default_key, node_groups
from ...queries.nodes import select_nodes
from ...queries.plans import step_json
from ..page.access import actor, needs
from ..page.fingerprint import fingerprint
from ..page.render import back, clean, show
from . import jobs, selection, views

SHOWN = 200
ON_BOARD = 100


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

    def page(context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        return _page(request, {"chosen": chosen, "asked": asked, "groups": node_groups(), **context}, status)

    return _agreed_step_by_step(request, chosen.names, asked, page)


@needs("operator")
def assign(request: HttpRequest) -> HttpResponse:
    """The same for nodes that each get a value of their own: pasted, or put on a board."""
    asked = _asked(request)
    asked["key"] = asked["key"] or default_key()

    def page(context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        more = {"asked": asked, "groups": node_groups(), "board": _board(asked["key"])}
        return show(request, "nodes/assign.html", {**more, **context}, status=status)

    return _agreed_step_by_step(request, (), asked, page)


def _board(key: str) -> dict[str, Sequence[str]]:
    """The first nodes without a NodeUnit, and the first NodeUnits of a NodeGroup."""
    if label_key_problem(key):
        return {"nodes": (), "units": ()}
    nodes = select_nodes(f"!{key}").values_list("name", flat=True)[:ON_BOARD]
    values = NodeLabel.objects.filter(key=key).exclude(value="").order_by("value")
    return {"nodes": list(nodes), "units": list(values.values_list("value", flat=True).distinct()[:ON_BOARD])}


def _agreed_step_by_step(
    request: HttpRequest, names: Sequence[str], asked: Mapping[str, str], page: Callable[..., HttpResponse]
) -> HttpResponse:
    if request.method != "POST":
        return page({})
    try:
        impact = cast(Impact, _change(request, names, asked, dry_run=True))
        seen = fingerprint(names, asked, _impact_json(impact))
        if request.POST.get("step") == "confirm" and request.POST.get("seen") == seen:
            with actions.as_planned({actions.WHOLE: impact.id}):
                return jobs.begun(request, cast(LabelJob, _change(request, names, asked)))
    except Invalid as invalid:
        return page({"problems": invalid.problems}, status=400)
    except actions.Refused as refused:
        return page({"problems": [Problem("", refused.sentence)]}, status=409)
    return page({"impact": impact, "seen": seen, "moved_on": request.POST.get("step") == "confirm"})


def _change(
    request: HttpRequest, names: Sequence[str], asked: Mapping[str, str], *, dry_run: bool = False
) -> LabelJob | Impact:
    """The job that was asked for, or what it would do. Raises Invalid, Refused."""
    who, move = actor(request), bool(asked["move"])
    if asked["lines"]:
        return actions.assign_units(asked["key"], _values(asked["lines"]), who, move=move, dry_run=dry_run)
    if not names:
        raise Invalid(Problem("/lines", REQUIRED))
    if not asked["remove"] and not asked["value"]:
        raise Invalid(Problem("/value", say("enter a value, or choose to remove the label")))
    changes = {asked["key"]: None if asked["remove"] else asked["value"]}
    return actions.label_nodes(names, changes, who, move=move, dry_run=dry_run)


def _values(lines: str) -> dict[str, str | None]:
    """The value of each node from lines `node=value`. Raises Invalid with the line."""
    found: dict[str, str | None] = {}
    problems = []
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip():
            continue
        name, parted, value = (each.strip() for each in line.partition("="))
        if not parted or not name or not value:
            problems.append(Problem("/lines", say("line %(number)s is not “node=value”", number=number)))
        elif found.setdefault(name, value) != value:
            text = say("line %(number)s gives “%(node)s” a second value", number=number, node=name)
            problems.append(Problem("/lines", text))
    if problems:
        raise Invalid(*first_of(problems))
    return found


def _asked(request: HttpRequest) -> dict[str, str]:
    source = request.POST if request.method == "POST" else request.GET
    return {name: clean(source.get(name, "")) for name in ("key", "value", "remove", "move", "lines")}


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
        "evictions": [[each.node, each.namespace, each.pod] for each in impact.evictions],
    }
