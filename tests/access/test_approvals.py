"""Four eyes: what takes two people is done only with the approval of another, for exactly that plan, once."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone

from sgportal.access import approvals
from sgportal.core.access.four_eyes import ACTIONS, as_shown
from sgportal.models import (
    ApiToken,
    Approval,
    AuditEvent,
    Child,
    Grant,
    Grid,
    LabelJob,
    ManagedCluster,
    ServiceGroup,
    ServiceToken,
)
from sgportal.models.people import EVERY_BOUND
from sgportal.reconciler.fleet import halt
from tests import builders
from tests.api.builders import child, grid, manifest, walkthrough

pytestmark = pytest.mark.django_db
GRID = "/api/v1/deploymentgrids/default/echo"


@pytest.fixture(autouse=True)
def world(settings):
    settings.SGPORTAL_FOUR_EYES = list(ACTIONS)
    walkthrough()
    for name in ("ada", "bo"):
        builders.a_person(name, "operator")
    made = grid("echo")
    for unit in ("nodeunit1", "nodeunit2"):
        child(made, unit)


def of(name: str) -> Client:
    client = Client(headers={"host": "localhost", "Accept-Language": "en"})
    client.force_login(User.objects.get(username=name))
    return client


def with_token(text: str) -> Client:
    return Client(headers={"host": "localhost", "Authorization": f"Bearer {text}", "Accept-Language": "en"})


def delete(client, path=GRID):
    return client.delete(path, headers={"If-Match": "*"})


def choose(client, row, choice="approve"):
    return client.post(f"/api/v1/approvals/{row.pk}", {"choice": choice}, content_type="application/json")


def is_going():
    return not Grid.objects.filter(name="echo", deleting_since=None).exists()


def verbs():
    return list(AuditEvent.objects.filter(kind="change").order_by("pk").values_list("verb", "actor"))


def test_another_approves_exactly_this_and_who_asked_does_it_once():
    ada, bo = of("ada"), of("bo")
    refused = delete(ada)
    assert refused.status_code == 409
    assert "Approvals" in refused.json()["detail"]
    assert delete(ada).status_code == 409
    row = Approval.objects.get()
    assert not is_going()
    assert {each["verb"] for each in row.shown["steps"]} == {"delete"}
    assert choose(ada, row).status_code == 403
    assert delete(ada).status_code == 409
    (listed,) = bo.get("/api/v1/approvals").json()["items"]
    assert (listed["actor"], listed["action"], listed["state"]) == ("ada", "delete", "waiting")
    assert choose(bo, row).json()["state"] == "approved"
    assert delete(bo).status_code == 409  # it is ada's
    assert delete(ada).status_code in (200, 202)
    assert is_going()
    row.refresh_from_db()
    assert (row.state, row.decided_by) == ("done", "bo")
    assert verbs() == [
        ("approval-asked", "ada"),
        ("approval-given", "bo"),
        ("approval-asked", "bo"),
        ("delete", "ada"),
        ("approval-used", "ada"),
    ]
    told = [each["message"] for each in ada.get("/api/v1/activity").json()["items"]]
    assert any("approved an action on DeploymentGrid default/echo" in each for each in told)


def test_an_approval_is_for_one_deletion_and_not_for_the_next_of_that_name():
    ada = of("ada")
    delete(ada)
    choose(of("bo"), Approval.objects.get())
    assert delete(ada).status_code in (200, 202)
    Grid.objects.filter(name="echo").update(deleting_since=None)
    assert delete(ada).status_code == 409
    assert not is_going()


def test_who_approves_sees_that_children_stay_and_approves_just_that():
    ada, bo = of("ada"), of("bo")
    Child.objects.all().delete()
    assert ada.delete(f"{GRID}?propagationPolicy=Background", headers={"If-Match": "*"}).status_code == 409
    choose(bo, Approval.objects.get())
    assert ada.delete(f"{GRID}?propagationPolicy=Orphan", headers={"If-Match": "*"}).status_code == 409
    assert [(each.shown["propagation"], each.status) for each in Approval.objects.order_by("pk")] == [
        ("Background", "outdated"),
        ("Orphan", "waiting"),
    ]
    assert not is_going()


def test_requests_about_several_nodes_wait_side_by_side():
    ada, bo = of("ada"), of("bo")

    def drain(*nodes):
        return ada.post("/api/v1/nodes/drain", {"nodes": nodes}, content_type="application/json").status_code

    assert drain("node0", "node1") == drain("node1", "node2") == 409
    rows = Approval.objects.order_by("pk")
    assert [(each.path, each.status) for each in rows] == [("nodes", "waiting")] * 2
    choose(bo, rows[0])
    assert drain("node0", "node1") in (200, 201, 202)


def test_where_the_world_has_moved_it_has_to_be_approved_anew():
    ada, bo = of("ada"), of("bo")
    delete(ada)
    first = Approval.objects.get()
    choose(bo, first)
    child(Grid.objects.get(name="echo"), "nodeunit3")
    assert delete(ada).status_code == 409
    assert not is_going()
    first.refresh_from_db()
    assert first.state == "outdated"
    assert choose(bo, first).status_code == 409
    second = Approval.objects.exclude(pk=first.pk).get()
    choose(bo, second)
    assert delete(ada).status_code in (200, 202)


@pytest.mark.parametrize("approved", [False, True])
def test_it_expires(approved):
    ada, bo = of("ada"), of("bo")
    delete(ada)
    row = Approval.objects.get()
    if approved:
        choose(bo, row)
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert choose(bo, row).status_code == 409
    assert delete(ada).status_code == 409
    assert not is_going()
    assert bo.get(f"/api/v1/approvals/{row.pk}").json()["state"] == "expired"
    assert Approval.objects.count() == 2


def test_what_was_refused_or_taken_back_is_not_done():
    ada, bo = of("ada"), of("bo")
    for who, approved in ((bo, False), (ada, False), (ada, True), (bo, True)):
        delete(ada)
        row = Approval.objects.first()
        if approved:
            choose(bo, row)
        assert choose(who, row, "refuse").json()["state"] == "refused"
        assert choose(bo, row).status_code == 409
        assert delete(ada).status_code == 409
    assert not is_going()


def test_no_token_is_a_second_person():
    ada = of("ada")
    mine = with_token(ApiToken.issue(User.objects.get(username="ada"), "ci", "write")[1])
    assert delete(mine).status_code == 409
    row = Approval.objects.get()
    assert row.actor == "ada"
    assert choose(ada, row).status_code == 403
    service = with_token(ServiceToken.issue("robot", "admin", 3, EVERY_BOUND)[1])
    for client in (mine, service, with_token(ApiToken.issue(User.objects.get(username="bo"), "x", "write")[1])):
        assert choose(client, row).status_code == 403
    refused = delete(service)
    assert refused.status_code == 403
    assert "service token" in refused.json()["detail"]
    assert Approval.objects.get().state == "waiting"
    assert not is_going()


def _locked_out(person):
    User.objects.filter(pk=person.pk).update(is_active=False)  # behind the back of every signal


def _without_role(person):
    person.groups.clear()


def _elsewhere(person):
    person.groups.clear()
    Grant.objects.create(user=person, role="operator", namespaces="elsewhere")


def _gone(person):
    person.delete()


@pytest.mark.parametrize("lose", [_locked_out, _without_role, _elsewhere, _gone])
def test_whoever_may_approve_no_longer_was_no_second_person(lose):
    ada, cy = of("ada"), builders.a_person("cy", "operator")
    delete(ada)
    row = Approval.objects.get()
    assert choose(of("bo"), row).status_code == 200
    lose(User.objects.get(username="bo"))
    assert delete(ada).status_code == 409
    assert not is_going()
    row.refresh_from_db()
    again = Approval.objects.exclude(pk=row.pk).get()
    assert (row.state, again.state) == ("outdated", "waiting")
    assert choose(of(cy.username), again).status_code == 200
    assert delete(ada).status_code in (200, 202)
    assert is_going()


def test_who_sees_a_request_is_who_may_do_it():
    delete(of("ada"))
    row = Approval.objects.get()
    builders.a_person("vic", "viewer")
    assert of("vic").get("/api/v1/approvals").status_code == 403
    assert choose(of("vic"), row).status_code == 403
    for name, namespaces, status in (("near", "default", 200), ("far", "elsewhere", 404)):
        Grant.objects.create(user=builders.a_person(name, ""), role="operator", namespaces=namespaces)
        assert of(name).get(f"/api/v1/approvals/{row.pk}").status_code == status
        assert of(name).post(f"/approvals/{row.pk}/", {"choice": "approve"}).status_code == {200: 302}.get(status, 404)
        assert Approval.objects.get().decided_by == "near"


LIMITED = {"namespaces": "default"}, {"key": "zone1"}, {"namespaces": "default", "key": "zone1"}
OUTSIDE = {"namespaces": "elsewhere"}, {"key": "other"}, {"kinds": "DeploymentGrid"}, {"key": "zone1", "units": "a"}


@pytest.mark.parametrize(("bounds", "status"), [*((each, 200) for each in LIMITED), *((each, 404) for each in OUTSIDE)])
def test_who_sees_a_request_about_a_package_is_who_may_do_it(bounds, status):
    ServiceGroup.objects.create(namespace="default", name="pack", key="zone1")
    for name in ("pat", "sam"):
        Grant.objects.create(user=builders.a_person(name, ""), role="operator", **bounds)
    package = "/api/v1/servicegroups/default/pack"
    asked = delete(of("pat"), package)
    if status == 200:
        assert asked.status_code == 409
        (listed,) = of("sam").get("/api/v1/approvals").json()["items"]
        assert listed["path"] == "servicegroups/default/pack"
        assert "servicegroups/default/pack" in of("pat").get("/approvals/").text
        assert choose(of("sam"), Approval.objects.get()).status_code == 200
        assert delete(of("pat"), package).status_code in (200, 202)
    else:
        assert asked.status_code in (403, 404)
        assert delete(of("ada"), package).status_code == 409
        assert choose(of("sam"), Approval.objects.get()).status_code in (403, 404)
        assert Approval.objects.get().state == "waiting"


def test_on_pages_it_is_asked_listed_approved_and_done():
    ada, bo = of("ada"), of("bo")
    page = "/grids/deploymentgrids/default/echo/delete/"
    plan = re.search(r'name="plan" value="([^"]+)"', ada.get(page).text)[1]
    confirm = {"step": "confirm", "plan": plan, "expect": Grid.objects.get(name="echo").etag}
    assert ada.post(page, confirm)["Location"] == "/approvals/"
    mine, theirs = ada.get("/approvals/").text, bo.get("/approvals/").text
    assert 'value="approve"' not in mine
    assert 'value="approve"' in theirs
    row = Approval.objects.get()
    assert ada.post(f"/approvals/{row.pk}/", {"choice": "approve"}).status_code == 403
    assert bo.post(f"/approvals/{row.pk}/", {"choice": "approve"}).status_code == 302
    assert ada.post(page, confirm)["Location"] == "/grids/"
    assert is_going()


def test_a_drain_a_rollback_and_a_package_take_two_as_well():
    ada, bo = of("ada"), of("bo")

    def asked(ask, done):
        before = Approval.objects.count()
        assert ask().status_code == 409, ask().text
        assert not done()
        assert Approval.objects.count() == before + 1
        choose(bo, Approval.objects.first())
        answer = ask()
        assert answer.status_code in (200, 201, 202), answer.text
        assert done()

    def post(address, body):
        return ada.post(f"/api/v1/{address}", body, content_type="application/json", headers={"If-Match": "*"})

    asked(lambda: post("nodes/drain", {"nodes": ["node0"]}), lambda: LabelJob.objects.filter(action="drain").exists())
    other = "deploymentgrids/default/two"
    post("deploymentgrids", manifest("two"))
    post(f"{other}/scale", {"replicas": 7})
    two = Grid.objects.filter(name="two")
    assert two.get().spec["template"]["replicas"] == 7
    asked(lambda: post(f"{other}/restore", {"revision": 1}), lambda: two.get().spec["template"].get("replicas") != 7)
    package = ServiceGroup.objects.create(namespace="default", name="pack", key="zone1")
    two.update(group=package)
    asked(
        lambda: delete(ada, "/api/v1/servicegroups/default/pack"),
        lambda: ServiceGroup.objects.exclude(deleting_since=None).exists(),
    )


def test_going_back_by_another_door_takes_two_as_well():
    """By the editor of a page, and by a change that says what an earlier revision said."""
    ada, bo = of("ada"), of("bo")
    answer = ada.post("/api/v1/deploymentgrids", manifest("two"), content_type="application/json")
    first, address = answer.json(), "/api/v1/deploymentgrids/default/two"
    scaled = ada.post(f"{address}/scale", {"replicas": 7}, "application/json", headers={"If-Match": "*"})
    assert scaled.status_code == 200
    two = Grid.objects.filter(name="two")
    page = "/grids/deploymentgrids/default/two/edit/?revision=1"

    def saved():
        shown = ada.get(page).context
        draft = {name: getattr(shown["draft"], name) for name in ("mode", "expect")}
        draft |= {"document": shown["draft"].text, "seen": shown["verdict"].seen}
        return ada.post(page, {**draft, "step": "save"})

    refused = saved()
    assert "another person has to approve this first" in refused.content.decode()
    row = Approval.objects.get()
    assert (row.action, row.path, row.shown["revision"]) == ("rollback", two.get().path, 1)
    body = {"apiVersion": first["apiVersion"], "kind": first["kind"], "spec": first["spec"]}
    body["metadata"] = {"name": "two", "namespace": "default"}
    put = ada.put(address, body, "application/json", headers={"If-Match": "*"})
    assert put.status_code == 409, put.text
    assert two.get().spec["template"]["replicas"] == 7
    labelled = {"metadata": {"labels": {"team": "a"}}}
    patched = ada.patch(address, labelled, "application/merge-patch+json", headers={"If-Match": "*"})
    for replicas in (3, 7):
        again = ada.post(f"{address}/scale", {"replicas": replicas}, "application/json", headers={"If-Match": "*"})
        assert again.status_code == 200, "to scale back is to scale"
    assert patched.status_code == 200, "what leaves the spec as it is goes back to nothing"
    choose(bo, row)
    assert saved().status_code == 302
    assert two.get().spec["template"].get("replicas") != 7


@pytest.mark.parametrize("of_package", [False, True])
def test_an_annotation_goes_back_for_nobody_alone(of_package, settings):
    """What people ask of a rollout by kubectl's annotation was done for whoever wrote it by an edit of the portal."""
    ada = of("ada")
    name, kind = ("pack", "servicegroups") if of_package else ("two", "deploymentgrids")
    member = {"kind": "DeploymentGrid", "metadata": {"name": "in-pack"}}
    body = manifest("two")
    if of_package:
        template = {"template": manifest("x")["spec"]["template"]}
        spec = {"gridUniqKey": "zone1", "grids": [member | {"spec": template}]}
        body = {"apiVersion": "sgportal.superedge.io/v1", "kind": "ServiceGroup", "spec": spec}
        body["metadata"] = {"name": "pack", "namespace": "default"}
    made = ada.post(f"/api/v1/{kind}", body, "application/json")
    assert made.status_code in (200, 201, 202), made.text

    def asks(words):
        body["metadata"]["annotations"] = {"sgportal.superedge.io/rollout": words}
        return ada.put(f"/api/v1/{kind}/default/{name}", body, "application/json", headers={"If-Match": "*"})

    for words in ("rollback", "rollback now-1"):
        refused = asks(words)
        assert refused.status_code == 409, refused.text
        assert "takes two people" in refused.json()["detail"]
    assert asks("pause").status_code in (200, 202)
    assert asks("rollback").status_code == 409
    settings.SGPORTAL_FOUR_EYES = ["delete"]
    assert asks("rollback").status_code in (200, 202)
    settings.SGPORTAL_FOUR_EYES = list(ACTIONS)
    body["metadata"]["labels"] = {"team": "a"}
    assert asks("rollback").status_code in (200, 202), "it asks for nothing new"


