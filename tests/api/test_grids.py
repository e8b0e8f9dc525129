"""Grids over REST, as the contract has them."""

import pytest
import yaml

from sgportal.models import AuditEvent, Grid, Revision, WorkKey

from . import builders
from .conftest import pointers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(db):
    builders.walkthrough()


def make(api, name="echo", **how):
    answer = api.post("deploymentgrids", builders.manifest(name, **how))
    assert answer.status_code == 201, answer.content
    return answer


def test_the_seed_manifest_is_taken_as_it_is(api):
    answer = api.yaml("POST", "deploymentgrids", builders.seed("deploymentgrid"))
    assert answer.status_code == 201
    assert answer["Content-Type"] == "application/json"
    assert answer["Location"] == "/api/v1/deploymentgrids/default/deploymentgrid-demo"
    body = answer.json()
    assert body["apiVersion"] == "superedge.io/v1"
    assert body["metadata"]["uid"]
    assert body["metadata"]["generation"] == 1
    assert body["spec"]["gridUniqKey"] == "zone1"
    assert set(body["status"]) >= {"observedGeneration", "conditions", "states", "units"}
    assert WorkKey.objects.get(key="deploymentgrids/default/deploymentgrid-demo").requested == 1
    assert AuditEvent.objects.get().door == "rest"


def test_a_service_grid_is_taken_as_it_is(api):
    assert api.yaml("POST", "servicegrids", builders.seed("servicegrid")).status_code == 201


def test_a_grid_that_exists_is_refused(api):
    make(api)
    answer = api.post("deploymentgrids", builders.manifest("echo"))
    assert answer.status_code == 409
    assert "deploymentgrids/default/echo" in answer.json()["detail"]


def test_another_kind_is_refused_here(api):
    answer = api.post("deploymentgrids", builders.manifest("echo", "ServiceGrid"))
    assert answer.status_code == 422
    assert pointers(answer) == {"/kind": "a DeploymentGrid is expected here"}


def test_yaml_comes_out_where_it_is_asked_for(api):
    make(api)
    answer = api.get("deploymentgrids/default/echo", Accept="application/json;q=0.5, application/yaml")
    assert answer["Content-Type"] == "application/yaml"
    assert yaml.safe_load(answer.content)["metadata"]["name"] == "echo"


def test_what_came_out_may_go_in_again(api):
    made = make(api)
    answer = api("PUT", "deploymentgrids/default/echo", made.json(), If_Match=made["ETag"])
    assert answer.status_code == 200, answer.content
    assert answer.json()["metadata"]["generation"] == 1
    assert answer["ETag"] == made["ETag"]


def test_replacing_raises_the_generation_and_keeps_history(api):
    made = make(api)
    changed = builders.manifest("echo")
    changed["spec"]["template"]["replicas"] = 5
    answer = api("PUT", "deploymentgrids/default/echo", changed, If_Match=made["ETag"])
    assert answer.json()["metadata"]["generation"] == 2
    found = api.get("deploymentgrids/default/echo/revisions").json()
    assert [each["number"] for each in found["items"]] == [2, 1]
    assert found["items"][1]["spec"]["template"]["replicas"] == 2
    assert found["items"][0]["author"] == "olga"


@pytest.mark.parametrize(("method", "body"), [("PUT", {}), ("PATCH", {}), ("DELETE", None)])
def test_a_change_needs_the_etag_and_the_right_one(api, method, body):
    make(api)
    assert api(method, "deploymentgrids/default/echo", body).status_code == 428
    for wrong in ('"old"', 'W/"x"', "x", '"', ","):
        assert api(method, "deploymentgrids/default/echo", body, If_Match=wrong).status_code == 412
    assert Grid.objects.get().generation == 1


def test_one_of_several_etags_is_enough(api):
    made = make(api)
    several = f'"a", {made["ETag"]}'
    answer = api("PATCH", "deploymentgrids/default/echo", {"metadata": {"labels": {"a": "b"}}}, If_Match=several)
    assert answer.status_code == 200


