"""What keeps a pod from being made or placed: quotas, LimitRanges, what it refers to in vain, nodes that are too small;
and how those say so who wanted it."""

import re

import pytest

from ..conftest import MERGE, a_deployment

UNTIL = 75
SMALL = {"limits": {"cpu": "400m", "memory": "64Mi"}}


@pytest.fixture
def core(server, namespace):
    path = f"/api/v1/namespaces/{namespace}"
    server.until(lambda: server("GET", f"{path}/serviceaccounts/default").status == 200, UNTIL)
    return path


def allow(server, core, **hard):
    """A quota that counts; how much."""
    made = server("POST", f"{core}/resourcequotas", {"metadata": {"name": "few"}, "spec": {"hard": hard}})
    assert made.status == 201, made
    server.until(lambda: server("GET", f"{core}/resourcequotas/few").body.get("status", {}).get("used"), UNTIL)


def a_pod(name="p", resources=None, **spec):
    container = {"name": "c", "image": "img:1", "resources": resources or {}}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def deployed(name="web", replicas=1, resources=None, **spec):
    body = a_deployment(name, replicas=replicas)
    inner = body["spec"]["template"]["spec"]
    inner |= spec
    inner["containers"][0]["resources"] = resources or {}
    return body


def failure(server, path):
    """The condition ReplicaFailure of a workload, its pod's name and hash left out."""
    found = {}

    def said():
        conditions = server("GET", path).body.get("status", {}).get("conditions") or ()
        found.update(next((each for each in conditions if each["type"] == "ReplicaFailure"), {}))
        return found

    server.until(said, UNTIL)
    return found["status"], found["reason"], re.sub(r'"web-[\w-]+"', '"web-NAME"', found["message"])


def why_pending(server, core):
    """What the scheduler says of the only pod."""

    def said():
        pods = server("GET", f"{core}/pods").body["items"]
        return [
            each for pod in pods for each in pod["status"].get("conditions") or () if each["type"] == "PodScheduled"
        ]

    condition = server.until(said, UNTIL)[0]
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    return condition["message"]


def test_pods_beyond_a_quota_are_a_replica_failure_until_the_quota_grows(server, apps, core):
    allow(server, core, pods="1")
    server("POST", f"{apps}/deployments", deployed(replicas=3))
    words = 'pods "web-NAME" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1'
    assert failure(server, f"{apps}/deployments/web") == ("True", "FailedCreate", words)
    replica_set = server("GET", f"{apps}/replicasets").body["items"][0]
    assert failure(server, f"{apps}/replicasets/{replica_set['metadata']['name']}") == ("True", "FailedCreate", words)
    assert len(server("GET", f"{core}/pods").body["items"]) == 1
    about = f"involvedObject.uid%3D{replica_set['metadata']['uid']},reason%3DFailedCreate"
    events = server.until(lambda: server("GET", f"{core}/events?fieldSelector={about}").body["items"], UNTIL)
    assert all("exceeded quota: few" in each["message"] and each["type"] == "Warning" for each in events)
    server("PATCH", f"{core}/resourcequotas/few", {"spec": {"hard": {"pods": "9"}}}, **MERGE)
    server.until(lambda: server("GET", f"{apps}/deployments/web").body["status"].get("readyReplicas") == 3)
    kinds = {each["type"] for each in server("GET", f"{apps}/deployments/web").body["status"]["conditions"]}
    assert kinds == {"Available", "Progressing"}


def test_a_stateful_set_says_in_an_event_what_its_pod_lacks(server, apps, core):
    allow(server, core, pods="0")
    body = {**deployed(), "kind": "StatefulSet"}
    body["spec"]["serviceName"] = "web"
    server("POST", f"{apps}/statefulsets", body)
    events = server.until(
        lambda: server("GET", f"{core}/events?fieldSelector=reason%3DFailedCreate").body["items"], UNTIL
    )
    refused = 'pods "web-0" is forbidden: exceeded quota: few, requested: pods=1, used: pods=0, limited: pods=0'
    assert events[0]["message"] == f"Create Pod web-0 in StatefulSet web failed error: {refused}"
    assert (events[0]["type"], events[0]["source"]["component"]) == ("Warning", "statefulset-controller")
    assert server("GET", f"{apps}/statefulsets/web").body["status"]["replicas"] == 0
    server("DELETE", f"{core}/resourcequotas/few")
    server.until(lambda: server("GET", f"{apps}/statefulsets/web").body["status"].get("readyReplicas") == 1)


def test_what_a_quota_covers_has_to_be_said_and_is_added_up(server, core):
    allow(server, core, **{"limits.cpu": "1", "requests.memory": "100Mi", "count/pods": "9"})
    refused = server("POST", f"{core}/pods", a_pod())
    words = "failed quota: few: must specify limits.cpu for: c; requests.memory for: c"
    assert (refused.status, refused.body["message"]) == (403, f'pods "p" is forbidden: {words}')
    made = server("POST", f"{core}/pods", a_pod(resources=SMALL))
    assert made.body["spec"]["containers"][0]["resources"] == {**SMALL, "requests": SMALL["limits"]}
    assert made.body["status"]["qosClass"] == "Guaranteed"
    used = {"limits.cpu": "400m", "requests.memory": "64Mi", "count/pods": "1"}
    server.until(lambda: server("GET", f"{core}/resourcequotas/few").body["status"]["used"] == used, UNTIL)
    refused = server("POST", f"{core}/pods", a_pod("q", {"limits": {"cpu": "1500m", "memory": "64Mi"}}))
    assert refused.body["message"] == (
        'pods "q" is forbidden: exceeded quota: few, requested: limits.cpu=1500m,requests.memory=64Mi, '
        "used: limits.cpu=400m,requests.memory=64Mi, limited: limits.cpu=1,requests.memory=100Mi"
    )


