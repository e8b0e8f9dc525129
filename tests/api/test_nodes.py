"""Nodes, groups, units, the overview and labels over REST."""

import pytest

from sgportal import actions
from sgportal.models import Grid, LabelJob, Node, WorkKey

from . import builders
from .conftest import pointers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(db):
    builders.walkthrough()


UNITS = "nodeunits?group=zone1"


def test_a_node_keeps_kubernetes_shape(api):
    body = api.get("nodes/node0").json()
    assert (body["apiVersion"], body["kind"]) == ("v1", "Node")
    assert body["metadata"]["name"] == "node0"
    assert body["metadata"]["labels"] == {"zone1": "nodeunit1"}
    assert body["metadata"]["creationTimestamp"].endswith("Z")
    assert body["spec"] == {"unschedulable": False, "taints": []}
    assert body["status"]["conditions"][0] == {"type": "Ready", "status": "True"}
    assert body["status"]["capacity"] == {"cpu": "4"}
    assert "annotations" not in body["status"]
    assert api.get("nodes/nodeX").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["bare", "node0", "node1", "node2"]),
        ("?labelSelector=zone1%3Dnodeunit2", ["node1", "node2"]),
        ("?labelSelector=zone1%20notin%20(nodeunit2)", ["bare", "node0"]),
        ("?labelSelector=!zone1", ["bare"]),
        ("?group=zone1", ["node0", "node1", "node2"]),
        ("?group=zone1&unit=nodeunit1", ["node0"]),
        ("?ready=Ready", ["node0", "node1", "node2"]),
        ("?ready=true", ["node0", "node1", "node2"]),
        ("?ready=false", ["bare"]),
        ("?ready=Unknown", ["bare"]),
        ("?search=NODE", ["node0", "node1", "node2"]),
        ("?search=unit1", ["node0"]),
        ("?group=zone1&search=node2", ["node2"]),
        ("?group=nothing", []),
    ],
)
def test_nodes_can_be_narrowed(api, query, expected):
    builders.node("bare", ready="Unknown")
    assert [each["metadata"]["name"] for each in api.get(f"nodes{query}").json()["items"]] == expected


def test_groups_and_units_are_counted(api):
    Node.objects.filter(name="node2").update(ready="NotReady")
    assert api.get("nodegroups").json()["items"] == [
        {"key": "zone1", "units": 2, "nodes": 3, "readyNodes": 2, "kubeletMaySet": True}
    ]
    row = builders.grid()
    builders.cell(row, "nodeunit1", desired=2, ready=1)
    found = api.get("nodeunits?group=zone1").json()
    assert found["items"] == [
        {
            "group": "zone1",
            "name": "nodeunit1",
            "nodes": 1,
            "readyNodes": 1,
            "state": "Ready",
            "nodeState": "Ready",
            "unhealthy": False,
            "pods": {"desired": 2, "ready": 1},
        },
        {
            "group": "zone1",
            "name": "nodeunit2",
            "nodes": 2,
            "readyNodes": 1,
            "state": "Degraded",
            "nodeState": "Degraded",
            "unhealthy": True,
            "pods": {"desired": 0, "ready": 0},
        },
    ]


def test_a_unit_is_as_bad_as_the_worst_of_its_nodes_and_workloads(api):
    """One rule for the state, the filter, the counter and the order."""
    builders.cell(builders.grid(), "nodeunit1", state="Degraded", ready=1)
    builders.cell(builders.grid("other"), "nodeunit1")
    builders.cell(builders.grid("third"), "nodeunit2", state="Paused")
    states = {each["name"]: (each["state"], each["nodeState"]) for each in api.get(UNITS).json()["items"]}
    assert states == {"nodeunit1": ("Degraded", "Ready"), "nodeunit2": ("Paused", "Ready")}
    assert [each["name"] for each in api.get(f"{UNITS}&unhealthy=true").json()["items"]] == ["nodeunit1"]
    assert [each["name"] for each in api.get(f"{UNITS}&unhealthy=false").json()["items"]] == ["nodeunit2"]
    assert api.get("overview?group=zone1").json()["totals"]["unhealthy"] == 1

    Node.objects.filter(name__in=["node1", "node2"]).update(ready="Unknown")  # the worst, although no cell says so
    body = api.get("overview?group=zone1").json()
    assert [(each["name"], each["state"]) for each in body["units"]] == [
        ("nodeunit2", "Offline"),
        ("nodeunit1", "Degraded"),
    ]
    assert body["totals"]["unhealthy"] == len(api.get(f"{UNITS}&unhealthy=true").json()["items"]) == 2
    assert api.get(f"{UNITS}&unhealthy=perhaps").status_code == 422


