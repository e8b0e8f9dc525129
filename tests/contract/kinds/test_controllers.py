"""What controllers, scheduler and kubelets make of what is written, as far as our code looks at it."""

import pytest

from ..conftest import MERGE, a_deployment, a_map

UNTIL = 75
NODES = ["node0", "node1", "node2"]


@pytest.fixture
def core(namespace):
    return f"/api/v1/namespaces/{namespace}"


def conditions(body):
    return {each["type"]: each["status"] for each in (body.get("status") or {}).get("conditions") or ()}


def pods(server, core, app="web"):
    return server("GET", f"{core}/pods?labelSelector=app%3D{app}").body["items"]


def staying(found):
    return [each for each in found if "deletionTimestamp" not in each["metadata"]]


def ready(server, path, replicas):
    """Wait until a workload says that all its pods are Ready and of its newest template; the workload."""

    def done():
        body = server("GET", path).body
        status, generation = body.get("status") or {}, body["metadata"]["generation"]
        counts = [status.get(name, 0) for name in ("replicas", "readyReplicas", "updatedReplicas")]
        return body if counts == [replicas] * 3 and status.get("observedGeneration") == generation else None

    return server.until(done, UNTIL)


def a_stateful_set(name="db", replicas=2, **spec):
    body = a_deployment(name, replicas=replicas)
    return {**body, "kind": "StatefulSet", "spec": {**body["spec"], "serviceName": name, **spec}}


