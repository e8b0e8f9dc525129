"""A dry run answers a plan with an id; the same call with that id does exactly that, or nothing."""

import pytest

from sgportal import actions
from sgportal.models import AuditEvent, Child, Grid, GridUnit, LabelJob, Node, NodeLabel, Pod
from sgportal.queries.plans import plan_of

from .. import builders

pytestmark = pytest.mark.django_db
ONE = "deploymentgrids/default/echo"
KEY = "zone1"


@pytest.fixture(autouse=True)
def world(db):
    builders.walkthrough()


@pytest.fixture
def made(api):
    answer = api.post("deploymentgrids", builders.manifest("echo"))
    assert answer.status_code == 201, answer.content
    grid = Grid.objects.get()
    for wanted in plan_of(grid).wanted:
        row = builders.child(grid, wanted.unit)
        metadata = {**wanted.body["metadata"], "uid": row.uid}
        Child.objects.filter(pk=row.pk).update(body={**wanted.body, "metadata": metadata})
        GridUnit.objects.get_or_create(grid=grid, name=wanted.unit)
    return grid


def joins(unit="nodeunit9"):
    """A node that makes another NodeUnit."""
    return builders.node(f"node-{unit}", **{KEY: unit})


def leaves(node):
    NodeLabel.objects.filter(node=node).delete()
    Node.objects.filter(pk=node.pk).delete()


def planned(api, method, path, body=None, **headers):
    mark = "&" if "?" in path else "?"
    answer = api(method, f"{path}{mark}dryRun=All", body, **headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def carried_out(api, method, path, plan, body=None, **headers):
    mark = "&" if "?" in path else "?"
    return api(method, f"{path}{mark}plan={plan}", body, **headers)


CALLS = {
    "create": ("POST", "deploymentgrids", builders.manifest("other")),
    "bundle": ("POST", "apply", {"items": [builders.manifest("a"), builders.manifest("b", "ServiceGrid")]}),
    "image": ("POST", f"{ONE}/image", {"image": "img:2"}),
    "restart": ("POST", f"{ONE}/restart", {}),
    "recreate": ("POST", f"{ONE}/recreate", {"unit": "nodeunit1"}),
    "change": ("PATCH", ONE, {"spec": {"template": {"replicas": 5}}}),
    "delete": ("DELETE", ONE, None),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_was_agreed_to_is_carried_out_whatever_the_language(api, made, name):
    method, path, body = CALLS[name]
    plan = planned(api, method, path, body, If_Match="*", Accept_Language="zh-hans")
    assert sum(plan["summary"].values()) > 0
    before = AuditEvent.objects.count()
    answer = carried_out(api, method, path, plan["id"], body, If_Match="*", Accept_Language="en")
    assert answer.status_code in (200, 201, 202), answer.content
    assert AuditEvent.objects.count() > before


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("delete", "recreate")])
def test_where_a_unit_has_joined_meanwhile_nothing_is_stored(api, made, name):
    method, path, body = CALLS[name]
    plan = planned(api, method, path, body, If_Match="*")
    joins()
    before = AuditEvent.objects.count()
    answer = carried_out(api, method, path, plan["id"], body, If_Match="*")
    assert answer.status_code == 409, answer.content
    assert "plan has changed" in answer.json()["detail"]
    assert AuditEvent.objects.count() == before
    assert list(Grid.objects.values_list("generation", flat=True)) == [1]


def test_a_child_that_changed_or_went_is_another_world(api, made):
    plan = planned(api, "POST", f"{ONE}/image", {"image": "img:2"})
    child = Child.objects.get(name="echo-nodeunit1")
    scaled = {**child.body, "spec": {**child.body["spec"], "replicas": 7}}
    Child.objects.filter(pk=child.pk).update(body=scaled)
    assert carried_out(api, "POST", f"{ONE}/image", plan["id"], {"image": "img:2"}).status_code == 409
    plan = planned(api, "DELETE", ONE, If_Match="*")
    child.delete()
    assert carried_out(api, "DELETE", ONE, plan["id"], If_Match="*").status_code == 409
    assert Grid.objects.get().deleting_since is None


def test_an_id_is_of_one_call_only(api, made):
    plan = planned(api, "POST", f"{ONE}/image", {"image": "img:2"})
    assert carried_out(api, "POST", f"{ONE}/image", plan["id"], {"image": "img:3"}).status_code == 409
    assert carried_out(api, "POST", f"{ONE}/scale", plan["id"], {"replicas": 9}).status_code == 409
    assert carried_out(api, "POST", f"{ONE}/image", "nonsense", {"image": "img:2"}).status_code == 409
    assert carried_out(api, "POST", f"{ONE}/image?dryRun=All", "nonsense", {"image": "img:2"}).status_code == 409
    assert Grid.objects.get().generation == 1


