"""The embedded cluster's life, its faults, its memory on disk."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from sgportal.cluster import Conflict, Expired, Throttled, Unreachable, connect
from sgportal.cluster.client import MERGE_PATCH
from sgportal.demo import EmbeddedCluster

from ..services import wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))


@pytest.fixture
def embedded(monkeypatch):
    with EmbeddedCluster("walkthrough") as cluster:
        monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(cluster.kubeconfig_path))
        yield cluster


@pytest.fixture
def client(embedded):
    made = connect("demo", threads=4)
    yield made
    made.close()


def a_deployment(name="web", replicas=2, image="img:1", **pod):
    labels = {"app": name}
    spec = {"containers": [{"name": "c", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}], **pod}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def pods(client, app="web"):
    return client.list("Pod", "default", label_selector=f"app={app}").items


def ready(client, name="web"):
    body = client.get("Deployment", "default", name)
    status = body.get("status", {})
    return status.get("readyReplicas", 0) == status.get("updatedReplicas", 0) == body["spec"]["replicas"]


def until(check, what="it"):
    return wait_for(check, 15, what, pause=0.05)


def test_a_deployment_becomes_pods_with_addresses_spread_over_nodes(client):
    client.apply(a_deployment(replicas=3))
    until(lambda: ready(client))
    found = pods(client)
    assert len({pod["spec"]["nodeName"] for pod in found}) == 3
    assert len({pod["status"]["podIP"] for pod in found}) == 3
    assert all(pod["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet" for pod in found)


def test_a_rollout_replaces_every_pod_and_keeps_the_old_set_empty(client):
    client.apply(a_deployment())
    until(lambda: ready(client))
    before = {pod["metadata"]["uid"] for pod in pods(client)}
    client.apply(a_deployment(image="img:2"))
    until(lambda: ready(client) and not before & {pod["metadata"]["uid"] for pod in pods(client)})
    assert len(pods(client)) == 2


def test_the_scheduler_obeys_selectors_taints_and_cordons_and_says_why_not(client):
    client.apply(a_deployment(nodeSelector={"zone": "z"}))
    waiting = until(lambda: [p for p in pods(client) if p.get("status", {}).get("conditions")])[0]
    condition = waiting["status"]["conditions"][0]
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "Unschedulable")
    client.patch("Node", "", "node1", {"metadata": {"labels": {"zone": "z"}}}, MERGE_PATCH)
    until(lambda: ready(client))
    assert {pod["spec"]["nodeName"] for pod in pods(client)} == {"node1"}
    client.patch("Node", "", "node0", {"spec": {"unschedulable": True}}, MERGE_PATCH)
    taint = {"key": "k", "effect": "NoSchedule"}
    client.patch("Node", "", "node2", {"spec": {"taints": [taint]}}, MERGE_PATCH)
    client.apply(a_deployment("other", replicas=3))
    until(lambda: ready(client, "other"))
    assert {pod["spec"]["nodeName"] for pod in pods(client, "other")} == {"node1"}


def test_an_image_that_cannot_be_pulled_is_said(client):
    client.apply(a_deployment(image="shop/does-not-exist:1", replicas=1))
    states = until(lambda: pods(client) and pods(client)[0].get("status", {}).get("containerStatuses"))
    assert states[0]["state"]["waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff")


def test_a_lost_node_makes_its_pods_unready_and_its_return_heals_them(embedded, client):
    client.apply(a_deployment(replicas=3))
    until(lambda: ready(client))
    embedded.set_node_ready("node0", None)
    until(lambda: client.get("Deployment", "default", "web")["status"].get("readyReplicas", 0) < 3)
    node = client.get("Node", "", "node0")
    assert {c["type"]: c["status"] for c in node["status"]["conditions"]}["Ready"] == "Unknown"
    assert any(taint["key"] == "node.kubernetes.io/unreachable" for taint in node["spec"]["taints"])
    embedded.set_node_ready("node0", True)
    until(lambda: ready(client))


def test_slices_follow_pods(client):
    client.apply(a_deployment())
    service = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    client.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}, "spec": service}
    )
    until(lambda: ready(client))

    def addresses():
        slices = client.list("EndpointSlice", "default", label_selector="kubernetes.io/service-name=s").items
        found = {
            address
            for each in slices
            for endpoint in each.get("endpoints") or ()
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        }
        ports = {port["port"] for each in slices for port in each.get("ports") or ()}
        return found if ports == {8080} else set()

    until(lambda: addresses() == {pod["status"]["podIP"] for pod in pods(client)})


def test_faults_break_the_wire_as_told_and_only_so_often(embedded, client):
    for code, error in ((409, Conflict), (500, Unreachable), (429, Throttled)):
        embedded.faults.add("status", code=code, path="nodes/node0", count=1, retry_after=3)
        with pytest.raises(error):
            client.get("Node", "", "node0")
        assert client.get("Node", "", "node0")
    embedded.faults.add("truncate", path="nodes$", count=2)  # the client repeats a read once
    with pytest.raises(Unreachable):
        client.list("Node")
    assert len(client.list("Node").items) == 3


def test_a_closed_port_opens_again(embedded, client):
    embedded.unreachable(True)
    with pytest.raises(Unreachable):
        client.get("Node", "", "node0")
    embedded.unreachable(False)
    assert client.get("Node", "", "node0")


def test_forgotten_history_is_410(embedded, client):
    start = client.list("Node").resource_version
    client.patch("Node", "", "node0", {"metadata": {"labels": {"a": "b"}}}, MERGE_PATCH)
    client.patch("Node", "", "node0", {"metadata": {"labels": {"a": "c"}}}, MERGE_PATCH)
    embedded.compact()
    with pytest.raises(Expired):
        list(client.watch("Node", start, timeout_seconds=1))


def test_requests_are_counted(embedded, client):
    embedded.reset_counts()
    client.list("Node")
    assert embedded.requests == {("GET", "nodes"): 1}


def test_a_kill_loses_nothing_that_was_answered(tmp_path, monkeypatch):
    def serve():
        command = [sys.executable, "-m", "sgportal.demo", "--world", "walkthrough", "--state", str(tmp_path / "state")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", process.stdout.readline().strip().partition("=")[2])
        return process, connect("demo", threads=2)

    process, client = serve()
    client.apply(a_deployment())
    until(lambda: ready(client))
    before = client.get("Deployment", "default", "web")["metadata"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    client.close()
    process, client = serve()
    after = client.get("Deployment", "default", "web")["metadata"]
    assert after["uid"] == before["uid"]
    assert int(client.list("Node").resource_version) >= int(before["resourceVersion"])
    assert len(pods(client)) == 2
    client.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    process.stdout.close()


def test_it_starts_and_stops_fast_and_leaves_no_thread():
    before = set(threading.enumerate())
    since = time.monotonic()
    with EmbeddedCluster("sites"):
        assert time.monotonic() - since < 5
    assert set(threading.enumerate()) - before == set()
