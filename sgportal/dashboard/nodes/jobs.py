"""Label jobs: the list, and one job with what became of each node."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from ... import actions
from ...models import LabelJob
from ..page.access import actor, needs
from ..page.export import MOST, Columns, as_csv, wants_csv
from ..page.render import paged, show

_COLUMNS: Columns = {
    "id": lambda job: job.pk,
    "createdAt": lambda job: job.created_at.isoformat(),
    "author": lambda job: job.author,
    "state": lambda job: job.state,
    "labels": lambda job: ",".join(f"{key}={value or ''}" for key, value in sorted(job.changes.items())),
    "nodes": lambda job: len(job.results),
}


@needs("viewer")
def jobs(request: HttpRequest) -> HttpResponse:
    """The label jobs, newest first."""
    if wants_csv(request):
        return as_csv("jobs", _COLUMNS, LabelJob.objects.all()[:MOST])
    return show(request, "nodes/jobs.html", {"csv": True, "page": paged(request, LabelJob.objects.all(), 50)})


@needs("viewer")
def job(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far a job is, and each node's result: failures first."""
    found = get_object_or_404(LabelJob, pk=pk)
    order = {"failed": 0, "pending": 1, "done": 2}
    results = sorted(found.results.items(), key=lambda item: (order.get(item[1]["state"], 0), item[0]))
    failed = sum(result["state"] == "failed" for result in found.results.values())
    context = {
        "job": found,
        "changes": sorted(found.changes.items()),
        "total": len(found.results),
        "failed": failed,
        "page": paged(request, [_result(found, name, result) for name, result in results]),
        "over": found.state in (LabelJob.State.DONE, LabelJob.State.FAILED),
    }
    return show(request, "nodes/job.html", context)


def _result(
    found: LabelJob, name: str, result: dict[str, Any]
) -> tuple[str, dict[str, Any], list[tuple[str, Any, Any]]]:
    before = result.get("before") or {}
    return name, result, [(key, before.get(key), value) for key, value in sorted(found.changes.items())]


@require_POST
@needs("operator")
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give the nodes of a finished job the labels they had before it, as jobs of their own."""
    found = get_object_or_404(LabelJob, pk=pk, state__in=(LabelJob.State.DONE, LabelJob.State.FAILED))
    started = [actions.label_nodes(names, before, actor(request)) for before, names in _earlier(found)]
    if len(started) == 1 and isinstance(started[0], LabelJob):
        return redirect("job", started[0].pk)
    return redirect("jobs")


def _earlier(found: LabelJob) -> Iterable[tuple[dict[str, str | None], list[str]]]:
    """The nodes that were changed, gathered by the labels they had."""
    gathered: dict[tuple[tuple[str, str | None], ...], list[str]] = {}
    for name, result in found.results.items():
        if result["state"] == "done":
            gathered.setdefault(tuple(sorted(result["before"].items())), []).append(name)
    return [(dict(before), names) for before, names in gathered.items()]
