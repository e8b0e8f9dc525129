"""The steps of a job on one node. Each does no harm twice, so a process may die between any two of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..cluster import MERGE_PATCH, Cluster, ClusterError, Conflict, Throttled, Unreachable
from ..core.node_jobs import Changes, Step
from ..core.text import NOTHING, Sentence, say
from ..models import Grid, Node
from ..models.cache import Child
from .cache.translate import workload_above

Workload = tuple[str, str, str]  # kind, namespace, name


@dataclass(frozen=True, slots=True)
class Task:
    """What is left to do to a node: `steps` in order, the labels it is to have, the workloads whose pods must go,
    whether its kubelet is there to end them, and the uid it must have ("": any)."""

    node: str
    steps: tuple[Step, ...]
    changes: Changes
    workloads: frozenset[Workload]
    ready: bool
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a node came: the steps that are `left`, the node as it was last written, why it waits (`waiting`) or why
    it will not be done (`failed`), and what kept the cluster from answering."""

    left: tuple[Step, ...]
    body: Mapping[str, Any] | None = None
    waiting: Sentence | None = None
    failed: Sentence = NOTHING
    error: ClusterError | None = None


def workloads(keys: Iterable[str] | None) -> frozenset[Workload]:
    """The workloads of all grids, or of those that are bound to one of these label keys. Two queries."""
    grids = Grid.objects.workloads() if keys is None else Grid.objects.workloads().filter(key__in=list(keys))
    there = {(grid.grid_kind.child_kind, grid.namespace, grid.name) for grid in grids.briefly()}
    rows = Child.objects.of_grids().exclude(kind="Service").values_list("kind", "namespace", "name", "grid_name")
    return frozenset((kind, space, name) for kind, space, name, grid in rows if (kind, space, grid) in there)


def without_needless(task: Task, node: Node | None) -> Task:
    """The task of a node that has its labels already: nothing is evicted for them."""
    if node is None or "label" not in task.steps:
        return task
    if any(node.labels.get(key) != value for key, value in task.changes.items()):
        return task
    return replace(task, steps=tuple(step for step in task.steps if step not in ("evict", "label")))


def carry_out(cluster: Cluster, theirs: Cluster, task: Task) -> Outcome:
    """Do what is left, as far as it can be done now: what changes something in the name of whoever asked (`theirs`).
    Must not touch the database, for many run side by side."""
    body: Mapping[str, Any] | None = None
    failed = NOTHING
    left = list(task.steps)
    while left:
        try:
            if left[0] == "evict":
                if waiting := _evict(cluster, theirs, task):
                    return Outcome(tuple(left), body, waiting)
            else:
                body = theirs.patch("Node", "", task.node, _patch(left[0], task), MERGE_PATCH)
        except (Unreachable, Throttled) as error:
            return Outcome(tuple(left), body, error=error)
        except ClusterError as error:
            failed = failed or say("the cluster refuses: %(message)s", message=str(error))
            left = [each for each in left if each == "uncordon" and left[0] != "uncordon"]
        else:
            left.pop(0)
    return Outcome((), body, failed=failed)


def _patch(step: Step, task: Task) -> dict[str, Any]:
    """With the node's uid, which the API server lets nobody change: it refuses to write to another of that name."""
    metadata = {"uid": task.uid} if task.uid else {}
    if step == "label":
        return {"metadata": {**metadata, "labels": dict(task.changes)}}
    return {"metadata": metadata, "spec": {"unschedulable": True if step == "cordon" else None}}


@dataclass(slots=True)
class _Left:
    """The pods that are still there, those whose eviction was not allowed, and why not."""

    ending: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    why: str = ""


def _evict(cluster: Cluster, theirs: Cluster, task: Task) -> Sentence | None:
    """Have the pods of these workloads evicted; what is still waited for, None once they are gone."""
    left = _Left()
    for pod in _pods(cluster, task):
        metadata = pod["metadata"]
        name = f"{metadata['namespace']}/{metadata['name']}"
        if metadata.get("deletionTimestamp"):
            if task.ready:
                left.ending.append(name)
            continue
        try:
            theirs.evict(metadata["namespace"], metadata["name"], metadata["uid"])
            left.ending.append(name)
        except Conflict:  # another pod of that name by now
            left.ending.append(name)
        except (Throttled, Unreachable) as error:
            if not _is_about_the_pod(error):
                raise
            left.kept.append(name)
            left.why = left.why or str(error)
    return _waiting(left)


def _is_about_the_pod(error: ClusterError) -> bool:
    """Whether a budget does not allow it, or the API server finds more than one (500), and not: it is busy, or away."""
    return error.status == 500 or any(each.get("reason") == "DisruptionBudget" for each in error.causes)


def _waiting(left: _Left) -> Sentence | None:
    if left.kept:
        return say(
            "%(count)s pods may not be evicted now, first %(pod)s: %(reason)s",
            count=len(left.kept),
            pod=left.kept[0],
            reason=left.why,
        )
    if left.ending:
        return say("%(count)s pods are ending, first %(pod)s", count=len(left.ending), pod=left.ending[0])
    return None


def _pods(cluster: Cluster, task: Task) -> Sequence[Mapping[str, Any]]:
    """The pods on the node of these workloads that have not ended by themselves."""
    listed = cluster.list("Pod", field_selector=f"spec.nodeName={task.node}").items

    def concerned(pod: Mapping[str, Any]) -> bool:
        kind, name = workload_above(pod["metadata"])
        over = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        return not over and (kind, pod["metadata"]["namespace"], name) in task.workloads

    return [pod for pod in listed if concerned(pod)]
