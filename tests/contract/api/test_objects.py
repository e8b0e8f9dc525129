"""Create, read, replace, delete: what every client relies on."""

import pytest

from ..conftest import MERGE, a_deployment, a_map


def test_create_and_get(server, maps):
    made = server("POST", maps, a_map("a", {"k": "v"}))
    assert made.status == 201
    metadata = made.body["metadata"]
    assert metadata["uid"]
    assert metadata["resourceVersion"].isdigit()
    assert metadata["creationTimestamp"].endswith("Z")
    assert server("GET", f"{maps}/a").body["data"] == {"k": "v"}


def test_create_twice_is_409(server, maps):
    server("POST", maps, a_map("a"))
    again = server("POST", maps, a_map("a"))
    assert (again.status, again.body["reason"]) == (409, "AlreadyExists")


def test_what_is_not_there_is_404_with_a_status(server, maps):
    answer = server("GET", f"{maps}/none")
    assert (answer.status, answer.body["kind"], answer.body["reason"]) == (404, "Status", "NotFound")
    assert answer.body["details"]["name"] == "none"
    assert server("GET", "/apis/nowhere.io/v1/things").status == 404


def test_create_in_a_missing_namespace_is_404(server):
    assert server("POST", "/api/v1/namespaces/nowhere/configmaps", a_map("a")).status == 404


def test_generate_name(server, maps):
    made = server("POST", maps, {"metadata": {"generateName": "x-"}})
    assert made.status == 201
    assert made.body["metadata"]["name"].startswith("x-")
    assert len(made.body["metadata"]["name"]) == 7


def test_a_stale_put_is_409_and_one_without_a_version_is_not(server, maps):
    first = server("POST", maps, a_map("a", {"n": "1"})).body
    assert server("PUT", f"{maps}/a", {**first, "data": {"n": "2"}}).status == 200
    stale = server("PUT", f"{maps}/a", {**first, "data": {"n": "3"}})
    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    assert server("PUT", f"{maps}/a", a_map("a", {"n": "4"})).body["data"] == {"n": "4"}


def test_an_unchanged_put_changes_no_version(server, maps):
    first = server("POST", maps, a_map("a", {"n": "1"})).body
    again = server("PUT", f"{maps}/a", first).body
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (lambda d: d["metadata"].update(name="Bad_Name"), "metadata.name"),
        (lambda d: d["metadata"].update(labels={"a": "no spaces"}), "metadata.labels"),
        (lambda d: d["spec"]["template"]["metadata"].update(labels={"other": "x"}), "spec.template.metadata.labels"),
        (lambda d: d["spec"].pop("selector"), "spec.selector"),
        (lambda d: d["spec"]["template"]["spec"].update(containers=[]), "spec.template.spec.containers"),
        (
            lambda d: d["spec"]["template"]["spec"]["containers"][0].pop("image"),
            "spec.template.spec.containers[0].image",
        ),
        (lambda d: d["spec"].update(replicas=-1), "spec.replicas"),
    ],
)
def test_invalid_deployments_are_422_and_name_the_field(server, deployments, edit, field):
    body = a_deployment()
    edit(body)
    answer = server("POST", deployments, body)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]]


def test_a_selector_is_immutable(server, deployments):
    body = server("POST", deployments, a_deployment()).body
    del body["metadata"]["resourceVersion"]
    body["spec"]["selector"]["matchLabels"] = {"app": "web", "v": "2"}
    body["spec"]["template"]["metadata"]["labels"] = {"app": "web", "v": "2"}
    answer = server("PUT", f"{deployments}/web", body)
    assert answer.status == 422
    assert "field is immutable" in answer.body["message"]


def test_defaults_are_filled_in(server, deployments):
    spec = server("POST", deployments, a_deployment()).body["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
    container = spec["template"]["spec"]["containers"][0]
    assert (container["terminationMessagePath"], container["imagePullPolicy"]) == (
        "/dev/termination-log",
        "IfNotPresent",
    )


def test_generation_moves_with_the_spec_alone(server, deployments):
    body = server("POST", deployments, a_deployment()).body
    assert body["metadata"]["generation"] == 1
    labelled = server("PATCH", f"{deployments}/web", {"metadata": {"labels": {"x": "y"}}}, **MERGE).body
    assert labelled["metadata"]["generation"] == 1
    assert (
        server("PATCH", f"{deployments}/web", {"spec": {"paused": True}}, **MERGE).body["metadata"]["generation"] == 2
    )


def test_status_and_spec_are_written_apart(server, deployments):
    server("POST", deployments, {**a_deployment(), "spec": {**a_deployment()["spec"], "paused": True}})
    server("PATCH", f"{deployments}/web", {"status": {"collisionCount": 7}}, **MERGE)
    assert "collisionCount" not in server("GET", f"{deployments}/web").body.get("status", {})
    server(
        "PATCH", f"{deployments}/web/status", {"spec": {"minReadySeconds": 5}, "status": {"collisionCount": 7}}, **MERGE
    )
    body = server("GET", f"{deployments}/web").body
    assert "minReadySeconds" not in body["spec"]


def test_scale(server, deployments):
    server("POST", deployments, a_deployment())
    scale = server("GET", f"{deployments}/web/scale").body
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 0}) or scale["spec"].get("replicas", 0) == 0
    scale["spec"] = {"replicas": 1}
    version = scale["metadata"].pop("resourceVersion")  # by which the controller may have written its status meanwhile
    changed = server("PUT", f"{deployments}/web/scale", scale)
    assert (changed.status, changed.body["spec"], changed.body["kind"]) == (200, {"replicas": 1}, "Scale")
    assert server("GET", f"{deployments}/web").body["spec"]["replicas"] == 1
    stale = {**scale, "metadata": {**scale["metadata"], "resourceVersion": version}}
    assert server("PUT", f"{deployments}/web/scale", stale).status == 409
    patched = server("PATCH", f"{deployments}/web/scale", {"spec": {"replicas": 0}}, **MERGE)
    assert (patched.status, patched.body["kind"]) == (200, "Scale")
    assert not server("GET", f"{deployments}/web").body["spec"].get("replicas")
    assert server("PATCH", f"{deployments}/web/scale", {"spec": {"replicas": -1}}, **MERGE).status == 422


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_dry_run_stores_nothing(server, maps, method):
    before = server("POST", maps, a_map("a", {"n": "1"})).body
    path = f"{maps}?dryRun=All" if method == "POST" else f"{maps}/a?dryRun=All"
    body = {"POST": a_map("b"), "PUT": a_map("a", {"n": "2"}), "PATCH": {"data": {"n": "2"}}, "DELETE": None}[method]
    options = {"content_type": "application/merge-patch+json"} if method == "PATCH" else {}
    assert server(method, path, body, **options).status in (200, 201)
    assert server("GET", f"{maps}/a").body["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert server("GET", f"{maps}/b").status == 404


def test_without_a_token_nothing_but_health(server):
    if server.authorization:
        assert server("GET", "/api/v1/nodes", token="wrong").status == 401
    assert server("GET", "/readyz").body == "ok"