def test_the_world_may_move_between_the_last_look_and_the_write(api, made, monkeypatch):
    plan = planned(api, "POST", f"{ONE}/image", {"image": "img:2"})
    real, seen = actions.grids.save_grids, []

    def save(*args, **kwargs):
        if not kwargs.get("dry_run"):
            seen.append(joins())
        return real(*args, **kwargs)

    monkeypatch.setattr(actions.operations, "save_grids", save)
    answer = carried_out(api, "POST", f"{ONE}/image", plan["id"], {"image": "img:2"})
    assert seen
    assert answer.status_code == 409
    assert Grid.objects.get().generation == 1
    assert Grid.objects.get().revisions.count() == 1


def test_a_world_that_is_again_as_it_was_will_do(api, made):
    plan = planned(api, "POST", f"{ONE}/image", {"image": "img:2"})
    leaves(joins())
    assert carried_out(api, "POST", f"{ONE}/image", plan["id"], {"image": "img:2"}).status_code == 200


def test_packages_and_labels_bind_as_well(api, made):
    grids = [builders.manifest("a"), builders.manifest("b", "ServiceGrid")]
    for each in grids:
        each["metadata"].pop("namespace")
    group = {
        "apiVersion": "superedge.io/v1",
        "kind": "ServiceGroup",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {"gridUniqKey": KEY, "grids": grids},
    }
    plan = planned(api, "POST", "servicegroups", group)
    assert [each["summary"]["creates"] for each in plan["grids"]] == [2, 1]
    node = joins()
    assert carried_out(api, "POST", "servicegroups", plan["id"], group).status_code == 409
    assert Grid.objects.count() == 1
    leaves(node)
    assert carried_out(api, "POST", "servicegroups", plan["id"], group).status_code == 201
    one = "servicegroups/default/shop"
    plan = planned(api, "DELETE", one)
    assert carried_out(api, "DELETE", one, plan["id"]).status_code == 202
    asked = {"nodes": [Node.objects.first().name], "set": {KEY: "nodeunit7"}}
    plan = planned(api, "POST", "nodes/label", asked)
    assert plan["summary"]["creates"]
    joins("nodeunit7")
    assert carried_out(api, "POST", "nodes/label", plan["id"], asked).status_code == 409
    assert not LabelJob.objects.exists()
    plan = planned(api, "POST", "nodes/label", asked)
    assert carried_out(api, "POST", "nodes/label", plan["id"], asked).status_code == 202


def test_a_summary_says_which_pods_are_replaced(api, made):
    scaled = planned(api, "POST", f"{ONE}/scale", {"replicas": 9})["summary"]
    assert (scaled["updates"], scaled["restarts"], scaled["restartedPods"]) == (2, 0, 0)
    image = planned(api, "POST", f"{ONE}/image", {"image": "img:2"})["summary"]
    assert (image["updates"], image["restarts"], image["restartedPods"]) == (2, 2, 4)


def _a_pod(node):
    """A pod of the grid."""
    found = builders.pod("p", node)
    Pod.objects.filter(pk=found.pk).update(child_kind="Deployment", child="echo-nodeunit2")
    return found


@pytest.mark.parametrize(
    ("path", "extra"),
    [("nodes/label", {"set": {KEY: "nodeunit7"}}), ("nodes/label", {"set": {"rack": "r1"}}), ("nodes/drain", {})],
)
def test_a_change_of_nodes_is_compared_in_the_transaction_that_stores_it(api, made, monkeypatch, path, extra):
    """What moves between the last dry run and the write, without a step of any grid changing for it."""
    node = Node.objects.get(name="node1")
    pod = _a_pod(node.name) if path.endswith("drain") else None
    asked = {"nodes": [node.name], **extra}
    plan = planned(api, "POST", path, asked)
    real = actions.labels._start

    def start(*args, **kwargs):
        if pod:
            pod.delete()
        else:
            builders.node("late", **{KEY: "nodeunit7", "rack": "r1"})
        return real(*args, **kwargs)

    monkeypatch.setattr(actions.labels, "_start", start)
    answer = carried_out(api, "POST", path, plan["id"], asked)
    assert answer.status_code == 409, answer.content
    assert not LabelJob.objects.exists()


def test_a_node_is_labelled_at_once_only_as_planned(api, made, monkeypatch):
    sent = []
    uid = Node.objects.get(name="node1").uid
    monkeypatch.setattr(actions.labels.label_jobs, "connected", lambda: None)
    monkeypatch.setattr(actions.labels.label_jobs, "announce_zone", lambda *_: joins("nodeunit7"))
    monkeypatch.setattr(actions.labels.label_jobs, "_patch_checked", lambda *args: args[-1](uid))
    monkeypatch.setattr(actions.labels.label_jobs, "_patch", lambda *args: sent.append(args))
    asked = {"metadata": {"labels": {KEY: "nodeunit7"}}}
    plan = planned(api, "PATCH", "nodes/node1", asked)
    assert carried_out(api, "PATCH", "nodes/node1", plan["id"], asked).status_code == 409
    assert sent == []


