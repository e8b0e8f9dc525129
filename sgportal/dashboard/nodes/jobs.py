"""Jobs on nodes: the list, and one job with what became of each node."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy

from ... import actions
from ...core.node_jobs import Action, why_failed
from ...core.text import Invalid
from ...models import LabelJob, Node
from ...queries.label_impact import Impact
from ...queries.nodes import standing_undo
from ...queries.status import trouble
from ..page.access import actor, needs
from ..page.agreed import agreed
from ..page.export import Columns, as_csv, wants_csv
from ..page.parts import toasts
from ..page.render import paged, show, wanted
from ..page.tags import full_sentence, job_word, say
from ..page.unchanged import unless_unchanged

_EXPLAINED = {
    "cordon": gettext_lazy("No new pods are scheduled to the node. Pods keep running."),
    "uncordon": gettext_lazy("Pods are scheduled to the node again."),
    "drain": gettext_lazy(
        "The node is cordoned and the pods of grids are evicted, within PodDisruptionBudgets. Other pods stay."
    ),
}
SCHEDULING = tuple(_EXPLAINED)

_COLUMNS: Columns = {
    "id": lambda job: job.pk,
    "createdAt": lambda job: job.created_at.isoformat(),
    "author": lambda job: job.author,
    "action": lambda job: job.action,
    "state": lambda job: job.state,
    "labels": lambda job: ",".join(f"{key}={value or ''}" for key, value in sorted(job.changes.items())),
    "nodes": lambda job: len(job.results),
}
_RESULTS: Columns = {
    "node": lambda row: row[0],
    "state": lambda row: row[1]["state"],
    "step": lambda row: row[1].get("step"),
    "detail": lambda row: row[1].get("detail"),
    "before": lambda row: ",".join(f"{key}={before or ''}" for key, before, _ in row[2]),
    "after": lambda row: ",".join(f"{key}={after or ''}" for key, _, after in row[2]),
}


@needs("viewer")
@unless_unchanged
def jobs(request: HttpRequest) -> HttpResponse:
    """The jobs, newest first."""
    if wants_csv(request):
        return as_csv(request, "jobs", _COLUMNS, LabelJob.objects.all())
    return show(request, "nodes/jobs.html", {"csv": True, "page": paged(request, LabelJob.objects.all(), 50)})


@needs("viewer")
def job(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far a job is, and each node's result: failures first."""
    found = get_object_or_404(LabelJob.objects.annotate(trouble=trouble(f"labeljobs/{pk}")), pk=pk)
    order = {"failed": 0, "pending": 1, "done": 2}
    results = sorted(found.results.items(), key=lambda item: (order.get(item[1]["state"], 0), item[0]))
    if wants_csv(request):
        return as_csv(request, "job", _RESULTS, [_result(found, name, result) for name, result in results])
    failed = sum(result["state"] == "failed" for result in found.results.values())
    context = {
        "csv": True,
        "job": found,
        "changes": sorted(found.changes.items()),
        "total": len(found.results),
        "failed": failed,
        "page": paged(request, [_result(found, name, result) for name, result in results]),
        "over": found.over,
        "trouble": None if found.over else getattr(found, "trouble", None),
        "undone_by": standing_undo(pk),
    }
    return show(request, "nodes/job.html", context)


def _result(
    found: LabelJob, name: str, result: dict[str, Any]
) -> tuple[str, dict[str, Any], list[tuple[str, Any, Any]]]:
    before = result.get("before") or {}
    told = {**result, "detail": say(why_failed(result))}
    return name, told, [(key, before.get(key), value) for key, value in sorted(found.changes_of(name).items())]


@needs("operator")
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what taking back a job comes to, then do it; one that is under way is stopped first. A second click finds it
    done."""
    if (undoing := standing_undo(pk)) is not None:
        return redirect("job", undoing.pk)
    words = {
        "title": gettext("Undo the job?"),
        "explanation": gettext("The nodes get the labels and the scheduling back that they had before the job."),
        "does": gettext("Undo"),
    }
    return _asked(request, partial(actions.undo_job, pk), reverse("job", args=[pk]), words)


@needs("operator")
def schedule(request: HttpRequest, name: str) -> HttpResponse:
    """Show what cordoning, uncordoning or draining a node comes to, then do it."""
    source = request.POST if request.method == "POST" else request.GET
    verb = source.get("action")
    if verb not in SCHEDULING:
        raise Http404
    action = cast(Action, verb)
    words = {"title": f"{job_word(verb)}: {name}", "explanation": _EXPLAINED[verb], "does": job_word(verb)}
    act = partial(actions.schedule_nodes, [name], action)
    return _asked(request, act, reverse("node", args=[name]), {**words, "action": verb, "danger": verb == "drain"})


@needs("operator")
def schedule_unit(request: HttpRequest) -> HttpResponse:
    """The same for all nodes of a NodeUnit, as one job."""
    asked = wanted(request, "key", "unit", "action")
    key, unit, verb = asked["key"], asked["unit"], asked["action"]
    nodes = Node.objects.filter(label_rows__key=key, label_rows__value=unit).order_by("name")
    names = list(nodes.values_list("name", flat=True))
    if verb not in SCHEDULING or not names:
        raise Http404
    action = cast(Action, verb)
    words = {"title": f"{job_word(verb)}: {unit}", "explanation": _EXPLAINED[verb], "does": job_word(verb)}
    back = f"{reverse('unit')}?{urlencode({'key': key, 'unit': unit})}"
    return _asked(request, partial(actions.schedule_nodes, names, action), back, {**words, "danger": verb == "drain"})


def _asked(
    request: HttpRequest, act: Callable[..., LabelJob | Impact], back: str, words: Mapping[str, Any]
) -> HttpResponse:
    """Show what a job would do, and begin it once the form brings back the plan that was shown. `words` are those of
    the page."""
    try:
        found, done = agreed(request, actions.WHOLE, lambda dry_run: act(actor(request), dry_run=dry_run))
    except (Invalid, actions.NotFound) as missing:
        raise Http404 from missing
    except actions.Forbidden:
        raise
    except actions.Refused as refused:
        messages.warning(request, full_sentence(refused.sentence))
        return redirect(back)
    if done:
        return begun(request, cast(LabelJob, found))
    return show(request, "nodes/agree.html", {**words, "impact": found, "back": back})


def begun(request: HttpRequest, started: LabelJob) -> HttpResponse:
    """To the page of a job that was begun, which is told with what undoes it."""
    text = gettext("%(action)s: the job was started.") % {"action": job_word(started.action)}
    toasts.done(request, text, reverse("job-undo", args=[started.pk]))
    return redirect("job", started.pk)
