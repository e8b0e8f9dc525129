"""What the API server refuses of the pods of a workload, before anything is stored."""

import pytest

from ..conftest import APPLY

UNTIL = 75


@pytest.fixture
def core(server, namespace):
    path = f"/api/v1/namespaces/{namespace}"
    server.until(lambda: server("GET", f"{path}/serviceaccounts/default").status == 200, UNTIL)
    return path


def a_deployment(container=None, **pod):
    made = {"name": "c", "image": "img:1", **(container or {})}
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [made], **pod}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "w"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}, "spec": spec}


def amounts(requests=None, limits=None):
    return {"resources": {"requests": requests or {}, "limits": limits or {}}}


def causes(answer):
    return [(each["reason"], each["field"], each["message"]) for each in answer.body["details"]["causes"]]


C = "spec.template.spec.containers[0]"
REFUSED = {
    "another restart policy": (
        a_deployment(restartPolicy="Never"),
        (
            "FieldValueNotSupported",
            "spec.template.spec.restartPolicy",
            'Unsupported value: "Never": supported values: "Always"',
        ),
    ),
    "more than the limit": (
        a_deployment(amounts({"cpu": "2"}, {"cpu": "1"})),
        (
            "FieldValueInvalid",
            f"{C}.resources.requests",
            'Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
    ),
    "less than nothing": (
        a_deployment(amounts({"memory": "-1Gi"})),
        (
            "FieldValueInvalid",
            f"{C}.resources.requests[memory]",
            'Invalid value: "-1Gi": must be greater than or equal to 0',
        ),
    ),
    "a volume that is not there": (
        a_deployment({"volumeMounts": [{"name": "nope", "mountPath": "/x"}]}),
        ("FieldValueNotFound", f"{C}.volumeMounts[0].name", 'Not found: "nope"'),
    ),
    "another pull policy": (
        a_deployment({"imagePullPolicy": "Sometimes"}),
        (
            "FieldValueNotSupported",
            f"{C}.imagePullPolicy",
            'Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
        ),
    ),
    "two kinds of probe in one": (
        a_deployment({"livenessProbe": {"tcpSocket": {"port": 1}, "exec": {"command": ["true"]}}}),
        ("FieldValueForbidden", f"{C}.livenessProbe.tcpSocket", "Forbidden: may not specify more than 1 handler type"),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("how", ["POST", "apply"])
def test_pods_that_cannot_be_are_refused_with_the_field(server, apps, what, how):
    body, cause = REFUSED[what]
    if how == "POST":
        answer = server("POST", f"{apps}/deployments", body)
    else:
        answer = server("PATCH", f"{apps}/deployments/w?fieldManager=t", body, **APPLY)
    assert answer.status == 422, answer
    assert causes(answer) == [cause]


@pytest.mark.parametrize("text", ["1 core", "1Kb", "", "one", "1e", "--1", "1.2.3", "0x10"])
def test_what_is_no_quantity_is_refused(server, apps, text):
    body = a_deployment(amounts({"cpu": text}))
    answer = server("POST", f"{apps}/deployments", body)
    assert answer.status == 400, answer
    assert "cannot be handled as a Deployment: " in answer.body["message"]
    assert "quantit" in answer.body["message"]
    applied = server("PATCH", f"{apps}/deployments/w?fieldManager=t", body, **APPLY)
    assert applied.status == 500, applied
    assert applied.body["message"].startswith("failed to convert new object (")
    assert "quantit" in applied.body["message"]


@pytest.mark.parametrize("text", ["100m", "1.5", "1e3", "1E", "2Gi", ".5", "5.", "+1", "1e-3", "12E6", 2, 0.5])
def test_quantities_come_in_many_forms(server, apps, text):
    body = a_deployment(amounts({"cpu": text}))
    assert server("POST", f"{apps}/deployments", body).status == 201


def test_a_pod_with_a_gate_is_not_scheduled_before_the_gate_is_gone(server, core):
    spec = {"containers": [{"name": "c", "image": "img:1"}], "schedulingGates": [{"name": "example.com/wait"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    assert server("POST", f"{core}/pods", body).status == 201

    def scheduled():
        status = server("GET", f"{core}/pods/p").body["status"]
        return next((each for each in status.get("conditions") or () if each["type"] == "PodScheduled"), None)

    found = server.until(scheduled, UNTIL)
    assert (found["status"], found["reason"], found["message"]) == (
        "False",
        "SchedulingGated",
        "Scheduling is blocked due to non-empty scheduling gates",
    )
    assert "nodeName" not in server("GET", f"{core}/pods/p").body["spec"]
    gone = [{"op": "remove", "path": "/spec/schedulingGates"}]
    assert server("PATCH", f"{core}/pods/p", gone, content_type="application/json-patch+json").status == 200
    server.until(lambda: scheduled()["status"] == "True", UNTIL)