def test_plans_of_nodes_without_steps_differ(api, made):
    ids = [
        planned(api, "POST", path, {"nodes": nodes})["id"]
        for path in ("nodes/cordon", "nodes/drain")
        for nodes in (["node0"], ["node1"])
    ]
    assert len(set(ids)) == 4


def test_an_undo_of_a_job_is_seen_first_and_then_exactly_that(api, made):
    job = api.post("nodes/label", {"nodes": ["node0"], "set": {KEY: "nodeunit7"}}).json()
    labels = {**Node.objects.get(name="node0").labels, KEY: "nodeunit7"}
    Node.objects.filter(name="node0").update(labels=labels)
    NodeLabel.objects.filter(node__name="node0", key=KEY).update(value="nodeunit7")
    row = LabelJob.objects.get()
    row.state, row.results["node0"]["state"] = "done", "done"
    row.save()
    path = f"jobs/{job['id']}/undo"
    plan = planned(api, "POST", path)
    assert [(each["unit"], each["verb"]) for each in plan["units"]]
    assert LabelJob.objects.count() == 1
    builders.node("late", **{KEY: "nodeunit7"})
    assert carried_out(api, "POST", path, plan["id"]).status_code == 409
    assert LabelJob.objects.count() == 1
    plan = planned(api, "POST", path)
    assert carried_out(api, "POST", path, plan["id"]).status_code == 202
    assert LabelJob.objects.filter(undoes=job["id"]).exists()


def pods(*names, app="echo"):
    """Only these pods of a grid's are on the first node."""
    child = f"{app}-nodeunit1"
    Pod.objects.filter(child=child).delete()
    for name in names:
        Pod.objects.filter(pk=builders.pod(name, "node0").pk).update(child=child, child_kind="Deployment")


@pytest.mark.parametrize("state", ["done", "running"])
def test_an_undo_is_carried_out_although_a_pod_has_another_name_by_then(api, made, state):
    """Which grids lose pods was agreed to. Of a move under way that changes from one look to the next."""
    pods("echo-1", "echo-2")
    job = api.post("nodes/label", {"nodes": ["node0"], "set": {KEY: "nodeunit7"}, "move": True}).json()
    if state == "done":
        labels = {**Node.objects.get(name="node0").labels, KEY: "nodeunit7"}
        Node.objects.filter(name="node0").update(labels=labels)
        NodeLabel.objects.filter(node__name="node0", key=KEY).update(value="nodeunit7")
        row = LabelJob.objects.get()
        row.state, row.results["node0"]["state"] = state, "done"
        row.save()
    path = f"jobs/{job['id']}/undo"
    plan = planned(api, "POST", path)
    assert {each["pod"] for each in plan["evictions"]} == {"echo-1", "echo-2"}
    pods(*(["echo-3", "echo-4"] if state == "done" else []))
    assert carried_out(api, "POST", path, plan["id"]).status_code == 202


def test_a_drain_is_refused_when_pods_of_another_grid_came_to_the_node(api, made):
    api.post("deploymentgrids", builders.manifest("other"))
    builders.child(Grid.objects.get(name="other"), "nodeunit1")
    plan = planned(api, "POST", "nodes/drain", {"nodes": ["node0"]})
    pods("other-1", app="other")
    assert carried_out(api, "POST", "nodes/drain", plan["id"], {"nodes": ["node0"]}).status_code == 409


def test_a_job_under_way_goes_on_while_its_undo_is_only_looked_at(api, made):
    job = api.post("nodes/cordon", {"nodes": ["node0"]}).json()
    planned(api, "POST", f"jobs/{job['id']}/undo")
    assert not LabelJob.objects.get().stopped


@pytest.mark.parametrize("path", ["pin", "recreate"])
def test_the_plan_of_a_unit_is_compared_in_the_transaction_that_stores_it(api, made, monkeypatch, path):
    body = {"units": ["nodeunit1"], "revision": 1} if path == "pin" else {"unit": "nodeunit1"}
    plan = planned(api, "POST", f"{ONE}/{path}", body)
    module = actions.revisions if path == "pin" else actions.grids
    real = module.requests_together

    def begin():
        if actions.common.is_agreed():
            for row in Child.objects.filter(grid_name="echo"):
                row.uid = row.body["metadata"]["uid"] = f"{row.uid}-again"
                row.body["spec"]["replicas"] = 9
                row.save()
        return real()

    monkeypatch.setattr(module, "requests_together", begin)
    answer = carried_out(api, "POST", f"{ONE}/{path}", plan["id"], body)
    assert answer.status_code == 409, answer.content
    assert not GridUnit.objects.exclude(pinned=None, recreate=False).exists()