def test_kubernetes_own_keys_are_shown_on_demand(api):
    row = Node.objects.get(name="node0")
    row.label_rows.create(key="kubernetes.io/hostname", value="node0")
    keys = [each["key"] for each in api.get("nodegroups?all=true").json()["items"]]
    assert keys == ["kubernetes.io/hostname", "zone1"]


def test_a_nodegroup_says_who_may_set_its_label(api):
    row = Node.objects.get(name="node0")
    row.label_rows.create(key="node-restriction.kubernetes.io/site", value="a")
    found = {each["key"]: each["kubeletMaySet"] for each in api.get("nodegroups").json()["items"]}
    assert found == {"zone1": True, "node-restriction.kubernetes.io/site": False}


def test_the_overview_is_the_matrix(api):
    row = builders.grid()
    builders.cell(row, "nodeunit1")
    builders.cell(row, "nodeunit2", state="Degraded", ready=0)
    body = api.get("overview?group=zone1").json()
    assert body["group"] == "zone1"
    assert [each["name"] for each in body["units"]] == ["nodeunit2", "nodeunit1"]
    assert body["grids"][0]["path"] == "deploymentgrids/default/echo"
    cells = {(each["unit"], each["grid"]): each for each in body["cells"]}
    worst = cells["nodeunit2", "deploymentgrids/default/echo"]
    assert (worst["desired"], worst["ready"], worst["state"], worst["reason"]) == (2, 0, "Degraded", "PodsReady")
    assert worst["message"] == "0 of 2 pods are ready"
    assert body["totals"]["podsReady"] == 2
    assert body["observedAt"].endswith("Z")
    assert body["stale"] is False
    assert api.get("overview").json()["group"] == "zone1"


def test_a_service_is_in_the_overview_as_its_loop_fares(api):
    row = builders.grid("web", "ServiceGrid")
    builders.cell(row, "nodeunit1", desired=0, ready=0, nodes=1, served=1)
    builders.cell(row, "nodeunit2", state="Degraded", desired=0, ready=0, nodes=2, served=1)
    body = api.get("overview?group=zone1").json()
    assert [each["path"] for each in body["grids"]] == ["servicegrids/default/web"]
    cells = {each["unit"]: (each["served"], each["nodes"], each["ready"], each["state"]) for each in body["cells"]}
    assert cells == {"nodeunit1": (1, 1, 0, "Ready"), "nodeunit2": (1, 2, 0, "Degraded")}
    assert {each["name"]: each["state"] for each in body["units"]} == {"nodeunit1": "Ready", "nodeunit2": "Degraded"}
    assert body["totals"]["unhealthy"] == 1


def test_an_empty_portal_has_an_empty_overview(api):
    Node.objects.all().delete()
    body = api.get("overview").json()
    assert (body["group"], body["units"], body["cells"]) == ("", [], [])