def decided(client, address, body):
    return client.post(f"/api/v1/{address}", body, content_type="application/json").status_code


def test_a_decision_after_a_halt_takes_two():
    ada = of("ada")
    halt.begin("another-cluster", {"uid": "here", "seen": "there", "grids": 1})
    asked = {"choice": "follow", "halt": ManagedCluster.now().halt_id}
    assert decided(ada, "cluster/decision", asked) == 409
    row = Approval.objects.get()
    assert (row.action, row.path, row.actor, row.shown["choice"]) == ("decide", "cluster", "ada", "follow")
    assert ManagedCluster.now().halt
    choose(of("bo"), row)
    assert decided(ada, "cluster/decision", asked) == 200
    assert not ManagedCluster.now().halt


def test_a_decision_about_what_waits_takes_two():
    ada = of("ada")
    Grid.objects.update(cluster_uid="u1", missing_since=timezone.now(), missing_held=True)
    (waiting,) = ada.get("/api/v1/decisions").json()["items"]
    asked = {"choice": "restore", "items": [waiting["id"]]}
    assert decided(ada, "decisions", asked) == 409
    assert Grid.objects.get().missing_held
    choose(of("bo"), Approval.objects.get())
    assert decided(ada, "decisions", asked) == 200
    assert not Grid.objects.get().missing_held