def image(text):
    return {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": text}]}}}}


def test_a_deployment_becomes_ready_and_says_so(server, apps, core):
    server("POST", f"{apps}/deployments", a_deployment(replicas=2))
    body = ready(server, f"{apps}/deployments/web", 2)
    server.until(lambda: conditions(server("GET", f"{apps}/deployments/web").body).get("Available") == "True", UNTIL)
    status = server("GET", f"{apps}/deployments/web").body["status"]
    assert conditions({"status": status}) == {"Available": "True", "Progressing": "True"}
    assert status["availableReplicas"] == 2
    assert "unavailableReplicas" not in status
    reasons = {each["type"]: each["reason"] for each in status["conditions"]}
    assert reasons == {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
    assert body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    found = pods(server, core)
    assert len({pod["status"]["podIP"] for pod in found}) == 2
    owner = found[0]["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["controller"], owner["blockOwnerDeletion"]) == ("ReplicaSet", True, True)
    replica_set = server("GET", f"{apps}/replicasets/{owner['name']}").body
    assert replica_set["metadata"]["ownerReferences"][0]["name"] == "web"
    assert replica_set["metadata"]["labels"].keys() == {"app", "pod-template-hash"}


def test_a_deployment_without_pods_is_available_at_once(server, apps):
    server("POST", f"{apps}/deployments", a_deployment())
    server.until(lambda: conditions(server("GET", f"{apps}/deployments/web").body).get("Available") == "True", UNTIL)
    status = server("GET", f"{apps}/deployments/web").body["status"]
    assert not {"replicas", "readyReplicas", "updatedReplicas"} & status.keys()


def test_a_rollout_replaces_the_pods_and_keeps_the_old_set(server, apps, core):
    server("POST", f"{apps}/deployments", a_deployment(replicas=2))
    ready(server, f"{apps}/deployments/web", 2)
    server("PATCH", f"{apps}/deployments/web", image("img:2"), **MERGE)
    body = ready(server, f"{apps}/deployments/web", 2)
    assert body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert {pod["spec"]["containers"][0]["image"] for pod in staying(pods(server, core))} == {"img:2"}
    sets = server("GET", f"{apps}/replicasets").body["items"]
    assert sorted(each["spec"]["replicas"] for each in sets) == [0, 2]


def test_scaling_to_nothing_and_back(server, apps, core):
    server("POST", f"{apps}/deployments", a_deployment(replicas=2))
    ready(server, f"{apps}/deployments/web", 2)
    server("PATCH", f"{apps}/deployments/web", {"spec": {"replicas": 0}}, **MERGE)
    server.until(lambda: pods(server, core) == [], UNTIL)
    ready(server, f"{apps}/deployments/web", 0)
    server("PATCH", f"{apps}/deployments/web", {"spec": {"replicas": 1}}, **MERGE)
    ready(server, f"{apps}/deployments/web", 1)


def test_a_paused_deployment_does_not_roll(server, apps):
    server("POST", f"{apps}/deployments", a_deployment(replicas=1))
    ready(server, f"{apps}/deployments/web", 1)
    change = {"spec": {"paused": True, "template": {"metadata": {"labels": {"v": "2"}}}}}
    server("PATCH", f"{apps}/deployments/web", change, **MERGE)
    server.until(
        lambda: server("GET", f"{apps}/deployments/web").body["status"]["observedGeneration"] == 2,
        UNTIL,
    )
    assert len(server("GET", f"{apps}/replicasets").body["items"]) == 1


def test_a_lost_pod_is_made_again(server, apps, core):
    server("POST", f"{apps}/deployments", a_deployment(replicas=1))
    ready(server, f"{apps}/deployments/web", 1)
    lost = pods(server, core)[0]["metadata"]
    gone = server("DELETE", f"{core}/pods/{lost['name']}").body["metadata"]
    assert (bool(gone["deletionTimestamp"]), gone["deletionGracePeriodSeconds"]) == (True, 30)
    server.until(lambda: lost["uid"] not in [each["metadata"]["uid"] for each in pods(server, core)], UNTIL)
    ready(server, f"{apps}/deployments/web", 1)


def test_what_a_deployment_made_goes_with_it(server, apps, core):
    server("POST", f"{apps}/deployments", a_deployment(replicas=1))
    ready(server, f"{apps}/deployments/web", 1)
    server("DELETE", f"{apps}/deployments/web", {"propagationPolicy": "Background"})
    server.until(lambda: server("GET", f"{apps}/replicasets").body["items"] == [], UNTIL)
    server.until(lambda: pods(server, core) == [], UNTIL)


def test_orphans_are_adopted(server, apps, core):
    server("POST", f"{apps}/deployments", a_deployment(replicas=2))
    ready(server, f"{apps}/deployments/web", 2)
    before = {pod["metadata"]["uid"] for pod in pods(server, core)}
    server("DELETE", f"{apps}/deployments/web", {"propagationPolicy": "Orphan"})
    server.until(lambda: server("GET", f"{apps}/deployments/web").status == 404, UNTIL)
    server("POST", f"{apps}/deployments", a_deployment(replicas=2))
    ready(server, f"{apps}/deployments/web", 2)
    assert {pod["metadata"]["uid"] for pod in pods(server, core)} == before


def test_a_stateful_set_makes_its_pods_in_order(server, apps, core):
    server("POST", f"{apps}/statefulsets", a_stateful_set())
    body = ready(server, f"{apps}/statefulsets/db", 2)
    found = {pod["metadata"]["name"]: pod for pod in pods(server, core, "db")}
    assert set(found) == {"db-0", "db-1"}
    created = [int(found[name]["metadata"]["resourceVersion"]) for name in ("db-0", "db-1")]
    assert created == sorted(created)
    labels = found["db-1"]["metadata"]["labels"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-1"
    assert labels["apps.kubernetes.io/pod-index"] == "1"
    assert labels["controller-revision-hash"] == body["status"]["updateRevision"]
    assert (found["db-1"]["spec"]["hostname"], found["db-1"]["spec"]["subdomain"]) == ("db-1", "db")
    status = body["status"]
    assert status["currentRevision"] == status["updateRevision"]
    assert (status["availableReplicas"], status["currentReplicas"]) == (2, 2)
    server("PATCH", f"{apps}/statefulsets/db", image("img:2"), **MERGE)
    rolled = ready(server, f"{apps}/statefulsets/db", 2)
    assert rolled["status"]["updateRevision"] != status["updateRevision"]
    server.until(
        lambda: {p["spec"]["containers"][0]["image"] for p in pods(server, core, "db")} == {"img:2"},
        UNTIL,
    )
    server("PATCH", f"{apps}/statefulsets/db", {"spec": {"replicas": 1}}, **MERGE)
    server.until(lambda: [each["metadata"]["name"] for each in pods(server, core, "db")] == ["db-0"], UNTIL)


def test_what_a_stateful_set_cannot_change(server, apps):
    server("POST", f"{apps}/statefulsets", a_stateful_set())
    refused = server("PATCH", f"{apps}/statefulsets/db", {"spec": {"serviceName": "other"}}, **MERGE)
    assert refused.status == 422
    assert [cause["field"] for cause in refused.body["details"]["causes"]] == ["spec.serviceName"]


def test_a_daemon_set_is_on_every_node(server, apps, core):
    body = a_deployment("agent")
    body["kind"] = "DaemonSet"
    del body["spec"]["replicas"]
    server("POST", f"{apps}/daemonsets", body)
    server.until(lambda: server("GET", f"{apps}/daemonsets/agent").body["status"]["numberReady"] == 3, UNTIL)
    assert {pod["spec"]["nodeName"] for pod in pods(server, core, "agent")} == set(NODES)


def test_a_pod_that_fits_nowhere_says_why_and_goes_where_a_label_appears(server, apps, core):
    body = a_deployment(replicas=1)
    body["spec"]["template"]["spec"]["nodeSelector"] = {"contract.example.com/place": "here"}
    server("POST", f"{apps}/deployments", body)

    def told():
        return [each for pod in pods(server, core) for each in pod["status"].get("conditions", ())]

    condition = server.until(told, UNTIL)[0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "Unschedulable")
    assert "0/3 nodes are available" in condition["message"]
    assert "didn't match Pod's node affinity/selector" in condition["message"]
    label = {"metadata": {"labels": {"contract.example.com/place": "here"}}}
    server("PATCH", "/api/v1/nodes/node2", label, **MERGE)
    try:
        ready(server, f"{apps}/deployments/web", 1)
        assert pods(server, core)[0]["spec"]["nodeName"] == "node2"
    finally:
        label["metadata"]["labels"] = dict.fromkeys(label["metadata"]["labels"])
        server("PATCH", "/api/v1/nodes/node2", label, **MERGE)


def test_slices_follow_the_pods(server, namespace, apps, core):
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    service = server("POST", f"{core}/services", body).body
    server("POST", f"{apps}/deployments", a_deployment(replicas=2))
    ready(server, f"{apps}/deployments/web", 2)

    def endpoints():
        return [each for found in server("GET", slices).body["items"] for each in found.get("endpoints") or ()]

    server.until(lambda: sum(bool(each["conditions"].get("ready")) for each in endpoints()) == 2, UNTIL)
    assert {each["addresses"][0] for each in endpoints()} == {pod["status"]["podIP"] for pod in pods(server, core)}
    found = server("GET", slices).body["items"][0]
    labels = found["metadata"]["labels"]
    assert labels["kubernetes.io/service-name"] == "web"
    assert labels["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io"
    assert found["metadata"]["ownerReferences"][0]["uid"] == service["metadata"]["uid"]
    assert found["metadata"]["name"].startswith("web-")
    assert found["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]
    one = endpoints()[0]
    assert one["conditions"] == {"ready": True, "serving": True, "terminating": False}
    assert one["nodeName"] in NODES
    assert one["targetRef"].keys() == {"kind", "namespace", "name", "uid"}
    server("DELETE", f"{core}/services/web")
    server.until(lambda: server("GET", slices).body["items"] == [], UNTIL)


def test_a_service_without_a_selector_keeps_its_own_slices(server, namespace, core):
    """The cluster's controller leaves alone what is not its own."""
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    server("POST", f"{core}/services", {"metadata": {"name": "own"}, "spec": {"ports": [{"port": 80}]}})
    labels = {"kubernetes.io/service-name": "own", "endpointslice.kubernetes.io/managed-by": "contract.example.com"}
    body = {"metadata": {"name": "own-1", "labels": labels}, "addressType": "IPv4"}
    body["endpoints"] = [{"addresses": ["10.1.0.1"]}]
    server("POST", slices, body)
    server("PATCH", f"{core}/services/own", {"metadata": {"labels": {"a": "b"}}}, **MERGE)
    server("PATCH", f"{core}/services/own", {"spec": {"selector": {"app": "nobody"}}}, **MERGE)
    server.until(lambda: len(server("GET", slices).body["items"]) == 2, UNTIL)  # its own, empty one beside it
    assert server("GET", f"{slices}/own-1").body["endpoints"][0]["addresses"] == ["10.1.0.1"]
    server("PATCH", f"{core}/services/own", {"spec": {"selector": None}}, **MERGE)
    assert server("GET", f"{slices}/own-1").status == 200


def test_nodes_say_how_they_are(server):
    for name in NODES:
        node = server("GET", f"/api/v1/nodes/{name}").body
        assert conditions(node)["Ready"] == "True"
        assert node["metadata"]["labels"]["kubernetes.io/hostname"] == name
        lease = server("GET", f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}").body
        assert lease["spec"]["holderIdentity"] == name
        assert lease["spec"]["renewTime"].endswith("Z")


def test_a_node_that_is_not_ready(server, apps, core):
    """It is tainted. Its pods are as its kubelet last said of them: only those of a node that is not heard of are
    marked by the node controller."""
    body = a_deployment(replicas=1)
    body["spec"]["template"]["spec"]["nodeName"] = "node1"
    server("POST", f"{apps}/deployments", body)
    ready(server, f"{apps}/deployments/web", 1)
    server.trouble("node1")
    try:
        server.until(lambda: conditions(server("GET", "/api/v1/nodes/node1").body)["Ready"] != "True", UNTIL)

        taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}

        def tainted():
            taints = server("GET", "/api/v1/nodes/node1").body["spec"].get("taints") or ()
            return taint in [{key: each[key] for key in taint} for each in taints]

        server.until(tainted, UNTIL)
        assert [conditions(pod)["Ready"] for pod in pods(server, core)] == ["True"]
    finally:
        server.heal("node1")
    server.until(lambda: conditions(server("GET", "/api/v1/nodes/node1").body)["Ready"] == "True", UNTIL)
    server.until(lambda: "taints" not in server("GET", "/api/v1/nodes/node1").body["spec"], UNTIL)


def test_events_are_told_by_what_they_are_about(server, apps, core):
    server("POST", f"{apps}/deployments", a_deployment(replicas=1))
    selector = "fieldSelector=involvedObject.kind%3DDeployment,involvedObject.name%3Dweb"
    event = server.until(lambda: server("GET", f"{core}/events?{selector}").body["items"], UNTIL)[0]
    assert (event["reason"], event["type"]) == ("ScalingReplicaSet", "Normal")
    assert event["message"].startswith("Scaled up replica set web-")
    assert event["source"] == {"component": "deployment-controller"}


def test_our_own_events(server, namespace, core, maps):
    about = server("POST", maps, a_map("m")).body["metadata"]
    event = {
        "metadata": {"name": "m.1", "namespace": namespace},
        "involvedObject": {"kind": "ConfigMap", "apiVersion": "v1", "name": "m", "namespace": namespace}
        | {"uid": about["uid"]},
        "type": "Normal",
        "reason": "Probe",
        "message": "a message",
        "count": 1,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "source": {"component": "contract"},
    }
    made = server("POST", f"{core}/events?fieldValidation=Strict", event)
    assert made.status == 201, made
    chosen = server("GET", f"{core}/events?fieldSelector=involvedObject.uid%3D{about['uid']},reason%3DProbe").body
    assert [each["metadata"]["name"] for each in chosen["items"]] == ["m.1"]
    more = {"count": 2, "lastTimestamp": "2026-01-02T00:00:00Z"}
    assert server("PATCH", f"{core}/events/m.1", more, **MERGE).body["count"] == 2
    elsewhere = {**event, "involvedObject": {**event["involvedObject"], "namespace": "elsewhere"}}
    elsewhere["metadata"] = {"name": "m.2", "namespace": namespace}
    assert server("POST", f"{core}/events", elsewhere).status == 422


def test_leases_are_taken_with_their_version(server, namespace):
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"}
    made = server("POST", f"{path}?fieldValidation=Strict", {"metadata": {"name": "l"}, "spec": spec})
    assert made.body["spec"] == spec
    mine = {**made.body, "spec": {**spec, "holderIdentity": "b", "leaseTransitions": 1}}
    assert server("PUT", f"{path}/l", mine).status == 200
    assert server("PUT", f"{path}/l", mine).status == 409
    refused = server("POST", path, {"metadata": {"name": "m"}, "spec": {**spec, "leaseDurationSeconds": 0}})
    assert [cause["field"] for cause in refused.body["details"]["causes"]] == ["spec.leaseDurationSeconds"]


def test_what_we_may_do_can_be_asked(server):
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "patch", "resource": "nodes"}},
    }
    answer = server("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    assert (answer.status, answer.body["status"]["allowed"]) == (201, True)
    assert answer.body["spec"] == review["spec"]


def test_a_quota_refuses_what_is_too_much(server, namespace, apps, core, maps):
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"services": "1", "count/deployments.apps": "1"}}}
    server("POST", f"{core}/resourcequotas", quota)
    server.until(lambda: server("GET", f"{core}/resourcequotas/q").body.get("status", {}).get("hard"), UNTIL)
    service = {"spec": {"ports": [{"port": 80}]}}
    assert server("POST", f"{core}/services", {"metadata": {"name": "one"}, **service}).status == 201
    refused = server("POST", f"{core}/services", {"metadata": {"name": "two"}, **service})
    assert (refused.status, refused.body["reason"]) == (403, "Forbidden")
    assert 'services "two" is forbidden: exceeded quota: q, requested: services=1' in refused.body["message"]
    assert "used: services=1, limited: services=1" in refused.body["message"]
    assert server("POST", f"{apps}/deployments", a_deployment()).status == 201
    assert server("POST", f"{apps}/deployments", a_deployment("other")).status == 403
    assert server("POST", maps, a_map("m")).status == 201
    used = {"services": "1", "count/deployments.apps": "1"}
    server.until(lambda: server("GET", f"{core}/resourcequotas/q").body["status"]["used"] == used, UNTIL)
