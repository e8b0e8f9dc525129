"""What keeps a rollout from going on: only what is of the present template, told even while old pods serve."""

from datetime import UTC, datetime

import pytest

from sgportal.core.pods import PodView
from sgportal.core.workloads.rollout import rollout
from sgportal.core.workloads.trouble import (
    Evidence,
    is_in_doubt,
    lacks_pods,
    last_refusal,
    present_replica_set,
    trouble,
    under_way,
)

from ..builders import frozen

REFUSED = {
    "type": "ReplicaFailure",
    "status": "True",
    "reason": "FailedCreate",
    "message": "exceeded quota: few",
}
NO_PROGRESS = "the rollout has made no progress within its deadline"
LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}


def pod(name, revision, reason="CrashLoopBackOff", label="pod-template-hash", **more):
    return PodView("shop", name, {label: revision}, "n1", reason=reason, message="", child="g-a", **more)


def of_set(name, revision, **more):
    return pod(name, revision, label="controller-revision-hash", **more)


def deployment(updated=1, total=3, available=2, revision="2", conditions=(), generation=1, **spec):
    status = {"observedGeneration": 1, "replicas": total, "updatedReplicas": updated, "availableReplicas": available}
    metadata = {"name": "g-a", "uid": "d", "generation": generation}
    metadata["annotations"] = {"deployment.kubernetes.io/revision": revision}
    body = {"metadata": metadata, "spec": {"replicas": 3, **spec}, "status": {**status, "conditions": list(conditions)}}
    return frozen(body)


def replica_set(revision, number="2", owner="d"):
    metadata = {"name": f"g-a-{revision}", "labels": {"pod-template-hash": revision}}
    annotations = {"deployment.kubernetes.io/revision": number}
    return {"metadata": {**metadata, "annotations": annotations, "ownerReferences": [{"uid": owner}]}}


def stateful_set(ready=2, updated=1, replicas=3, has=None, policy=None, **metadata):
    status = {"observedGeneration": 1, "replicas": replicas if has is None else has, "readyReplicas": ready}
    status |= {"updatedReplicas": updated, "updateRevision": "new", "currentRevision": "old"}
    spec = {"replicas": replicas, "updateStrategy": {"type": "RollingUpdate"}}
    if policy:
        spec["podManagementPolicy"] = policy
    metadata = {"name": "g-a", "uid": "s", "generation": 1, **metadata}
    return frozen({"metadata": metadata, "spec": spec, "status": status})


def told(live, kind="Deployment", **evidence):
    found = trouble(kind, live, rollout(kind, live), Evidence(**evidence))
    return found and (found[0], str(found[1]))


NEW, OLD = pod("g-a-new-1", "new", "ErrImagePull"), pod("g-a-a-1", "a")


@pytest.mark.parametrize(
    ("live", "evidence", "expected"),
    [
        # A new pod is in trouble while old ones serve; an old one in trouble comes second, also by name.
        (deployment(), {"pods": [OLD, NEW], "replica_set": replica_set("new")}, "pod g-a-new-1: ErrImagePull"),
        # Old pods are replaced whatever their state: that is no failed rollout.
        (deployment(), {"pods": [OLD], "replica_set": replica_set("new")}, None),
        (deployment(updated=0), {"pods": [OLD]}, None),
        # News of a pod may be older than that of its Deployment, which says that all are new.
        (deployment(updated=3), {"pods": [OLD], "replica_set": replica_set("new")}, None),
        (deployment(updated=3), {"pods": [OLD]}, "pod g-a-a-1: CrashLoopBackOff"),
        (deployment(updated=0, total=0), {"pods": [OLD]}, "pod g-a-a-1: CrashLoopBackOff"),
        # Which are new is not known: trouble is rather said than hidden.
        (deployment(), {"pods": [OLD]}, "pod g-a-a-1: CrashLoopBackOff"),
        # Nothing replaces the pods of a paused rollout.
        (
            deployment(updated=0, paused=True),
            {"pods": [OLD]},
            "the rollout is paused: 0 of 3 pods are updated; pod g-a-a-1 of the old template: CrashLoopBackOff",
        ),
        # All of this is about the change before.
        (deployment(generation=2, conditions=[REFUSED]), {"pods": [NEW]}, None),
        # Pods that ended or go are replaced.
        (deployment(updated=3), {"pods": [pod("g", "new", "Evicted", phase="Failed")]}, None),
        (deployment(updated=3), {"pods": [pod("g", "new", terminating=True)]}, None),
        (deployment(updated=3), {"pods": [pod("g", "new", "ContainerCreating")]}, None),
    ],
)
def test_pods_of_a_deployment(live, evidence, expected):
    found = told(live, **evidence)
    assert (found and found[1]) == expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], None),
        ([{**REFUSED, "status": "False"}], None),
        ([{**REFUSED, "message": "denied by a webhook"}], "pods cannot be created: denied by a webhook"),
    ],
)
def test_a_refusal_from_before_the_present_template_is_not_the_present_one(conditions, expected):
    """The Deployment still has the condition of an old ReplicaSet."""
    present = {**replica_set("new"), "status": {"conditions": conditions}}
    found = told(deployment(updated=0, total=2, conditions=[REFUSED]), replica_set=present)
    assert (found and found[1]) == expected