def test_without_the_setting_one_person_is_enough(settings):
    settings.SGPORTAL_FOUR_EYES = []
    assert delete(of("ada")).status_code in (200, 202)
    assert is_going()
    assert not Approval.objects.exists()


def test_a_request_keeps_the_beginning_of_a_long_plan():
    steps = [{"verb": "delete", "path": f"deployments/home/echo-{n}", "why": "x" * 5000} for n in range(5000)]
    plans = {f"deploymentgrids/home/g{n}": {"summary": {"delete": 5000}, "id": "i", "steps": steps} for n in range(3)}
    asked = approvals.Asked("ada", "delete", "servicegroups/home/pack", "id", plans)
    with transaction.atomic():
        row, _ = approvals.ask(asked)
    row.refresh_from_db()
    assert list(row.shown) == list(plans)
    assert len(json.dumps(row.shown)) < 1_000_000
    for each in row.shown.values():
        assert (each["id"], each["summary"]) == ("i", {"delete": 5000})
        *kept, rest = each["steps"]
        assert len(kept) + rest["more"] == 5000
        assert kept[0]["why"] == "x" * 500 + "…"


@pytest.mark.parametrize("plan", [{}, {"steps": [], "id": "x"}, {"a": {"b": [1, None, True, {"c": ["d"]}]}, "e": 1}])
def test_a_short_plan_is_shown_as_it_is(plan):
    assert as_shown(plan) == plan
    assert list(as_shown(plan)) == list(plan)


def test_of_too_many_names_the_first_are_shown():
    shown = as_shown({f"n{n}": n for n in range(5000)})
    assert len(shown) + shown["more"] - 1 == 5000
    shown = as_shown({f"n{n}": [n] for n in range(5000)})
    assert len(shown) + shown["more"] - 1 == 5000
    assert len(shown) < 2001
