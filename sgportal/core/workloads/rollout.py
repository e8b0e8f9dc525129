"""Whether a Deployment or StatefulSet is rolled out: the rule that `kubectl rollout status` applies, as a value.

Source: kubectl, `pkg/polymorphichelpers/rollout_status.go` (DeploymentStatusViewer, StatefulSetStatusViewer). Where
kubectl waits for ever or refuses to answer (paused, OnDelete), the stage says what the rollout waits for instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..text import Sentence, say

Stage = Literal["RolledOut", "Partitioned", "OnDelete", "Paused", "Progressing", "DeadlineExceeded", "Unobserved"]
COMPLETE: frozenset[Stage] = frozenset(("RolledOut", "Partitioned", "OnDelete"))


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a workload's rollout is. `Partitioned` and `OnDelete` are complete: the other pods keep the old template
    on purpose. `Paused` will not go on until somebody resumes it. `Unobserved`: its controller has not seen the latest
    change, so that its status, and its pods, are about an earlier one."""

    stage: Stage
    sentence: Sentence

    @property
    def complete(self) -> bool:
        """Whether nothing more will happen by itself, and everything that was to happen has."""
        return self.stage in COMPLETE


def rollout(kind: str, live: Mapping[str, Any]) -> Rollout:
    """The rollout of a live object of `kind`, `Deployment` or `StatefulSet`."""
    status, spec = live.get("status") or {}, live.get("spec") or {}
    # The API server fills in replicas; an object that was never stored may lack it.
    wanted = spec.get("replicas", 1)
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return Rollout("Unobserved", say("the controller has not seen the latest change yet"))
    if kind == "StatefulSet":
        return _stateful_set(spec, status, wanted)
    return _deployment(live, spec, status, wanted)


def is_rolled_out(kind: str, live: Mapping[str, Any] | None) -> bool:
    """Whether a workload exists and its rollout is complete."""
    return live is not None and rollout(kind, live).complete


def _deployment(live: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any], wanted: int) -> Rollout:
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    halfway = updated < wanted or total > updated
    if halfway and spec.get("paused"):
        text = say("the rollout is paused: %(updated)s of %(wanted)s pods are updated", updated=updated, wanted=wanted)
        return Rollout("Paused", text)
    if condition(live, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return Rollout("DeadlineExceeded", say("the rollout has made no progress within its deadline"))
    if updated < wanted:
        return _progressing(say("%(updated)s of %(wanted)s pods are updated", updated=updated, wanted=wanted))
    if total > updated:
        return _progressing(say("%(old)s old pods are pending termination", old=total - updated))
    if available < updated:
        return _progressing(_available(available, updated))
    return Rollout("RolledOut", say("all pods are ready"))


def _stateful_set(spec: Mapping[str, Any], status: Mapping[str, Any], wanted: int) -> Rollout:
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    available = status.get("availableReplicas", 0) if spec.get("minReadySeconds") else ready
    strategy = spec.get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    if ready < wanted:
        return _progressing(say("%(ready)s of %(wanted)s pods are ready", ready=ready, wanted=wanted))
    if available < wanted:
        return _progressing(_available(available, wanted))
    if strategy.get("type") == "OnDelete":
        return _on_delete(status, updated, wanted)
    if updated < wanted - partition:
        target = max(wanted - partition, 0)
        return _progressing(say("%(updated)s of %(wanted)s pods are updated", updated=updated, wanted=target))
    if partition:
        return _partitioned(updated, wanted, partition)
    if status.get("updateRevision") != status.get("currentRevision"):
        return _progressing(say("%(updated)s of %(wanted)s pods are updated", updated=updated, wanted=wanted))
    return Rollout("RolledOut", say("all pods are ready"))


def _on_delete(status: Mapping[str, Any], updated: int, wanted: int) -> Rollout:
    if updated >= wanted or status.get("updateRevision") == status.get("currentRevision"):
        return Rollout("RolledOut", say("all pods are ready"))
    text = say(
        "%(updated)s of %(wanted)s updated; a pod takes the new template when it is deleted (OnDelete)",
        updated=updated,
        wanted=wanted,
    )
    return Rollout("OnDelete", text)


def _partitioned(updated: int, wanted: int, partition: int) -> Rollout:
    if updated >= wanted:
        return Rollout("RolledOut", say("all pods are ready"))
    text = say(
        "%(updated)s of %(wanted)s updated, partition %(partition)s",
        updated=updated,
        wanted=wanted,
        partition=partition,
    )
    return Rollout("Partitioned", text)


def _progressing(sentence: Sentence) -> Rollout:
    return Rollout("Progressing", sentence)


def _available(available: int, wanted: int) -> Sentence:
    return say("%(available)s of %(wanted)s updated pods are available", available=available, wanted=wanted)


def condition(live: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    """The condition of this type of a live object, {} where it has none."""
    conditions = (live.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == type_), {})