def test_a_refusal_is_told_while_old_pods_serve_and_where_nothing_else_is_known():
    assert told(deployment(updated=0, total=3, available=3, conditions=[REFUSED]))[0] == "FailedCreate"


@pytest.mark.parametrize(
    ("more", "evidence", "reason", "words"),
    [
        ((), {"pods": [NEW], "replica_set": replica_set("new")}, "ErrImagePull", "pod g-a-new-1: ErrImagePull"),
        ((), {"pods": [pod("p", "new", "Unschedulable")]}, "Unschedulable", "pod p: Unschedulable"),
        ((), {"pods": [pod("p", "new")]}, "CrashLoopBackOff", "pod p: CrashLoopBackOff"),
        ((REFUSED,), {}, "FailedCreate", "pods cannot be created: exceeded quota: few"),
        # An old pod in trouble is replaced: it is not what holds up the new ones.
        ((), {"pods": [OLD], "replica_set": replica_set("new")}, LATE["reason"], NO_PROGRESS),
        ((), {"pods": [pod("p", "new", "ContainerCreating")]}, LATE["reason"], NO_PROGRESS),
        ((), {}, LATE["reason"], NO_PROGRESS),
    ],
)
def test_a_deadline_that_passed_does_not_hide_its_cause(more, evidence, reason, words):
    assert told(deployment(conditions=[LATE, *more]), **evidence) == (reason, words)


@pytest.mark.parametrize(
    ("live", "pods", "expected"),
    [
        (stateful_set(), [of_set("s-0", "old"), of_set("s-2", "new")], "pod s-2: CrashLoopBackOff"),
        # Its controller waits until the pods before are ready: an old pod does hold up the rollout.
        (stateful_set(), [of_set("s-0", "old")], "pod s-0 of the old template: CrashLoopBackOff"),
        (stateful_set(ready=3, updated=3), [of_set("s-0", "new")], "pod s-0: CrashLoopBackOff"),
    ],
)
def test_pods_of_a_stateful_set(live, pods, expected):
    assert told(live, "StatefulSet", pods=pods)[1] == expected


def test_old_pods_in_trouble_are_mentioned_while_they_are_replaced():
    live = deployment()
    evidence = Evidence([OLD], replica_set("new"))
    said = under_way("Deployment", live, rollout("Deployment", live), evidence)
    assert str(said) == "1 of 3 pods are updated; pod g-a-a-1 of the old template: CrashLoopBackOff"
    unobserved = deployment(generation=2)
    said = under_way("Deployment", unobserved, rollout("Deployment", unobserved), evidence)
    assert str(said) == "the controller has not seen the latest change yet"


def test_replica_sets_are_asked_for_only_in_doubt():
    assert is_in_doubt(deployment(), [OLD])
    assert is_in_doubt(deployment(updated=0, conditions=[REFUSED]), [])
    assert not is_in_doubt(deployment(), [])
    assert not is_in_doubt(deployment(updated=0), [OLD])
    assert is_in_doubt(deployment(updated=3), [OLD, NEW])
    assert not is_in_doubt(deployment(updated=3), [OLD])
    assert not is_in_doubt(deployment(revision="1", conditions=[REFUSED]), [OLD])
    assert not is_in_doubt(deployment(generation=2), [OLD])
    assert not is_in_doubt(deployment(updated=3, available=3), [OLD])


