"""The resource metrics API. It is no part of the API server: metrics-server brings it, which the real control plane of
these tests has not, so what it serves is held to its documentation here (kubernetes-sigs/metrics-server, and
k8s.io/metrics, "types.go")."""

import pytest

from embedded_cluster import EmbeddedCluster
from sgportal.core.usage.measure import amount_of

from ..conftest import Embedded, a_deployment

ROOT = "/apis/metrics.k8s.io/v1beta1"


@pytest.fixture(scope="module")
def measured():
    with EmbeddedCluster("walkthrough", metrics=True) as embedded:
        yield Embedded(embedded.kubeconfig_path, embedded)


def test_it_is_not_there_where_nobody_installed_it(server):
    assert server("GET", f"{ROOT}/nodes").status == 404
    assert "metrics.k8s.io" not in {each["name"] for each in server("GET", "/apis").body["groups"]}


def test_discovery_says_that_it_is_read_only(measured):
    assert "metrics.k8s.io" in {each["name"] for each in measured("GET", "/apis").body["groups"]}
    found = {each["name"]: each for each in measured("GET", ROOT).body["resources"]}
    assert {name: (each["kind"], each["namespaced"], each["verbs"]) for name, each in found.items()} == {
        "nodes": ("NodeMetrics", False, ["get", "list"]),
        "pods": ("PodMetrics", True, ["get", "list"]),
    }
    for method, path in (("POST", "nodes"), ("DELETE", "nodes/node0"), ("PATCH", "nodes/node0")):
        assert measured(method, f"{ROOT}/{path}", {}).status == 405
    assert measured("GET", "/openapi/v3/apis/metrics.k8s.io/v1beta1").status == 200


def test_nodes_are_measured_while_their_kubelet_answers(measured):
    listed = measured("GET", f"{ROOT}/nodes?limit=1").body
    assert (listed["kind"], listed["apiVersion"]) == ("NodeMetricsList", "metrics.k8s.io/v1beta1")
    assert [each["metadata"]["name"] for each in listed["items"]] == ["node0", "node1", "node2"]
    assert all(amount_of(each["usage"]).millicores > 0 for each in listed["items"])
    one = measured("GET", f"{ROOT}/nodes/node0").body
    assert (one["kind"], one["usage"].keys(), one["window"]) == ("NodeMetrics", {"cpu", "memory"}, "15.004s")
    measured.embedded.set_node_ready("node2", None)
    assert measured("GET", f"{ROOT}/nodes/node2").status == 404
    measured.embedded.set_node_ready("node2", True)


def test_pods_are_measured_container_by_container_while_they_run(measured):
    pods, wanted = f"{ROOT}/namespaces/default/pods", a_deployment("web", replicas=1)
    assert measured("POST", "/apis/apps/v1/namespaces/default/deployments", wanted).status == 201
    found = measured.until(lambda: measured("GET", f"{ROOT}/pods").body["items"])
    assert {*found[0]} == {"metadata", "timestamp", "window", "containers"}
    names = [each["name"] for each in wanted["spec"]["template"]["spec"]["containers"]]
    assert [each["name"] for each in found[0]["containers"]] == names
    assert all(amount_of(each["usage"]) is not None for each in found[0]["containers"])
    assert measured("GET", f"{pods}?labelSelector=none=such").body["items"] == []
    assert measured("GET", f"{ROOT}/namespaces/elsewhere/pods").body["items"] == []
    assert measured("GET", f"{pods}/{found[0]['metadata']['name']}").body["kind"] == "PodMetrics"
    assert measured("GET", f"{pods}/none").status == 404
