"""Create, read, replace, delete: what every client relies on."""

import pytest

from .conftest import MERGE, a_deployment, a_map


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
    assert server("PUT", f"{deployments}/web/scale", scale).status == 200
    assert server("GET", f"{deployments}/web").body["spec"]["replicas"] == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_dry_run_stores_nothing(server, maps, method):
    before = server("POST", maps, a_map("a", {"n": "1"})).body
    path = f"{maps}?dryRun=All" if method == "POST" else f"{maps}/a?dryRun=All"
    body = {"POST": a_map("b"), "PUT": a_map("a", {"n": "2"}), "PATCH": {"data": {"n": "2"}}, "DELETE": None}[method]
    options = {"content_type": "application/merge-patch+json"} if method == "PATCH" else {}
    assert server(method, path, body, **options).status in (200, 201)
    assert server("GET", f"{maps}/a").body["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert server("GET", f"{maps}/b").status == 404


def test_delete_with_preconditions(server, maps):
    uid = server("POST", maps, a_map("a")).body["metadata"]["uid"]
    wrong = server("DELETE", f"{maps}/a", {"preconditions": {"uid": "other"}})
    assert (wrong.status, wrong.body["reason"]) == (409, "Conflict")
    right = server("DELETE", f"{maps}/a", {"preconditions": {"uid": uid}})
    assert (right.status, right.body["status"]) == (200, "Success")
    assert server("GET", f"{maps}/a").status == 404


def test_finalizers_hold_a_deletion(server, maps):
    server("POST", maps, a_map("a", finalizers=["example.com/wait"]))
    held = server("DELETE", f"{maps}/a")
    assert held.body["metadata"]["deletionTimestamp"]
    assert server("GET", f"{maps}/a").status == 200
    patch = {"metadata": {"finalizers": None}}
    server("PATCH", f"{maps}/a", patch, **MERGE)
    assert server("GET", f"{maps}/a").status == 404


def test_delete_a_collection_by_selector(server, maps):
    for name in "abc":
        server("POST", maps, a_map(name, labels={"half": "1" if name < "c" else "2"}))
    assert server("DELETE", f"{maps}?labelSelector=half%3D1").status == 200
    names = {item["metadata"]["name"] for item in server("GET", maps).body["items"]}
    assert {"a", "b"} & names == set()
    assert "c" in names


def owned(server, maps, **metadata):
    owner = server("POST", maps, a_map("owner", **metadata)).body
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    server("POST", maps, a_map("child", ownerReferences=[{**reference, "blockOwnerDeletion": True}]))
    return owner


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_dependents_go_with_their_owner(server, maps, policy):
    owned(server, maps)
    server("DELETE", f"{maps}/owner", {"propagationPolicy": policy})
    server.until(lambda: server("GET", f"{maps}/child").status == 404, 60)
    server.until(lambda: server("GET", f"{maps}/owner").status == 404, 60)


def test_orphans_stay(server, maps):
    owned(server, maps)
    server("DELETE", f"{maps}/owner", {"propagationPolicy": "Orphan"})
    server.until(lambda: server("GET", f"{maps}/owner").status == 404, 60)
    assert "ownerReferences" not in server("GET", f"{maps}/child").body["metadata"]


def test_a_dangling_owner_means_deletion(server, maps):
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "never",
        "uid": "11111111-2222-3333-4444-555555555555",
    }
    server("POST", maps, a_map("child", ownerReferences=[reference]))
    server.until(lambda: server("GET", f"{maps}/child").status == 404, 60)


def test_two_controllers_are_refused(server, maps):
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": n, "uid": f"u{n}", "controller": True} for n in ("a", "b")
    ]
    assert server("POST", maps, a_map("x", ownerReferences=references)).status == 422


def test_services_get_addresses_and_keep_them(server, namespace):
    path = f"/api/v1/namespaces/{namespace}/services"
    body = {"metadata": {"name": "s"}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}
    made = server("POST", path, body).body["spec"]
    assert made["clusterIP"]
    assert made["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    changed = server("PATCH", f"{path}/s", {"spec": {"clusterIP": "None"}}, **MERGE)
    assert changed.status == 422
    kept = server("PATCH", f"{path}/s", {"spec": {"type": "NodePort"}}, **MERGE).body
    assert kept["spec"]["clusterIP"] == made["clusterIP"]
    assert kept["spec"]["ports"][0]["nodePort"] >= 30000


def test_without_a_token_nothing_but_health(server):
    if server.authorization:
        assert server("GET", "/api/v1/nodes", token="wrong").status == 401
    assert server("GET", "/readyz").body == "ok"


def test_an_unknown_body_is_400_and_an_unknown_patch_415(server, maps):
    assert server("POST", maps, b"{").status == 400
    server("POST", maps, a_map("a"))
    assert server("PATCH", f"{maps}/a", {}, content_type="text/plain").status == 415