def test_labelling_many_nodes_is_a_job(api):
    answer = api.post("nodes/label", {"nodes": ["node0", "node1"], "set": {"zone2": "a"}, "remove": ["zone1"]})
    assert answer.status_code == 202
    body = answer.json()
    assert answer["Location"] == f"/api/v1/jobs/{body['id']}"
    assert body["changes"] == {"zone2": "a", "zone1": None}
    assert [(each["node"], each["state"]) for each in body["results"]] == [("node0", "pending"), ("node1", "pending")]
    assert body["results"][0]["before"] == {"zone2": None, "zone1": "nodeunit1"}
    assert api.get(answer["Location"]).json() == body
    assert [each["id"] for each in api.get("jobs").json()["items"]] == [body["id"]]
    assert WorkKey.objects.get().key == f"labeljobs/{body['id']}"


def test_each_node_gets_a_value_of_its_own(api):
    body = api.post("nodes/label", {"key": "zone1", "values": {"node0": "x", "node1": None}, "move": True}).json()
    assert (body["action"], body["changes"]) == ("move", {})
    assert [(each["node"], each["after"], each["step"]) for each in body["results"]] == [
        ("node0", {"zone1": "x"}, "cordon"),
        ("node1", {"zone1": None}, "cordon"),
    ]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"key": "zone1", "values": {}}, "/values"),
        ({"values": {"node0": "a"}}, "/key"),
        ({"key": "kubernetes.io/os", "values": {"node0": "a"}}, "/key"),
        ({"key": "zone1", "values": {"node0": "a b"}}, "/values/node0"),
        ({"key": "zone1", "values": {"node0": "a", "no/body": "b"}}, "/values/no~1body"),
        ({"key": "zone1", "values": {"node0": "a"}, "set": {"x": "y"}}, "/set"),
        ({"key": "zone1", "values": {"node0": "a"}, "nodes": ["node0"]}, "/nodes"),
        ({"nodes": ["node0"], "set": {"a": "b"}, "move": "perhaps"}, "/move"),
    ],
)
def test_a_value_that_cannot_be_names_its_field(api, asked, where):
    answer = api.post("nodes/label", asked)
    assert answer.status_code in (400, 422)
    assert where in [each["pointer"] for each in answer.json()["errors"]]
    assert not LabelJob.objects.exists()


@pytest.mark.parametrize("verb", ["cordon", "uncordon", "drain"])
def test_nodes_are_scheduled_as_jobs(api, verb):
    answer = api.post(f"nodes/{verb}", {"labelSelector": "zone1=nodeunit2"})
    assert (answer.status_code, answer.json()["action"], answer.json()["total"]) == (202, verb, 2)
    assert api.post(f"nodes/{verb}", {"nodes": ["node1"]}).status_code == 409
    assert api.post(f"nodes/{verb}?dryRun=All", {"nodes": ["node1"]}).json()["evictions"] == []
    assert api.post(f"nodes/{verb}", {"nodes": ["nobody"]}).status_code in (400, 422)
    assert api.post(f"nodes/{verb}", {}).status_code in (400, 422)


def test_a_job_is_undone(api):
    job = api.post("nodes/label", {"nodes": ["node0"], "set": {"zone1": "x"}}).json()
    answer = api.post(f"jobs/{job['id']}/undo")
    assert answer.status_code == 202
    assert (answer.json()["undoes"], answer.json()["changes"]) == (job["id"], {"zone1": "nodeunit1"})
    again = api.post(f"jobs/{job['id']}/undo")
    assert (again.status_code, again.json()["id"]) == (202, answer.json()["id"])
    undone = LabelJob.objects.filter(undoes=job["id"])
    undone.update(state="done")
    refused = api.post(f"jobs/{job['id']}/undo")
    assert (refused.status_code, answer.json()["id"] in refused.json()["detail"]) == (409, True)
    undone.update(state="failed")
    LabelJob.objects.filter(pk=job["id"]).update(state="failed", results={})
    assert api.post(f"jobs/{job['id']}/undo").status_code == 409
    assert api.post("jobs/00000000-0000-4000-8000-000000000000/undo").status_code == 404


