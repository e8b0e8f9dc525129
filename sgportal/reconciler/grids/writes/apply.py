"""Apply the steps of a plan, side by side, each on its own: one unit's trouble never stops another's.

Every write says in the same request which object it means: one that must not exist, or exactly the one that was decided
about. So whoever comes second changes nothing.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....cluster import JSON_PATCH, Cluster, ClusterError, Conflict, Throttled, Unreachable
from ....core.names import OWNER_UID
from ....core.ownership.identity import as_judged, conflict, marked_for, same_owner
from ....core.ownership.managed_fields import rewritten
from ....core.plans.desired import Finding
from ....core.plans.plan import Step
from ....core.text import pointer
from ...process.connection import map_parallel
from .reopen_service import without_sentinels

Body = Mapping[str, Any]
TRIES = 5  # of one write, while nothing but its object's status changes in between


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of a step: `live` is the object afterwards (None: deleted), `error` what went wrong, `taken` that the
    name belongs to somebody else, and to whom. With `skipped` it was not tried, because the cluster had stopped
    answering or asked for a pause. `changed`: there is something to tell; a write may turn out to change nothing."""

    step: Step
    live: Body | None = None
    error: ClusterError | None = None
    taken: Finding | None = None
    skipped: bool = False
    changed: bool = True

    @property
    def done(self) -> bool:
        """Whether the write was made."""
        return not (self.error or self.taken or self.skipped)


def apply_steps(
    steps: Sequence[Step], cluster: Cluster, lost: threading.Event, first: bool = False
) -> list[StepResult]:
    """Try every step, deletions last; stop early where the cluster stops answering, throttles, or the lease is lost.
    What goes `first` waits for no other write of this process."""
    stop = threading.Event()

    def attempt(step: Step) -> StepResult:
        if stop.is_set() or lost.is_set():
            return StepResult(step, skipped=True)
        try:
            return _apply_step(step, cluster)
        except ClusterError as error:
            if isinstance(error, Unreachable | Throttled):
                stop.set()
            return StepResult(step, error=error)

    writes = map_parallel(attempt, [step for step in steps if step.verb != "delete"], first)
    return writes + map_parallel(attempt, [step for step in steps if step.verb == "delete"])


def raise_first(results: Iterable[StepResult]) -> None:
    """Raise the first error among the outcomes, if there is one."""
    for result in results:
        if result.error and not isinstance(result.error, Conflict):
            raise result.error


def is_cut_short(results: Iterable[StepResult]) -> bool:
    """Whether something stopped the writes, so that the rest were not tried."""
    return any(result.skipped or isinstance(result.error, Unreachable | Throttled) for result in results)


def raise_if_cut_short(results: Iterable[StepResult]) -> None:
    """Raise what stopped the writes (no answer, or a request to slow down), so that the whole grid waits."""
    for result in results:
        if isinstance(result.error, Unreachable | Throttled):
            raise result.error


def _apply_step(step: Step, cluster: Cluster) -> StepResult:
    if step.verb == "create":
        return _create(step, cluster)
    if step.verb == "delete":
        cluster.delete(step.kind, step.namespace, step.name, uid=step.uid)
        return StepResult(step)
    if step.verb == "release":
        return StepResult(step, live=_release(step, cluster))
    return _update(without_sentinels(step, cluster), cluster)


def _create(step: Step, cluster: Cluster) -> StepResult:
    """Create what is not there. What is there already may be our own: the answer to an earlier try was lost, or another
    worker was faster."""
    try:
        return StepResult(step, live=cluster.apply_new(step.body))
    except Conflict as refused:
        live = cluster.get(step.kind, step.namespace, step.name)
        if live is None:  # the conflict is about something else, such as a quota that is being counted
            return StepResult(step, error=refused)
        if same_owner(step.body, live):
            return StepResult(step, live=live, changed=False)
        return StepResult(step, taken=Finding(step.unit, "NameConflict", conflict(step.kind, live)))


def _update(step: Step, cluster: Cluster) -> StepResult:
    """Write to the object that was decided about. Its status changes all the time, which takes another try; anything
    else takes another decision."""
    live, tries = step.seen, TRIES
    while True:
        try:
            answer = _write(step, live, cluster)
        except Conflict as refused:
            again = cluster.get(step.kind, step.namespace, step.name)
            tries -= 1
            if not tries or again is None or not as_judged(step.seen, again):
                return StepResult(step, error=refused)
            live = again
        else:
            released = any(change.released for change in step.changes)
            return StepResult(step, live=answer, changed=released or not as_judged(live, answer))


def _write(step: Step, live: Body, cluster: Cluster) -> Body:
    """Make ours what is to go, give up what is to stay; then one apply sets, and removes, everything at once."""
    claimed = [change.field for change in step.changes if change.claimed]
    released = [change.field for change in step.changes if change.released]
    managed = rewritten(live, claimed, released)
    if managed is not None:
        live = cluster.patch(step.kind, step.namespace, step.name, _handing_over(live, managed), JSON_PATCH)
    if managed is not None and len(released) == len(step.changes) and step.verb != "adopt":
        return live
    metadata = live["metadata"]
    exactly = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    return cluster.apply({**step.body, "metadata": {**step.body["metadata"], **exactly}}, force=True).body


def _handing_over(live: Body, managed: Sequence[Body]) -> list[dict[str, Any]]:
    """The patch that says anew which fields are whose, of an object that is still as we know it."""
    metadata = live["metadata"]
    return [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "add", "path": "/metadata/managedFields", "value": managed},
    ]


def _release(step: Step, cluster: Cluster) -> Body:
    """Take the mark of its grid off a child that outlives it."""
    mark = pointer("metadata", "annotations", OWNER_UID)
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": step.uid},
        {"op": "test", "path": mark, "value": marked_for(step.seen)},
        {"op": "remove", "path": mark},
    ]
    return cluster.patch(step.kind, step.namespace, step.name, patch, JSON_PATCH)
