"""Writing labels to nodes: one at once, or many as a job that survives everything."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from ..cluster import MERGE_PATCH, Cluster, ClusterError, Conflict, NotFound, Refused, Throttled, Unreachable
from ..models import LabelJob
from .cache import refresh
from .process.connection import cluster as connected
from .process.connection import map_parallel
from .queue import change_log

CHUNK = 40


class Unavailable(Exception):
    """The cluster cannot be reached now; `retry_after` says in how many seconds to try again."""

    def __init__(self, error: ClusterError) -> None:
        super().__init__(str(error))
        self.retry_after = error.retry_after or 5.0


class NodeRefused(Exception):
    """The cluster will not take the change."""


def write(name: str, changes: Mapping[str, str | None]) -> None:
    """Change one node's labels now and remember the node as it then is. Raises Unavailable, NodeRefused."""
    try:
        body = _patch(connected(), name, changes)
    except (Refused, NotFound, Conflict) as error:
        raise NodeRefused(str(error)) from error
    except ClusterError as error:
        raise Unavailable(error) from error
    refresh.observe_nodes([body])


def _patch(cluster: Cluster, name: str, changes: Mapping[str, str | None]) -> dict[str, Any]:
    return cluster.patch("Node", "", name, {"metadata": {"labels": dict(changes)}}, MERGE_PATCH)


def run(job_id: str, cluster: Cluster) -> None:
    """Carry out what is left of a job, node by node; done nodes stay done. Raises Unreachable or Throttled, after
    saving how far it got, so that the rest is tried again."""
    job = LabelJob.objects.filter(pk=job_id).first()
    if job is None or job.state in (LabelJob.State.DONE, LabelJob.State.FAILED):
        return
    job.state = LabelJob.State.RUNNING
    pending = [name for name, result in job.results.items() if result["state"] == "pending"]
    for start in range(0, len(pending), CHUNK):
        chunk = pending[start : start + CHUNK]
        outcomes = map_parallel(lambda name: _attempt(cluster, name, job.changes), chunk)
        _save(job, dict(zip(chunk, outcomes, strict=True)))
        for outcome in outcomes:
            if isinstance(outcome, Unreachable | Throttled):
                raise outcome
    failed = any(result["state"] == "failed" for result in job.results.values())
    job.state = LabelJob.State.FAILED if failed else LabelJob.State.DONE
    job.finished_at = timezone.now()
    job.save()
    change_log.record("job", [str(job.pk)])


def _attempt(cluster: Cluster, name: str, changes: Mapping[str, str | None]) -> dict[str, Any] | ClusterError:
    try:
        return _patch(cluster, name, changes)
    except ClusterError as error:
        return error


def _save(job: LabelJob, outcomes: Mapping[str, dict[str, Any] | ClusterError]) -> None:
    bodies = [outcome for outcome in outcomes.values() if isinstance(outcome, dict)]
    for name, outcome in outcomes.items():
        if isinstance(outcome, dict):
            job.results[name]["state"] = "done"
        elif not isinstance(outcome, Unreachable | Throttled):
            job.results[name].update(state="failed", detail=str(outcome))
    refresh.observe_nodes(bodies)
    job.save()
    change_log.record("job", [str(job.pk)])