def test_nodes_can_be_selected_by_labels(api):
    answer = api.post("nodes/label", {"labelSelector": "zone1=nodeunit2", "set": {"a": "b"}})
    assert [each["node"] for each in answer.json()["results"]] == ["node1", "node2"]


def test_a_dry_run_of_labels_shows_the_impact(api):
    api.yaml("POST", "apply", builders.seed("deploymentgrid") + b"---\n" + builders.seed("servicegrid"))
    builders.pod("p0", "node0", appGrid="echo")
    before = LabelJob.objects.count()
    answer = api.post("nodes/label?dryRun=All", {"nodes": ["node0"], "set": {"zone1": "nodeunit3"}})
    assert answer.status_code == 200
    body = answer.json()
    assert [(each["unit"], each["verb"]) for each in body["units"]] == [
        ("nodeunit1", "vanishes"),
        ("nodeunit3", "appears"),
    ]
    assert [(each["verb"], each["name"]) for each in body["steps"]] == [
        ("delete", "deploymentgrid-demo-nodeunit1"),
        ("create", "deploymentgrid-demo-nodeunit3"),
    ]
    assert body["services"] == [{"grid": "servicegrids/default/servicegrid-demo", "unit": "nodeunit1"}]
    assert body["held"] == []
    asked = {"nodes": ["node0"], "set": {"zone1": "nodeunit3"}}
    chinese = api.post("nodes/label?dryRun=All", asked, Accept_Language="zh-hans").json()
    assert [each["reason"] for each in chinese["steps"]] == [
        "NodeUnit“nodeunit1”失去最后一个节点；宽限期过后其工作负载将被删除",
        "新增 NodeUnit“nodeunit3”",
    ]
    assert LabelJob.objects.count() == before


def test_one_node_is_labelled_at_once(api, monkeypatch):
    written = []

    def write(name, changes, check=None, author=""):
        written.append((name, dict(changes)))
        Node.objects.filter(name=name).update(labels={"zone1": "nodeunit9"})

    monkeypatch.setattr("sgportal.reconciler.label_jobs.write", write)
    answer = api("PATCH", "nodes/node0", {"metadata": {"labels": {"zone1": "nodeunit9", "old": None}}})
    assert answer.status_code == 200, answer.content
    assert written == [("node0", {"zone1": "nodeunit9", "old": None})]
    assert answer.json()["metadata"]["labels"] == {"zone1": "nodeunit9"}


def test_one_nodes_labels_can_be_tried(api):
    answer = api("PATCH", "nodes/node0?dryRun=All", {"metadata": {"labels": {"zone1": None}}})
    assert [each["verb"] for each in answer.json()["units"]] == ["vanishes"]
    assert Node.objects.get(name="node0").labels == {"zone1": "nodeunit1"}


def test_without_a_cluster_one_nodes_label_is_refused_with_a_time_to_try_again(api, monkeypatch):
    class Away(actions.Unavailable):
        def __init__(self):
            Exception.__init__(self, "refused")
            self.retry_after = 4.2

    def away(*_, **__):
        raise Away

    monkeypatch.setattr("sgportal.reconciler.label_jobs.write", away)
    answer = api("PATCH", "nodes/node0", {"metadata": {"labels": {"zone1": "x"}}})
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer.json()["detail"] == "the cluster is unreachable"


def test_an_unknown_node_cannot_be_labelled(api):
    assert api("PATCH", "nodes/nodeX", {"metadata": {"labels": {"a": "b"}}}).status_code == 404


def test_a_bundle_of_both_seeds_is_applied(api):
    bundle = builders.seed("deploymentgrid") + b"---\n" + builders.seed("servicegrid")
    answer = api.yaml("POST", "apply", bundle)
    assert answer.status_code == 200
    results = [(each["kind"], each["name"], each["result"]) for each in answer.json()["items"]]
    assert results == [
        ("DeploymentGrid", "deploymentgrid-demo", "created"),
        ("ServiceGrid", "servicegrid-demo", "created"),
    ]
    changed = bundle.replace(b"replicas: 2", b"replicas: 3")
    again = api.yaml("POST", "apply", changed).json()["items"]
    assert [each["result"] for each in again] == ["configured", "unchanged"]


