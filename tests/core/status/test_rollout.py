"""The rollout rule, case by case, as kubectl's own tests of `rollout status` have them."""

import pytest

from sgportal.core.workloads.rollout import rollout


def deployment(spec=None, generation=1, **status):
    spec = {"replicas": 3, **(spec or {})}
    return {"metadata": {"generation": generation}, "spec": spec, "status": {"observedGeneration": 1, **status}}


def counts(updated, total, available):
    return {"updatedReplicas": updated, "replicas": total, "availableReplicas": available, "readyReplicas": total}


LATE = {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}


@pytest.mark.parametrize(
    ("stage", "words", "live"),
    [
        ("RolledOut", "all pods are ready", deployment(**counts(3, 3, 3))),
        ("RolledOut", "all pods are ready", deployment({"replicas": 0}, **counts(0, 0, 0))),
        ("Unobserved", "not seen the latest change", deployment(generation=2, **counts(3, 3, 3))),
        ("Progressing", "1 of 3 pods are updated", deployment(**counts(1, 3, 3))),
        ("Progressing", "1 old pods are pending termination", deployment(**counts(3, 4, 4))),
        ("Progressing", "2 of 3 updated pods are available", deployment(**counts(3, 3, 2))),
        ("DeadlineExceeded", "no progress", deployment(**counts(1, 4, 3), **LATE)),
        ("DeadlineExceeded", "no progress", deployment(**counts(3, 3, 3), **LATE)),
        ("Paused", "paused: 0 of 3", deployment({"paused": True}, **counts(0, 3, 3))),
        ("Paused", "paused: 3 of 3", deployment({"paused": True}, **counts(3, 4, 4))),
        ("RolledOut", "all pods are ready", deployment({"paused": True}, **counts(3, 3, 3))),
        ("Progressing", "2 of 3 updated pods", deployment({"paused": True}, **counts(3, 3, 2))),
    ],
)
def test_deployments(stage, words, live):
    found = rollout("Deployment", live)
    assert found.stage == stage
    assert words in str(found.sentence)


def stateful(strategy=None, ready=3, updated=3, current="a", update="a", **more):
    spec = {"replicas": 3, "updateStrategy": strategy or rolling(0), **more}
    status = {
        "observedGeneration": 1,
        "replicas": 3,
        "readyReplicas": ready,
        "availableReplicas": more.get("available", ready),
    }
    status |= {"updatedReplicas": updated, "currentRevision": current, "updateRevision": update}
    return {"metadata": {"generation": 1}, "spec": spec, "status": status}


def rolling(partition):
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}


@pytest.mark.parametrize(
    ("stage", "words", "live"),
    [
        ("RolledOut", "all pods are ready", stateful()),
        ("Progressing", "2 of 3 pods are ready", stateful(ready=2)),
        ("Progressing", "1 of 3 pods are updated", stateful(updated=1, update="b")),
        ("Progressing", "3 of 3 pods are updated", stateful(updated=3, update="b")),
        ("Partitioned", "1 of 3 updated, partition 2", stateful(rolling(2), updated=1, update="b")),
        ("Progressing", "1 of 2 pods are updated", stateful(rolling(1), updated=1, update="b")),
        ("Partitioned", "0 of 3 updated, partition 5", stateful(rolling(5), updated=0, update="b")),
        ("RolledOut", "all pods are ready", stateful(rolling(2), updated=3)),
        ("OnDelete", "1 of 3 updated", stateful({"type": "OnDelete"}, updated=1, update="b")),
        ("RolledOut", "all pods are ready", stateful({"type": "OnDelete"}, updated=3, update="b")),
        ("RolledOut", "all pods are ready", stateful({"type": "OnDelete"}, updated=3)),
        ("Progressing", "1 of 3 updated pods are available", stateful(minReadySeconds=9, available=1)),
    ],
)
def test_stateful_sets(stage, words, live):
    found = rollout("StatefulSet", live)
    assert found.stage == stage
    assert words in str(found.sentence)


def test_a_stateful_set_that_its_controller_never_saw_is_on_its_way():
    live = {"metadata": {"generation": 1}, "spec": {"replicas": 0}, "status": {}}
    assert rollout("StatefulSet", live).stage == "Unobserved"
