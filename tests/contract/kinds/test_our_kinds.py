"""Custom resources: ours, as the product installs them."""

import subprocess

import pytest

from ..conftest import MERGE, install

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def grids(server):
    install(server)
    return lambda namespace: f"/apis/superedge.io/v1/namespaces/{namespace}/deploymentgrids"


LABELS = {"app": "web"}
CONTAINER = {"name": "c", "image": "img:1"}
TEMPLATE = {
    "anything": {"goes": ["here"]},
    "selector": {"matchLabels": LABELS},
    "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]}},
}


def a_grid(name="g", **spec):
    body = {"gridUniqKey": "zone", "template": TEMPLATE, **spec}
    return {"apiVersion": "superedge.io/v1", "kind": "DeploymentGrid", "metadata": {"name": name}, "spec": body}


def test_a_definition_is_established(server, grids):
    body = server("GET", f"{CRDS}/deploymentgrids.superedge.io").body
    assert {each["type"]: each["status"] for each in body["status"]["conditions"]}["Established"] == "True"
    resources = server("GET", "/apis/superedge.io/v1").body["resources"]
    assert {each["name"]: each.get("shortNames") for each in resources}["deploymentgrids"] == ["dg"]


def test_templates_keep_every_field(server, grids, namespace):
    pool = {
        "p": {**TEMPLATE, "volumeClaimTemplates": [{"metadata": {"name": "v"}, "of": "any kind"}]},
    }
    made = server("POST", grids(namespace), a_grid(templatePool=pool))
    assert made.status == 201
    assert made.body["spec"]["templatePool"] == pool


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"gridUniqKey": None}, "spec.gridUniqKey"),
        ({"gridUniqKey": ""}, "spec.gridUniqKey"),
        ({"gridUniqKey": 5}, "spec.gridUniqKey"),
        ({"gridUniqKey": "not a key"}, "spec.gridUniqKey"),
        ({"template": {**TEMPLATE, "replicas": "two"}}, "spec.template.replicas"),
        ({"template": {**TEMPLATE, "replicas": -1}}, "spec.template.replicas"),
        ({"template": {"template": TEMPLATE["template"]}}, "spec.template.selector"),
        ({"templatePool": {"p": {}}}, "spec.templatePool.p.template"),
        (
            {"template": {**TEMPLATE, "template": {"spec": {"containers": []}}}},
            "spec.template.template.spec.containers",
        ),
        ({"templates": {"a": 1}}, "spec.templates.a"),
        ({"autoDeleteUnusedTemplate": "yes"}, "spec.autoDeleteUnusedTemplate"),
    ],
)
def test_the_schema_refuses(server, grids, namespace, spec, field):
    body = a_grid(**spec)
    body["spec"] = {key: value for key, value in body["spec"].items() if value is not None}
    answer = server("POST", grids(namespace), body)
    assert answer.status == 422
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]]


def test_the_schema_refuses_a_service_without_what_it_needs(server, grids, namespace):
    path = grids(namespace).replace("deployment", "service")
    body = {"apiVersion": "superedge.io/v1", "kind": "ServiceGrid", "metadata": {"name": "s"}}
    spec = {"gridUniqKey": "zone", "template": {"selector": {}, "ports": [{"port": 70000}]}}
    answer = server("POST", path, {**body, "spec": spec})
    assert answer.status == 422
    port = "spec.template.ports[0].port"
    assert {each["field"]: each["message"] for each in answer.body["details"]["causes"]} == {
        "spec.template.selector": "Invalid value: 0: spec.template.selector in body should have at least 1 properties",
        port: f"Invalid value: 70000: {port} in body should be less than or equal to 65535",
    }


def test_a_name_must_leave_room_for_a_units(server, grids, namespace):
    answer = server("POST", grids(namespace), a_grid("g" * 62))
    assert answer.status == 422
    assert "metadata.name" in [each["field"] for each in answer.body["details"]["causes"]]
    assert server("POST", grids(namespace), a_grid("g" * 61)).status == 201


@pytest.mark.parametrize(
    ("plural", "kind", "status"),
    [
        ("deploymentgrids", "DeploymentGrid", 201),
        ("statefulsetgrids", "StatefulSetGrid", 422),
        ("servicegrids", "ServiceGrid", 422),
    ],
)
def test_a_name_must_be_one_that_children_can_have(server, grids, namespace, plural, kind, status):
    path = grids(namespace).replace("deploymentgrids", plural)
    spec = {"gridUniqKey": "zone", "template": TEMPLATE}
    if kind == "ServiceGrid":
        spec["template"] = {"selector": LABELS, "ports": [{"port": 80}]}
    body = {"apiVersion": "superedge.io/v1", "kind": kind, "spec": spec}
    answer = server("POST", path, {**body, "metadata": {"name": "c.d"}})
    assert answer.status == status
    if status != 201:
        assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["metadata.name"]
    assert server("POST", path, {**body, "metadata": {"name": "3scale"}}).status == 201


