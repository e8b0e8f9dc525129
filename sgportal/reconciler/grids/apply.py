"""Carrying out the steps of a plan, side by side, each on its own: one unit's trouble never stops another's."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...cluster import JSON_PATCH, Cluster, ClusterError, Conflict, Throttled, Unreachable
from ...core.grids.plan import Step
from ..process.connection import side_by_side
from .reopen_service import without_sentinels


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: `live` is the object afterwards (None: deleted), `error` what went wrong, `taken` that the
    name belongs to somebody else. With `skipped` it was not tried, because the cluster had stopped answering or asked
    for a pause."""

    step: Step
    live: Mapping[str, Any] | None = None
    error: ClusterError | None = None
    taken: bool = False
    skipped: bool = False

    @property
    def done(self) -> bool:
        """Whether the write was made."""
        return not (self.error or self.taken or self.skipped)


def carry_out(steps: Sequence[Step], cluster: Cluster, lost: threading.Event) -> list[Outcome]:
    """Try every step, deletions last; stop early where the cluster stops answering, throttles, or the lease is lost."""
    stop = threading.Event()

    def attempt(step: Step) -> Outcome:
        if stop.is_set() or lost.is_set():
            return Outcome(step, skipped=True)
        try:
            return _carry_out(step, cluster)
        except ClusterError as error:
            if isinstance(error, Unreachable | Throttled):
                stop.set()
            return Outcome(step, error=error)

    writes = side_by_side(attempt, [step for step in steps if step.verb != "delete"])
    return writes + side_by_side(attempt, [step for step in steps if step.verb == "delete"])


def _carry_out(step: Step, cluster: Cluster) -> Outcome:
    if step.verb == "create":
        return _create(step, cluster)
    if step.verb == "delete":
        cluster.delete(step.kind, step.namespace, step.name, uid=step.uid)
        return Outcome(step)
    return Outcome(step, live=_update(without_sentinels(step, cluster), cluster))


def _create(step: Step, cluster: Cluster) -> Outcome:
    """Server-side apply without force, so that nothing of a stranger's is ever overwritten. Where the answer says that
    the object was there already, applying nothing takes our fields off it again."""
    try:
        applied = cluster.apply(step.body)
    except Conflict:
        return Outcome(step, taken=True)
    if applied.created:
        return Outcome(step, live=applied.body)
    identity = {key: step.body["metadata"][key] for key in ("name", "namespace")}
    cluster.apply({"apiVersion": step.body["apiVersion"], "kind": step.body["kind"], "metadata": identity})
    return Outcome(step, taken=True)


def _update(step: Step, cluster: Cluster) -> Mapping[str, Any]:
    """Remove what others added to collections that are ours as a whole, then apply; the uid makes sure that it is still
    the object we looked at."""
    live: Mapping[str, Any] = {}
    foreign = [change for change in step.changes if change.foreign]
    if foreign:
        patch: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/uid", "value": step.uid}]
        for change in sorted(foreign, key=lambda each: each.path, reverse=True):
            patch.append({"op": "test", "path": change.path, "value": change.old})
            patch.append({"op": "remove", "path": change.path})
        live = cluster.patch(step.kind, step.namespace, step.name, patch, JSON_PATCH)
    if not live or step.verb == "adopt" or len(foreign) < len(step.changes):
        body = {**step.body, "metadata": {**step.body["metadata"], "uid": step.uid}}
        live = cluster.apply(body, force=True).body
    return live
