"""From objects to rows: what a page shows and a status needs, in the cluster's own words."""

from typing import Any

import pytest

from sgportal.core.pods import pod_view
from sgportal.reconciler.cache.translate import node_row, pod_row

from ..watching import node_body


def pod(status: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    common = {"name": "p", "namespace": "default", "uid": "u", "resourceVersion": "1"}
    ports = [{"containerPort": 80}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]
    return {"metadata": {**common, **metadata}, "spec": {"containers": [{"ports": ports}, {}]}, "status": status}


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"name": "c", "state": {"waiting": {"reason": reason, "message": message}}, **more}


UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, ("", "")),
        ({"phase": "Failed", "reason": "Evicted", "message": "low on disk"}, ("Evicted", "low on disk")),
        ({"conditions": [UNSCHEDULED]}, ("Unschedulable", "0/3 nodes")),
        (
            {"containerStatuses": [waiting("ImagePullBackOff", "Back-off pulling")]},
            ("ImagePullBackOff", "Back-off pulling"),
        ),
        (
            {"containerStatuses": [waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 3}})]},
            ("CrashLoopBackOff", "container c ended with exit code 3"),
        ),
        (
            {
                "initContainerStatuses": [waiting("ErrImagePull", "no such image")],
                "containerStatuses": [waiting("PodInitializing")],
            },
            ("ErrImagePull", "no such image"),
        ),
        (
            {"containerStatuses": [waiting("ContainerCreating"), waiting("CrashLoopBackOff", "again")]},
            ("CrashLoopBackOff", "again"),
        ),
        ({"containerStatuses": [waiting("ContainerCreating")]}, ("ContainerCreating", "")),
        (
            {"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]},
            ("OOMKilled", "container c ended with exit code 137"),
        ),
        (
            {"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]},
            ("", ""),
        ),
        ({"containerStatuses": [{"name": "c", "state": {"running": {}}}]}, ("", "")),
    ],
)
def test_why_a_pod_is_not_ready(status: dict[str, Any], expected: tuple[str, str]) -> None:
    row = pod_row(pod(status))
    assert row is not None
    assert (row.ready, row.reason, row.message) == (False, *expected)


def test_a_ready_pod() -> None:
    status = {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "c", "restartCount": 2}, {"name": "d", "restartCount": 1}],
    }
    row = pod_row(pod(status, deletionTimestamp="2026-01-01T00:00:00Z"))
    assert row is not None
    assert (row.ready, row.reason, row.restarts, row.terminating) == (True, "", 3, True)
    assert row.ips == ["10.0.0.1", "fd00::1"]
    assert row.ports == [["", 80, "TCP"], ["dns", 53, "UDP"]]


def test_a_sidecars_ports_are_the_pods_and_those_of_what_only_prepares_it_are_not() -> None:
    body = pod({})
    side = {"restartPolicy": "Always", "ports": [{"name": "side", "containerPort": 7}]}
    body["spec"]["initContainers"] = [{"ports": [{"name": "init", "containerPort": 6}]}, side]
    row = pod_row(body)
    assert row is not None
    assert row.ports[2:] == [["side", 7, "TCP"]]
    assert row.view().ports == pod_view(body).ports


@pytest.mark.parametrize(
    ("owner", "labels", "expected"),
    [
        ({"kind": "ReplicaSet", "name": "g-a-5f7d"}, {"pod-template-hash": "5f7d"}, ("Deployment", "g-a")),
        ({"kind": "ReplicaSet", "name": "g-a-5f7d"}, {}, ("Deployment", "g-a")),
        ({"kind": "StatefulSet", "name": "g-a"}, {}, ("StatefulSet", "g-a")),
        ({"kind": "DaemonSet", "name": "agent"}, {}, ("", "")),
        (None, {}, ("", "")),
    ],
)
def test_theworkload_above_a_pod(owner: dict[str, str] | None, labels: dict[str, str], expected: tuple) -> None:
    references = [{**owner, "controller": True, "uid": "x"}] if owner else []
    row = pod_row(pod({}, ownerReferences=references, labels=labels))
    assert row is not None
    assert (row.child_kind, row.child) == expected


@pytest.mark.parametrize(("status", "expected"), [("True", "Ready"), ("False", "NotReady"), ("Unknown", "Unknown")])
def test_readiness_of_a_node(status: str, expected: str) -> None:
    row = node_row(node_body("a", ready=status))
    assert row.ready == expected
    assert row.ready_since is not None


def test_a_node_that_never_reported_is_unknown() -> None:
    body = node_body("a")
    body["status"] = {}
    assert (node_row(body).ready, node_row(body).ready_since) == ("Unknown", None)


def test_what_a_page_shows_of_a_node() -> None:
    body = node_body("a", zone="x")
    body["metadata"]["annotations"] = {
        "small": "kept",
        "large": "x" * 2000,
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    body["spec"] = {"unschedulable": True, "taints": [{"key": "k", "effect": "NoSchedule"}]}
    body["status"] |= {"capacity": {"cpu": "4"}, "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}
    row = node_row(body)
    assert row.info["annotations"] == {"small": "kept"}
    assert row.info["capacity"] == {"cpu": "4"}
    assert "lastHeartbeatTime" not in row.info["conditions"][0]
    assert (row.unschedulable, row.taints[0]["key"]) == (True, "k")