def test_a_merge_patch_removes_with_null(api):
    made = make(api)
    patch = {"metadata": {"labels": {"app": "x"}}, "spec": {"template": {"replicas": None, "minReadySeconds": 3}}}
    answer = api(
        "PATCH",
        "deploymentgrids/default/echo",
        patch,
        Content_Type="application/merge-patch+json",
        If_Match=made["ETag"],
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["metadata"]["labels"] == {"app": "x"}
    assert "replicas" not in body["spec"]["template"]
    assert body["spec"]["template"]["minReadySeconds"] == 3


def test_a_grid_cannot_be_renamed(api):
    made = make(api)
    other = builders.manifest("other", namespace="shop")
    answer = api("PUT", "deploymentgrids/default/echo", other, If_Match=made["ETag"])
    assert answer.status_code == 422
    assert set(pointers(answer)) == {"/metadata/name", "/metadata/namespace"}


def test_the_addresss_namespace_is_meant_where_none_is_written(api):
    made = make(api, namespace="shop")
    body = builders.manifest("echo")
    del body["metadata"]["namespace"]
    assert api("PUT", "deploymentgrids/shop/echo", body, If_Match=made["ETag"]).status_code == 200


def test_deleting_is_accepted_and_shows_until_children_are_gone(api):
    made = make(api)
    answer = api("DELETE", "deploymentgrids/default/echo", If_Match=made["ETag"])
    assert answer.status_code == 202
    assert answer.json()["metadata"]["deletionTimestamp"]
    assert api.get("deploymentgrids/default/echo").json()["metadata"]["deletionTimestamp"]
    Grid.objects.all().delete()
    assert api.get("deploymentgrids/default/echo").status_code == 404


def test_what_is_being_deleted_cannot_be_changed(api):
    made = make(api)
    api("DELETE", "deploymentgrids/default/echo", If_Match=made["ETag"])
    tag = api.get("deploymentgrids/default/echo")["ETag"]
    answer = api("PATCH", "deploymentgrids/default/echo", {"spec": {"template": {"replicas": 3}}}, If_Match=tag)
    assert answer.status_code == 409


def test_orphaning_is_remembered(api):
    made = make(api)
    path = "deploymentgrids/default/echo?propagationPolicy=Orphan"
    assert api("DELETE", path, If_Match=made["ETag"]).status_code == 202
    assert Grid.objects.get().propagation == "Orphan"


def test_an_unchanged_grid_is_not_sent_twice(api):
    tag = make(api)["ETag"]
    answer = api.get("deploymentgrids/default/echo", If_None_Match=tag)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == tag


def test_a_change_of_status_changes_what_caches_see_but_not_what_writers_need(api):
    tag = make(api)["ETag"]
    Grid.objects.update(status={"observedGeneration": 1})
    assert api.get("deploymentgrids/default/echo", If_None_Match=tag).status_code == 200
    patch = {"metadata": {"labels": {"a": "b"}}}
    assert api("PATCH", "deploymentgrids/default/echo", patch, If_Match=tag).status_code == 200


def test_representations_have_tags_of_their_own(api):
    make(api)
    json_tag = api.get("deploymentgrids/default/echo")["ETag"]
    yaml_tag = api.get("deploymentgrids/default/echo", Accept="application/yaml")["ETag"]
    assert json_tag != yaml_tag
    assert not json_tag.startswith("W/")


def test_a_dry_run_answers_the_plan_and_stores_nothing(api):
    answer = api.post("deploymentgrids?dryRun=All", builders.manifest("echo"))
    assert answer.status_code == 200
    body = answer.json()
    assert body["result"] == "created"
    assert [(step["verb"], step["name"]) for step in body["steps"]] == [
        ("create", "echo-nodeunit1"),
        ("create", "echo-nodeunit2"),
    ]
    assert not Grid.objects.exists()
    assert not WorkKey.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PUT", builders.manifest("echo", gridUniqKey="zone2")),
        ("PATCH", {"spec": {"gridUniqKey": "zone2"}}),
        ("DELETE", None),
    ],
)
def test_every_change_can_be_tried(api, method, body):
    made = make(api)
    answer = api(method, "deploymentgrids/default/echo?dryRun=All", body, If_Match=made["ETag"])
    assert answer.status_code == 200, answer.content
    assert "steps" in answer.json()
    row = Grid.objects.get()
    assert (row.generation, row.key, row.deleting_since) == (1, "zone1", None)
    assert Revision.objects.count() == 1


def test_another_dry_run_is_refused(api):
    answer = api.post("deploymentgrids?dryRun=Some", builders.manifest("echo"))
    assert answer.status_code == 422
    assert pointers(answer) == {"/dryRun": "must be one of All"}


def test_the_plan_names_the_steps_that_would_run_now(api):
    make(api)
    steps = api.get("deploymentgrids/default/echo/plan").json()["steps"]
    assert [step["unit"] for step in steps] == ["nodeunit1", "nodeunit2"]
    assert all(step["reason"] for step in steps)