def test_unknown_fields_are_pruned_or_refused_when_strict(server, grids, namespace):
    assert "replicas" not in server("POST", grids(namespace), a_grid(replicas=3)).body["spec"]
    strict = server("POST", f"{grids(namespace)}?fieldValidation=Strict", a_grid("h", replicas=3))
    assert strict.status == 400
    assert 'unknown field "spec.replicas"' in strict.body["message"]


def test_status_is_a_subresource_and_generation_counts_the_spec(server, grids, namespace):
    path = f"{grids(namespace)}/g"
    server("POST", grids(namespace), {**a_grid(), "status": {"totalUnits": 9}})
    assert "status" not in server("GET", path).body
    body = server("PATCH", f"{path}/status", {"status": {"totalUnits": 2, "states": {"a": {"x": 1}}}}, **MERGE).body
    assert (body["status"]["totalUnits"], body["metadata"]["generation"]) == (2, 1)
    body = server("PATCH", path, {"spec": {"gridUniqKey": "city"}, "status": {"totalUnits": 5}}, **MERGE).body
    assert (body["status"]["totalUnits"], body["metadata"]["generation"]) == (2, 2)


def test_printer_columns(server, grids, namespace):
    server("POST", grids(namespace), a_grid())
    condition = {"type": "Ready", "status": "True"}
    server(
        "PATCH",
        f"{grids(namespace)}/g/status",
        {"status": {"totalUnits": 2, "readyUnits": 1, "conditions": [condition]}},
        **MERGE,
    )
    table = server("GET", grids(namespace), accept="application/json;as=Table;v=v1;g=meta.k8s.io").body
    assert [column["name"] for column in table["columnDefinitions"]] == [
        "Name",
        "Key",
        "Units",
        "Ready-Units",
        "Ready",
        "Age",
        "Message",
    ]
    assert table["rows"][0]["cells"][:5] == ["g", "zone", 2, 1, "True"]


def test_children_follow_a_custom_owner(server, grids, namespace):
    uid = server("POST", grids(namespace), a_grid()).body["metadata"]["uid"]
    reference = {"apiVersion": "superedge.io/v1", "kind": "DeploymentGrid", "name": "g", "uid": uid, "controller": True}
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    assert server("POST", maps, {"metadata": {"name": "child", "ownerReferences": [reference]}}).status == 201
    server("DELETE", f"{grids(namespace)}/g")
    server.until(lambda: server("GET", f"{maps}/child").status == 404)


@pytest.mark.kubectl
def test_kubectl_speaks_with_it(server, grids, namespace, tmp_path):
    def kubectl(*arguments, code=0, **options):
        command = ["kubectl", "--kubeconfig", str(server.kubeconfig), "-n", namespace, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, **options)
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout + done.stderr

    manifest = """
apiVersion: superedge.io/v1
kind: DeploymentGrid
metadata: {name: g}
spec:
  gridUniqKey: zone
  template:
    selector: {matchLabels: {app: web}}
    template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "img:1"}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: m}
data: {a: "1"}
"""
    path = tmp_path / "bundle.yaml"
    path.write_text(manifest)
    assert "created" in kubectl("apply", "-f", str(path))
    assert "unchanged" in kubectl("apply", "-f", str(path))
    path.write_text(manifest.replace('"1"', '"2"'))
    assert '+  a: "2"' in kubectl("diff", "-f", str(path), code=1)
    assert "configured" in kubectl("apply", "-f", str(path))
    assert "zone" in kubectl("get", "dg")
    assert "Grid Uniq Key:  zone" in kubectl("describe", "dg", "g")
    assert "labeled" in kubectl("label", "configmap", "m", "x=y")
    assert "gridUniqKey" in kubectl("get", "dg", "g", "-o", "yaml")
    assert "serverside-applied" in kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
    path.write_text(manifest.replace("spec:\n  grid", "spec:\n  replicas: 2\n  grid"))
    assert "unknown field" in kubectl("apply", "-f", str(path), code=1)
    assert "deleted" in kubectl("delete", "-f", str(path), "--timeout=75s")
    assert "No resources found" in kubectl("get", "dg")
