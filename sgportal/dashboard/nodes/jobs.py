"""Jobs on nodes: the list, and one job with what became of each node."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ... import actions
from ...core.node_jobs import Action
from ...core.text import Invalid
from ...models import LabelJob, Node
from ..page.access import actor, needs
from ..page.export import Columns, as_csv, wants_csv
from ..page.parts import toasts
from ..page.render import paged, show
from ..page.tags import full_sentence, job_word

SCHEDULING = ("cordon", "uncordon", "drain")

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
def jobs(request: HttpRequest) -> HttpResponse:
    """The jobs, newest first."""
    if wants_csv(request):
        return as_csv(request, "jobs", _COLUMNS, LabelJob.objects.all())
    return show(request, "nodes/jobs.html", {"csv": True, "page": paged(request, LabelJob.objects.all(), 50)})


@needs("viewer")
def job(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far a job is, and each node's result: failures first."""
    found = get_object_or_404(LabelJob, pk=pk)
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
    }
    return show(request, "nodes/job.html", context)


def _result(
    found: LabelJob, name: str, result: dict[str, Any]
) -> tuple[str, dict[str, Any], list[tuple[str, Any, Any]]]:
    before = result.get("before") or {}
    return name, result, [(key, before.get(key), value) for key, value in sorted(found.changes_of(name).items())]


@needs("operator")
def refusals(request: HttpRequest, name: str) -> HttpResponse:
    """What PodDisruptionBudgets would refuse if a node was drained now: a part of its page."""
    node = get_object_or_404(Node, name=name)
    found = actions.schedule_nodes([node.name], "drain", actor(request), dry_run=True)
    return show(request, "nodes/refusals.html", {"impact": found})


@require_POST
@needs("operator")
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take back what a job did; one that is under way is stopped first."""
    try:
        started = cast(LabelJob, actions.undo_job(pk, actor(request)))
    except actions.NotFound as missing:
        raise Http404 from missing
    except actions.Refused as refused:
        messages.warning(request, full_sentence(refused.sentence))
        return redirect("job", pk)
    return redirect("job", started.pk)


@require_POST
@needs("operator")
def schedule(request: HttpRequest, name: str) -> HttpResponse:
    """Cordon, uncordon or drain a node."""
    verb = request.POST.get("action")
    if verb not in SCHEDULING:
        raise Http404
    try:
        started = actions.schedule_nodes([name], cast(Action, verb), actor(request))
    except Invalid as missing:
        raise Http404 from missing
    except actions.Refused as refused:
        messages.warning(request, full_sentence(refused.sentence))
        return redirect("node", name)
    return begun(request, cast(LabelJob, started))


def begun(request: HttpRequest, started: LabelJob) -> HttpResponse:
    """To the page of a job that was begun, which is told with what undoes it."""
    text = gettext("%(action)s: the job was started.") % {"action": job_word(started.action)}
    toasts.done(request, text, reverse("job-undo", args=[started.pk]))
    return redirect("job", started.pk)
