"""What the life does that a real cluster is not asked for; the rest is in tests/contract/kinds/test_controllers.py."""

import pytest

from tests.contract.conftest import a_deployment

from .conftest import APPS, CORE, MERGE, SLICES, deploy, is_ready, pods, ready_replicas


def test_a_namesake_does_not_inherit_what_is_going(server):
    old = deploy(server)["metadata"]["uid"]
    server("DELETE", f"{APPS}/deployments/web", {"propagationPolicy": "Background"})
    new = deploy(server)["metadata"]["uid"]
    server.until(lambda: len(pods(server, app="web")) == 2)
    owners = {
        each["metadata"]["ownerReferences"][0]["uid"] for each in server("GET", f"{APPS}/replicasets").body["items"]
    }
    assert owners == {new}
    assert new != old


def test_an_image_that_cannot_be_pulled_is_seen(server):
    body = a_deployment("bad", image="fail.sgportal.test/x:1", replicas=1)
    server("POST", f"{APPS}/deployments", body)
    pod = server.until(lambda: [each for each in pods(server, app="bad") if each["status"].get("containerStatuses")])[0]
    assert pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff"
    assert not is_ready(pod)
    events = server("GET", f"{CORE}/events?fieldSelector=involvedObject.name%3D{pod['metadata']['name']}").body["items"]
    assert "Failed" in {event["reason"] for event in events}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"nodeSelector": {"site": "nowhere"}}, "didn't match Pod's node affinity/selector"),
        ({"nodeSelector": {"kubernetes.io/hostname": "node0"}}, "had untolerated taint {dedicated: gpu}"),
        ({"nodeSelector": {"kubernetes.io/hostname": "node1"}}, "were unschedulable"),
    ],
)
def test_a_pod_that_fits_nowhere_says_why(server, spec, reason):
    taint = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    server("PATCH", "/api/v1/nodes/node0", {"spec": {"taints": [taint]}}, **MERGE)
    server("PATCH", "/api/v1/nodes/node1", {"spec": {"unschedulable": True}}, **MERGE)
    deploy(server, replicas=1, wait=False, **spec)
    condition = server.until(
        lambda: [c for pod in pods(server, app="web") for c in pod["status"].get("conditions", ())]
    )[0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "Unschedulable")
    assert reason in condition["message"]


def test_pods_are_spread(server):
    deploy(server, replicas=3)
    assert {pod["spec"]["nodeName"] for pod in pods(server, app="web")} == {"node0", "node1", "node2"}


def test_a_lost_node_keeps_its_pods_and_cannot_end_them(server):
    deploy(server, replicas=3)
    server.embedded.set_node_ready("node0", None)
    pod = next(each for each in pods(server, app="web") if each["spec"]["nodeName"] == "node0")["metadata"]["name"]
    server.until(lambda: not is_ready(server("GET", f"{CORE}/pods/{pod}").body))
    node = server("GET", "/api/v1/nodes/node0").body
    assert {taint["key"] for taint in node["spec"]["taints"]} == {"node.kubernetes.io/unreachable"}
    server("DELETE", f"{CORE}/pods/{pod}")
    server.until(lambda: len(pods(server, app="web")) == 4)
    assert "deletionTimestamp" in server("GET", f"{CORE}/pods/{pod}").body["metadata"]
    server.embedded.set_node_ready("node0", True)
    server.until(lambda: server("GET", f"{CORE}/pods/{pod}").status == 404)


def test_a_deleted_node_takes_its_pods_along(server):
    deploy(server, replicas=3)
    server("DELETE", "/api/v1/nodes/node0")
    server.until(lambda: {pod["spec"].get("nodeName") for pod in pods(server, app="web")} == {"node1", "node2"})


def test_endpoint_slices_follow_the_pods(server):
    ports = [{"port": 80, "targetPort": "http"}]
    server(
        "POST", f"{CORE}/services", {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    )
    named = [{"name": "http", "containerPort": 8080}]
    deploy(server, containers=[{"name": "c", "image": "img:1", "ports": named}])

    def endpoints():
        return [each for body in server("GET", SLICES).body["items"] for each in body.get("endpoints") or ()]

    server.until(lambda: sum(each["conditions"]["ready"] for each in endpoints()) == 2)
    assert {each["addresses"][0] for each in endpoints()} == {pod["status"]["podIP"] for pod in pods(server, app="web")}
    assert {port["port"] for body in server("GET", SLICES).body["items"] for port in body["ports"]} == {8080}
    node = endpoints()[0]["nodeName"]
    server.embedded.set_node_ready(node, None)
    server.until(lambda: sum(each["conditions"]["ready"] for each in endpoints()) == 1)
    server("DELETE", f"{CORE}/pods/{next(e for e in endpoints() if e['nodeName'] == node)['targetRef']['name']}")
    server.until(lambda: any(each["conditions"]["terminating"] for each in endpoints()))


def test_a_namespace_takes_its_contents_along(server):
    server("POST", "/api/v1/namespaces", {"metadata": {"name": "x"}})
    held = {"metadata": {"name": "m", "finalizers": ["example.com/wait"]}}
    server("POST", "/api/v1/namespaces/x/configmaps", held)
    assert server("DELETE", "/api/v1/namespaces/x").body["status"]["phase"] == "Terminating"
    server.until(lambda: "deletionTimestamp" in server("GET", "/api/v1/namespaces/x/configmaps/m").body["metadata"])
    assert server("GET", "/api/v1/namespaces/x").status == 200
    server("PATCH", "/api/v1/namespaces/x/configmaps/m", {"metadata": {"finalizers": None}}, **MERGE)
    server.until(lambda: server("GET", "/api/v1/namespaces/x").status == 404)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{CORE}/configmaps", {"metadata": "text"}),
        (f"{CORE}/configmaps", {"metadata": {"name": "a", "labels": ["x"]}}),
        (f"{APPS}/deployments", {"metadata": {"name": "a"}, "spec": "text"}),
        (f"{APPS}/deployments", {"metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": "c"}}}}),
        (f"{CORE}/services", {"metadata": {"name": "a"}, "spec": {"ports": [1]}}),
        (f"{CORE}/pods", {"metadata": {"name": "a"}, "spec": {"tolerations": {}}}),
        (f"{CORE}/pods", {"metadata": {"name": "a"}}),
        (f"{CORE}/pods", ["not", "an", "object"]),
    ],
)
def test_nonsense_is_refused_and_harms_nobody(server, path, body):
    assert server("POST", path, body).status in (400, 422)
    deploy(server, "after", replicas=1)


def test_a_stateful_set_replaces_one_pod_after_the_other(server):
    fewest = []

    def look(change):
        if change.key == "statefulsets.apps" and change.body["metadata"]["generation"] == 2:
            fewest.append(change.body["status"].get("availableReplicas", 0))

    body = {**a_deployment("db", replicas=2), "kind": "StatefulSet"}
    assert server("POST", f"{APPS}/statefulsets", body).status == 201
    server.until(lambda: ready_replicas(server, "db", "statefulsets") == 2)
    server.embedded.call(lambda: server.embedded.store.listen(look))
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "img:2"
    server("PATCH", f"{APPS}/statefulsets/db", {"spec": body["spec"]}, **MERGE)
    server.until(lambda: _is_replaced(server("GET", f"{APPS}/statefulsets/db").body["status"]))
    assert min(fewest) == 1


def _is_replaced(status):
    return status.get("updatedReplicas") == status.get("availableReplicas") == 2 and status["observedGeneration"] == 2
