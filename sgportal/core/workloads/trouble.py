"""What keeps the rollout of a Deployment or StatefulSet from going on, told apart from what troubles the pods it
replaces: only pods of the present template, and failures to create them, are the rollout's own."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..pods import PodView
from ..text import Sentence, say
from ..timestamps import epoch_seconds
from .rollout import Rollout, condition, rollout

Body = Mapping[str, Any]
POD_TEMPLATE_HASH = "pod-template-hash"  # label of a Deployment's pods and of their ReplicaSet
_CONTROLLER_REVISION_HASH = "controller-revision-hash"  # label of a StatefulSet's pods
_REVISION = "deployment.kubernetes.io/revision"  # annotation: a ReplicaSet's number; a Deployment's present one
# A StatefulSet has no deadline of its own: the default of a Deployment's progressDeadlineSeconds (apps/v1) counts.
DEADLINE_SECONDS = 600
DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"  # the reason that Kubernetes has for Deployments


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a workload besides itself: its pods; the ReplicaSet of a Deployment's present template, None
    where it was not asked for or is not known; why its controller could not create a pod, where only an Event says it;
    the time, in epoch seconds, None where it does not matter."""

    pods: Sequence[PodView] = ()
    replica_set: Body | None = None
    creation_failure: str = ""
    now: float | None = None


def trouble(kind: str, live: Body, found: Rollout, evidence: Evidence) -> tuple[str, Sentence] | None:
    """(reason, sentence) of what keeps a rollout from going on, or None. Where the evidence does not tell whether a pod
    is an old one, it counts as new: trouble is rather said than hidden."""
    if found.complete or found.stage == "Unobserved":
        return None
    cause = _cause(kind, live, found, evidence)
    if not cause and kind == "StatefulSet" and _stands_still(live, evidence.now):
        minutes = DEADLINE_SECONDS // 60
        text = say("nothing has changed for %(minutes)s minutes: %(rollout)s", minutes=minutes, rollout=found.sentence)
        return DEADLINE_EXCEEDED, text
    if found.stage == "DeadlineExceeded":
        # The deadline follows from what ails the pods; it is the reason only where nothing else is known.
        return cause or (DEADLINE_EXCEEDED, found.sentence)
    if cause and found.stage == "Paused":
        return cause[0], say("%(rollout)s; %(cause)s", rollout=found.sentence, cause=cause[1])
    return cause


def under_way(kind: str, live: Body, found: Rollout, evidence: Evidence) -> Sentence:
    """How far a rollout is that goes on, and what troubles the pods that it replaces."""
    _, old = _failing(kind, live, evidence)
    if not old or found.stage == "Unobserved":
        return found.sentence
    return say("%(rollout)s; %(cause)s", rollout=found.sentence, cause=_of_old(old[0]))


def _cause(kind: str, live: Body, found: Rollout, evidence: Evidence) -> tuple[str, Sentence] | None:
    new, old = _failing(kind, live, evidence)
    if new:
        return new[0].reason, say("pod %(pod)s: %(message)s", pod=new[0].name, message=_said(new[0]))
    if failure := _creation_failure(live, evidence):
        return failure
    # Old pods of a Deployment are replaced whatever their state, unless it is paused; a StatefulSet goes on when those
    # before it are ready.
    if old and (kind == "StatefulSet" or found.stage == "Paused"):
        return old[0].reason, _of_old(old[0])
    return None


def _stands_still(live: Body, now: float | None) -> bool:
    """Whether a StatefulSet has made no progress within the deadline: neither has it been changed, nor has its
    controller had anything new to say of it. Ready pods may have to stay so for minReadySeconds, during which nothing
    changes. Where its managed fields do not tell, it is not known to stand still."""
    entries = live["metadata"].get("managedFields") or ()
    reported = [str(each.get("time") or "")[:_SECONDS] for each in entries if each.get("subresource") == "status"]
    last = max([*reported, _changed_at(live)])
    if now is None or not any(reported):
        return False
    return now - epoch_seconds(last) >= DEADLINE_SECONDS + (live["spec"].get("minReadySeconds") or 0)


def _said(pod: PodView) -> str:
    if not pod.message or pod.reason in pod.message:
        return pod.message or pod.reason
    return f"{pod.reason}: {pod.message}"


def _of_old(pod: PodView) -> Sentence:
    return say("pod %(pod)s of the old template: %(message)s", pod=pod.name, message=_said(pod))