def test_while_the_cluster_is_away_the_intent_is_stored_and_said(api):
    builders.heard(ago=30, failing=True)
    answer = api.post("deploymentgrids", builders.manifest("echo"))
    assert answer.status_code == 202
    assert Grid.objects.get().generation == 1
    condition = answer.json()["status"]["conditions"][-1]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Reachable", "False", "ClusterUnreachable")
    patch = {"metadata": {"labels": {"a": "b"}}}
    assert api("PATCH", "deploymentgrids/default/echo", patch, If_Match=answer["ETag"]).status_code == 202


def test_lists_can_be_narrowed(api):
    make(api, "a")
    make(api, "b", namespace="shop")
    make(api, "c", gridUniqKey="zone2")
    row = Grid.objects.get(name="a")
    row.metadata = {"labels": {"tier": "web"}}
    row.save()

    def names(query):
        return [each["metadata"]["name"] for each in api.get(f"deploymentgrids{query}").json()["items"]]

    assert names("") == ["a", "c", "b"]
    assert names("?namespace=shop") == ["b"]
    assert names("?group=zone2") == ["c"]
    assert names("?labelSelector=tier%3Dweb") == ["a"]
    assert names("?labelSelector=!tier") == ["c", "b"]
    assert api.get("servicegrids").json() == {"items": [], "next": None}


def test_a_child_can_be_recreated(api):
    make(api)
    builders.cell(Grid.objects.get(), "nodeunit1")
    builders.child(Grid.objects.get(), "nodeunit1")
    path = "deploymentgrids/default/echo/recreate"
    tried = api.post(f"{path}?dryRun=All", {"unit": "nodeunit1"}).json()["steps"]
    assert ("delete", "echo-nodeunit1") in [(step["verb"], step["name"]) for step in tried]
    assert not Grid.objects.get().units.get().recreate
    assert api.post(path, {"unit": "nodeunit1"}).status_code == 202
    assert Grid.objects.get().units.get().recreate
    assert api.post(path, {"unit": "nowhere"}).status_code == 404
    assert pointers(api.post(path, {"unti": "x"})).keys() == {"/unti", "/unit"}
    assert pointers(api.post(path, {"unit": ""})) == {"/unit": "is required"}


def test_a_service_that_is_not_there_yet_cannot_be_recreated(api):
    api.yaml("POST", "servicegrids", builders.seed("servicegrid"))
    answer = api.post("servicegrids/default/servicegrid-demo/recreate", {})
    assert answer.status_code == 409
    assert "it has not been seen in the cluster" in answer.json()["detail"]


def test_unused_templates_can_be_removed(api):
    body = builders.manifest("echo")
    body["spec"]["templatePool"] = {"big": body["spec"]["template"], "small": body["spec"]["template"]}
    body["spec"]["templates"] = {"nodeunit1": "big"}
    made = api.post("deploymentgrids", body)
    path = "deploymentgrids/default/echo/unused-templates"
    assert api("DELETE", path).status_code == 428
    answer = api("DELETE", path, If_Match=made["ETag"])
    assert answer.status_code == 200, answer.content
    assert list(answer.json()["spec"]["templatePool"]) == ["big"]
    again = api("DELETE", path, If_Match=answer["ETag"])
    assert again.json()["metadata"]["generation"] == 2


def test_endpoints_say_what_each_node_sees(api):
    api.yaml("POST", "servicegrids", builders.seed("servicegrid"))
    builders.pod("p0", "node0", appGrid="echo")
    builders.pod("p1", "node1", appGrid="echo")
    builders.pod("p2", "node2", ready=False, appGrid="echo")
    found = api.get("servicegrids/default/servicegrid-demo/endpoints").json()["items"]
    seen = {each["node"]: [endpoint["pod"] for endpoint in each["endpoints"]] for each in found}
    assert seen == {"node0": ["p0"], "node1": ["p1"], "node2": ["p1"]}
    told = {(each["state"], each["closed"], each["code"]) for each in found}
    assert told == {("unknown", None, "ServiceNotFound")}


def test_events_tell_what_happened(api):
    from sgportal.models import GridEvent

    make(api)
    message = {"id": "%(kind)s “%(name)s” was created: %(reason)s", "params": {"kind": "D", "name": "x", "reason": "y"}}
    GridEvent.objects.create(path="deploymentgrids/default/echo", reason="Created", message=message)
    (event,) = api.get("deploymentgrids/default/echo/events").json()["items"]
    assert event["message"] == "D “x” was created: y"
    assert event["count"] == 1