def test_services_are_counted_by_what_they_take(server, core):
    allow(server, core, **{"services.nodeports": "1", "services.loadbalancers": "0"})
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    assert server("POST", f"{core}/services", service).status == 201
    refused = server("PATCH", f"{core}/services/s", {"spec": {"type": "LoadBalancer"}}, **MERGE)
    assert refused.status == 403, refused
    assert "requested: services.loadbalancers=1, used: services.loadbalancers=0" in refused.body["message"]
    assert server("PATCH", f"{core}/services/s", {"spec": {"type": "NodePort"}}, **MERGE).status == 200
    other = {"metadata": {"name": "t"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}}
    refused = server.until(
        lambda: None if (answer := server("POST", f"{core}/services", other)).status == 201 else answer, UNTIL
    )
    assert "requested: services.nodeports=1, used: services.nodeports=1" in refused.body["message"]


LIMITS = {
    "type": "Container",
    "max": {"cpu": "1"},
    "min": {"cpu": "100m"},
    "default": {"cpu": "500m", "memory": "128Mi"},
    "defaultRequest": {"cpu": "200m"},
    "maxLimitRequestRatio": {"cpu": "3"},
}


def test_a_limit_range_fills_in_and_refuses(server, core):
    body = {"metadata": {"name": "lr"}, "spec": {"limits": [LIMITS, {"type": "Pod", "max": {"memory": "1Gi"}}]}}
    made = server("POST", f"{core}/limitranges", body)
    assert made.body["spec"]["limits"][0]["defaultRequest"] == {"cpu": "200m", "memory": "128Mi"}
    pod = server.until(lambda: _filled(server, core), UNTIL)
    assert pod["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m", "memory": "128Mi"},
        "requests": {"cpu": "200m", "memory": "128Mi"},
    }
    assert pod["status"]["qosClass"] == "Burstable"
    told = pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"]
    assert told == "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c"
    for resources, words in (
        ({"limits": {"cpu": "2"}}, "maximum cpu usage per Container is 1, but limit is 2"),
        (
            {"limits": {"cpu": "150m"}, "requests": {"cpu": "50m"}},
            "minimum cpu usage per Container is 100m, but request is 50m",
        ),
        ({"limits": {"cpu": "900m", "memory": "2Gi"}}, "maximum memory usage per Pod is 1Gi, "),
        (
            {"limits": {"cpu": "900m"}, "requests": {"cpu": "200m"}},
            "cpu max limit to request ratio per Container is 3, ",
        ),
    ):
        refused = server("POST", f"{core}/pods", a_pod("q", resources))
        assert refused.status == 403, refused
        told = re.sub(r"but provided ratio.*|but limit is \d+[kMG]i?.*", "", refused.body["message"])
        assert told == f'pods "q" is forbidden: {words}'


def _filled(server, core):
    """A pod that a LimitRange has been applied to: the API server hears of one a moment after it was made."""
    made = server("POST", f"{core}/pods", a_pod("filled"))
    if "annotations" in made.body.get("metadata", {}):
        return made.body
    server("DELETE", f"{core}/pods/filled", {"gracePeriodSeconds": 0})
    return None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"priorityClassName": "nothing"}, "no PriorityClass with name nothing was found"),
        (
            {"serviceAccountName": "nothing"},
            'error looking up service account {ns}/nothing: serviceaccount "nothing" not',
        ),
    ],
)
def test_what_a_pod_refers_to_in_vain_is_a_replica_failure(server, namespace, apps, core, spec, words):
    server("POST", f"{apps}/deployments", deployed(**spec))
    status, reason, message = failure(server, f"{apps}/deployments/web")
    assert (status, reason) == ("True", "FailedCreate")
    assert message.startswith(f'pods "web-NAME" is forbidden: {words.format(ns=namespace)}')


NO_USE = "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."


@pytest.mark.parametrize(
    ("resources", "spec", "words"),
    [
        ({"requests": {"cpu": "1k", "memory": "1Ti"}}, {}, f"3 Insufficient cpu, 3 Insufficient memory. {NO_USE}"),
        ({}, {"nodeSelector": {"no": "node"}}, f"3 node(s) didn't match Pod's node affinity/selector. {NO_USE}"),
        (
            {},
            {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "nothing"}}]},
            'persistentvolumeclaim "nothing" not found. not found',
        ),
    ],
)
def test_a_pod_that_fits_nowhere_says_what_every_node_lacks(server, core, resources, spec, words):
    server("POST", f"{core}/pods", a_pod(resources=resources, **spec))
    assert why_pending(server, core) == f"0/3 nodes are available: {words}"


@pytest.mark.embedded_only
def test_a_pod_goes_where_another_has_made_room(server, core):
    three = {"requests": {"cpu": "3"}}
    for number in range(3):
        server("POST", f"{core}/pods", a_pod(f"p{number}", three))
    server.until(lambda: all(each["spec"].get("nodeName") for each in server("GET", f"{core}/pods").body["items"]))
    server("POST", f"{core}/pods", a_pod("late", three))
    late = f"{core}/pods/late"
    condition = server.until(lambda: server("GET", late).body["status"].get("conditions"))[0]
    assert condition["message"] == (
        "0/3 nodes are available: 3 Insufficient cpu. "
        "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
    )
    server("DELETE", f"{core}/pods/p0")
    server.until(lambda: server("GET", late).body["status"]["phase"] == "Running")