def _failing(kind: str, live: Body, evidence: Evidence) -> tuple[list[PodView], list[PodView]]:
    """The pods in trouble by name: those of the present template, and old ones."""
    failing = sorted((pod for pod in evidence.pods if pod.in_trouble), key=lambda pod: pod.name)
    status = live.get("status") or {}
    if kind == "Deployment" and status.get("replicas") and not status.get("updatedReplicas"):
        return [], failing
    label = POD_TEMPLATE_HASH if kind == "Deployment" else _CONTROLLER_REVISION_HASH
    present = _present_revision(kind, live, evidence)
    old = [pod for pod in failing if present and pod.labels.get(label, present) != present]
    return [pod for pod in failing if pod not in old], old


def _present_revision(kind: str, live: Body, evidence: Evidence) -> str:
    """The revision of the present template, as its pods are labelled with; "" where it is not known."""
    if kind == "StatefulSet":
        return str((live.get("status") or {}).get("updateRevision") or "")
    labels = ((evidence.replica_set or {}).get("metadata") or {}).get("labels") or {}
    return str(labels.get(POD_TEMPLATE_HASH) or "")


def _creation_failure(live: Body, evidence: Evidence) -> tuple[str, Sentence] | None:
    """A quota, a limit, an admission webhook or the like keeps pods from being created: ReplicaFailure (apps/v1) of a
    Deployment, an Event of a StatefulSet. A Deployment hands on the failure of an old ReplicaSet where the present one
    has none, and keeps the old words where both fail: the present one itself says what is so."""
    failure = condition(live, "ReplicaFailure")
    if failure and evidence.replica_set:
        failure = condition(evidence.replica_set, "ReplicaFailure")
    if failure.get("status") == "True":
        return failure.get("reason") or "FailedCreate", _refused(failure.get("message") or "")
    return ("FailedCreate", _refused(evidence.creation_failure)) if evidence.creation_failure else None


def _refused(message: str) -> Sentence:
    return say("pods cannot be created: %(message)s", message=message)


def is_in_doubt(live: Body, pods: Collection[PodView]) -> bool:
    """Whether only its ReplicaSets tell what of a Deployment's trouble is the present template's: it has had others,
    and some pods are in trouble or could not be created. Not so where all pods there are, are of one template, and it
    says that they have the present one."""
    found = rollout("Deployment", live)
    if found.complete or found.stage == "Unobserved" or _revision(live) == "1":
        return False
    if condition(live, "ReplicaFailure").get("status") == "True":
        return True
    status = live.get("status") or {}
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    alike = updated == total and len({pod.labels.get(POD_TEMPLATE_HASH) for pod in pods}) == 1
    return bool(updated) and not alike and any(pod.in_trouble for pod in pods)


def present_replica_set(live: Body, replica_sets: Iterable[Body]) -> Body | None:
    """Among ReplicaSets the one of a Deployment's present template: its controller gives that the highest number, and
    notes the number on the Deployment."""
    uid, number = live["metadata"]["uid"], _revision(live)
    for each in replica_sets:
        owners = each["metadata"].get("ownerReferences") or ()
        if number and _revision(each) == number and any(owner.get("uid") == uid for owner in owners):
            return each
    return None


def _revision(body: Body) -> str | None:
    return (body["metadata"].get("annotations") or {}).get(_REVISION)


def lacks_pods(live: Body) -> bool:
    """Whether a StatefulSet has fewer pods than it wants although nothing there keeps its controller from creating the
    next: it waits for those before to become ready, unless its pods are managed in parallel."""
    spec, status = live["spec"], live.get("status") or {}
    has, ready = status.get("replicas", 0), status.get("readyReplicas", 0)
    waits = spec.get("podManagementPolicy") != "Parallel" and ready < has
    return has < spec.get("replicas", 1) and not waits and rollout("StatefulSet", live).stage != "Unobserved"


def last_refusal(live: Body, events: Iterable[Body], newest_pod: str) -> str:
    """The message of the last Event about this StatefulSet that says that no pod could be created, "" where one has
    been created since (`newest_pod`: when, RFC 3339 in UTC, "" for never) or its specification was changed since: its
    controller tries at once after a change."""
    uid = live["metadata"]["uid"]
    about = [each for each in events if (each.get("involvedObject") or {}).get("uid") == uid]
    last = max(about, key=_at, default=None)
    if last is None or _at(last) < max(newest_pod[:_SECONDS], _changed_at(live)):
        return ""
    return str(last.get("message") or last.get("reason") or "FailedCreate")


_SECONDS = len("2006-01-02T15:04:05")


def _at(event: Body) -> str:
    """When an Event was last seen, to the second: a repeated one is counted, in one of two ways."""
    series = event.get("series") or {}
    stamp = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(stamp or event["metadata"].get("creationTimestamp") or "")[:_SECONDS]


def _changed_at(live: Body) -> str:
    """When somebody last changed the object itself, by its managed fields, to the second; "" where they do not say."""
    entries = live["metadata"].get("managedFields") or ()
    return max((str(each.get("time") or "")[:_SECONDS] for each in entries if not each.get("subresource")), default="")