@pytest.mark.parametrize("wrap", [lambda each: [each], lambda each: {"items": [each]}, lambda each: each])
def test_a_bundle_may_be_json(api, wrap):
    assert api.post("apply", wrap(builders.manifest())).json()["items"][0]["result"] == "created"


def test_a_bundle_may_be_a_kubernetes_list(api):
    body = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [builders.manifest()]}
    assert api.post("apply", body).status_code == 200


def test_a_bundle_can_be_tried(api):
    answer = api.yaml("POST", "apply?dryRun=All", builders.seed("deploymentgrid"))
    (item,) = answer.json()["items"]
    assert item["result"] == "created"
    assert len(item["steps"]) == 2
    assert not Grid.objects.exists()


def test_a_bundle_is_stored_while_the_cluster_is_away(api):
    builders.heard(ago=30, failing=True)
    assert api.yaml("POST", "apply", builders.seed("deploymentgrid")).status_code == 202
    assert Grid.objects.count() == 1


def package(**members):
    grids = [
        {"kind": kind, "metadata": {"name": name}, "spec": builders.manifest(name, kind)["spec"]}
        for name, kind in members.items()
    ]
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "ServiceGroup",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {"gridUniqKey": "zone1", "grids": grids},
    }


def test_a_package_is_made_read_changed_and_deleted_as_one(api):
    made = api.post("servicegroups", package(web="DeploymentGrid", door="ServiceGrid"))
    assert made.status_code == 201, made.content
    assert made["Location"] == "/api/v1/servicegroups/default/shop"
    assert {each.name for each in Grid.objects.all()} == {"web", "door"}
    read = api.get("servicegroups/default/shop")
    assert read["ETag"] == made["ETag"]
    assert {each["name"] for each in read.json()["status"]["grids"]} == {"web", "door"}
    assert api.post("servicegroups", package()).status_code == 409
    assert len(api.get("servicegroups?namespace=default").json()["items"]) == 1

    smaller = package(web="DeploymentGrid")
    tried = api("PUT", "servicegroups/default/shop?dryRun=All", smaller).json()
    assert {each["path"]: each["result"] for each in tried["grids"]} == {
        "deploymentgrids/default/web": "unchanged",
        "servicegrids/default/door": "deleted",
    }
    assert api("PUT", "servicegroups/default/shop", smaller, If_Match='"old"').status_code == 412
    changed = api("PUT", "servicegroups/default/shop", smaller, If_Match=made["ETag"])
    assert changed.status_code == 200, changed.content
    assert Grid.objects.get(name="door").deleting_since

    assert api("DELETE", "servicegroups/default/shop?dryRun=All").json()["result"] == "deleted"
    assert api("DELETE", "servicegroups/default/shop").status_code == 202
    assert api.get("servicegroups/default/shop").status_code == 404
    assert Grid.objects.get(name="web").deleting_since


def test_a_package_can_be_tried(api):
    body = api.post("servicegroups?dryRun=All", package(web="DeploymentGrid")).json()
    assert body["result"] == "created"
    assert len(body["grids"][0]["steps"]) == 2
    assert not Grid.objects.exists()


@pytest.mark.parametrize("kind", ["Grid", [], {}, None, 3])
def test_a_bad_member_is_named(api, kind):
    body = package(web="DeploymentGrid")
    body["spec"]["grids"][0]["kind"] = kind
    answer = api.post("servicegroups", body)
    assert answer.status_code == 422
    assert "/spec/grids/0/kind" in pointers(answer)


def test_a_package_cannot_be_renamed(api):
    api.post("servicegroups", package())
    body = package()
    body["metadata"]["name"] = "other"
    assert list(pointers(api("PUT", "servicegroups/default/shop", body))) == ["/metadata/name"]