def test_the_present_replica_set_has_the_number_on_the_deployment():
    old, namesake, present = replica_set("a", "1"), replica_set("b", "2", owner="x"), replica_set("c", "2")
    assert present_replica_set(deployment(), [old, namesake, present]) == present
    assert present_replica_set(deployment(), [old, namesake]) is None


def test_a_stateful_set_lacks_pods_where_its_controller_should_have_created_one():
    assert lacks_pods(stateful_set(ready=2, has=2))
    assert not lacks_pods(stateful_set(ready=1, has=2))
    assert lacks_pods(stateful_set(ready=1, has=2, policy="Parallel"))
    assert not lacks_pods(stateful_set(ready=3, has=3))
    assert not lacks_pods(stateful_set(ready=0, has=0, generation=2))


def event(message, at, uid="s", **more):
    return {"metadata": {}, "involvedObject": {"uid": uid}, "message": message, "lastTimestamp": at, **more}


def test_the_last_refusal_of_a_stateful_set():
    changed = {"manager": "kubectl", "time": "2026-01-02T10:00:00Z"}
    counted = {"manager": "kcm", "time": "2026-01-02T12:00:00Z", "subresource": "status"}
    live = stateful_set(has=2, managedFields=[changed, counted])
    early, late = event("early", "2026-01-02T09:59:59Z"), event("late", "2026-01-02T10:00:00Z")
    series = event("series", None, eventTime="2026-01-02T09:00:00Z")
    series["series"] = {"count": 9, "lastObservedTime": "2026-01-02T11:00:00.123456Z"}
    assert last_refusal(live, [], "") == ""
    assert last_refusal(live, [early, event("another's", "2026-01-02T11:00:00Z", uid="x")], "") == ""
    assert last_refusal(live, [late, early], "") == "late"
    assert last_refusal(live, [late, series], "") == "series"
    assert last_refusal(live, [late], "2026-01-02T10:00:01Z") == ""
    assert told(live, "StatefulSet", creation_failure="late") == ("FailedCreate", "pods cannot be created: late")


def reported(at, changed="2026-11-27T10:00:00Z", **spec):
    """A StatefulSet whose controller last said something new at a time."""
    entries = [{"manager": "sgportal", "time": changed}]
    if at:
        entries.append({"manager": "kube-controller-manager", "subresource": "status", "time": at})
    live = stateful_set(ready=2, updated=3, managedFields=entries)
    return {**live, "spec": {**live["spec"], **spec}}


@pytest.mark.parametrize(
    ("live", "still"),
    [
        (reported("2026-11-27T10:00:00Z"), True),
        (reported("2026-11-27T10:00:01Z"), False),
        (reported("2026-11-27T09:00:00Z", changed="2026-11-27T10:00:01Z"), False),
        (reported("2026-11-27T10:00:00Z", minReadySeconds=60), False),
        (reported("2026-11-27T09:59:00Z", changed="2026-11-27T09:59:00Z", minReadySeconds=60), True),
        (reported(""), False),
    ],
)
def test_a_stateful_set_for_which_nothing_changes_has_a_deadline_too(live, still):
    found = told(live, "StatefulSet", now=datetime(2026, 11, 27, 10, 10, tzinfo=UTC).timestamp())
    if still:
        reason, sentence = found
        assert (reason, str(sentence)) == (
            "ProgressDeadlineExceeded",
            "nothing has changed for 10 minutes: 2 of 3 pods are ready",
        )
    else:
        assert found is None
    assert told(live, "StatefulSet") is None


def test_what_is_known_to_keep_a_stateful_set_is_said_and_not_the_time():
    late = datetime(2026, 11, 27, 11, tzinfo=UTC).timestamp()
    live = reported("2026-11-27T10:00:00Z")
    assert told(live, "StatefulSet", now=late, pods=[of_set("new-0", "new")])[0] == "CrashLoopBackOff"
