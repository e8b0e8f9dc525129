"""The rollout of a ServiceGroup read and steered over REST, as one."""

import pytest

from sgportal.models import AuditEvent, Grid, Rollout, WorkKey

from .. import builders
from ..conftest import pointers

pytestmark = pytest.mark.django_db
ONE = "servicegroups/default/shop"
DB, WEB = "deploymentgrids/default/db", "deploymentgrids/default/web"


def package(image: str = "img:1", **spec):
    members = [
        {"kind": "DeploymentGrid", "metadata": {"name": name}, "spec": builders.manifest(name)["spec"]}
        for name in ("db", "web")
    ]
    for member in members:
        member["spec"]["template"]["template"]["spec"]["containers"][0]["image"] = image
    metadata = {"name": "shop", "namespace": "default"}
    spec = {"gridUniqKey": "zone1", "grids": members, "rollout": builders.ROLLOUT, **spec}
    return {"apiVersion": "sgportal.superedge.io/v1", "kind": "ServiceGroup", "metadata": metadata, "spec": spec}


@pytest.fixture(autouse=True)
def made(api, db):
    builders.walkthrough()
    assert api.post("servicegroups", package()).status_code == 201
    assert api("PUT", ONE, package("img:2")).status_code == 200
    for grid in Grid.objects.all():
        for unit in ("nodeunit1", "nodeunit2"):
            builders.cell(grid, unit)
        builders.rollout(grid)


def of(name: str) -> Rollout:
    return Rollout.objects.get(grid__name=name)


def test_how_far_it_is_as_one_and_of_each_member(api):
    Rollout.objects.filter(grid__name="web").update(reason="RollingOut")
    body = api.get(f"{ONE}/rollout").json()
    assert (body["phase"], body["reason"], body["wave"]) == ("Progressing", "AwaitingApproval", "canary")
    assert [(each["name"], each["units"], each["turns"]) for each in body["waves"]] == [
        ("canary", 2, {"done": 2}),
        ("rest", 2, {"waiting": 2}),
    ]
    assert "2 of 4 workloads done" in body["message"]
    assert [(each["path"], each["reason"], each["turns"]) for each in body["members"]] == [
        (DB, "AwaitingApproval", {"done": 1, "waiting": 1}),
        (WEB, "RollingOut", {"done": 1, "waiting": 1}),
    ]
    units = api.get(f"{ONE}/rollout/units").json()["items"]
    assert [(each["grid"], each["name"], each["turn"]) for each in units] == [
        (DB, "nodeunit1", "done"),
        (WEB, "nodeunit1", "done"),
        (DB, "nodeunit2", "waiting"),
        (WEB, "nodeunit2", "waiting"),
    ]


def test_a_member_that_was_not_changed_takes_no_part(api):
    Rollout.objects.filter(grid__name="web").update(phase="Complete", reason="")
    body = api.get(f"{ONE}/rollout").json()
    assert (body["phase"], [each["takesPart"] for each in body["members"]]) == ("Progressing", [True, False])
    assert sum(each["units"] for each in body["waves"]) == 2
    assert api.post(f"{ONE}/rollout/approve", {}).status_code == 202
    assert (of("db").approved, of("web").approved) == (1, 0)


@pytest.mark.parametrize(
    ("verb", "phase"), [("pause", "Paused"), ("abort", "Aborted"), ("rollback", "RollingBack"), ("skip", "Progressing")]
)
def test_what_is_asked_is_done_for_every_member_at_once(api, verb, phase):
    answer = api.post(f"{ONE}/rollout/{verb}", {})
    assert answer.status_code == 202
    assert [each["path"] for each in answer.json()["grids"]] == [DB, WEB]
    assert {each.phase for each in Rollout.objects.all()} == {phase}
    assert WorkKey.objects.filter(key__startswith="rollouts/", requested__gt=0).count() == 2
    assert set(AuditEvent.objects.filter(verb=f"rollout-{verb}").values_list("path", flat=True)) == {DB, WEB}


def test_it_is_paused_and_goes_on_and_what_makes_no_sense_is_refused(api):
    assert api.post(f"{ONE}/rollout/resume", {}).status_code == 409
    assert api.post(f"{ONE}/rollout/pause", {}).status_code == 202
    assert api.get(f"{ONE}/rollout").json()["possible"] == ["resume", "approve", "skip", "abort", "rollback"]
    assert api.post(f"{ONE}/rollout/resume", {}).status_code == 202
    assert {each.phase for each in Rollout.objects.all()} == {"Progressing"}


def test_a_unit_is_left_out_of_every_member_that_has_it_and_of_no_wave(api):
    of("web").units.filter(name="nodeunit2").delete()
    assert api.post(f"{ONE}/rollout/skip", {"units": ["nodeunit2"]}).status_code == 202
    assert of("db").units.get(name="nodeunit2").turn == "skipped"
    assert of("web").wave == 0
    assert list(pointers(api.post(f"{ONE}/rollout/skip", {"units": ["nowhere"]}))) == ["/units/0"]
    assert list(pointers(api.post(f"{ONE}/rollout/pause", {"units": ["nodeunit1"]}))) == ["/units"]


def test_a_dry_run_shows_the_plan_of_each_member_which_binds(api):
    shown = api.post(f"{ONE}/rollout/rollback?dryRun=All", {}).json()
    assert [(each["path"], [step["unit"] for step in each["steps"]]) for each in shown["grids"]] == [
        (DB, ["nodeunit1"]),
        (WEB, ["nodeunit1"]),
    ]
    assert {each.phase for each in Rollout.objects.all()} == {"Progressing"}
    assert api.post(f"{ONE}/rollout/abort?plan={shown['id']}", {}).status_code == 409
    assert api.post(f"{ONE}/rollout/rollback?plan={shown['id']}", {}).status_code == 202
    assert {each.phase for each in Rollout.objects.all()} == {"RollingBack"}


def test_a_plan_shows_no_unit_of_a_wave_that_waits_for_the_other_members(api):
    of("db").units.update(turn="waiting", assigned=1)
    Rollout.objects.filter(grid__name="db").update(reason="RollingOut")
    shown = api.post(f"{ONE}/rollout/approve?dryRun=All", {}).json()
    assert [(each["path"], each["steps"]) for each in shown["grids"]] == [(WEB, [])]


def test_a_stale_caller_is_refused(api):
    assert api.post(f"{ONE}/rollout/abort", {}, **{"If-Match": '"old.1"'}).status_code == 412
    assert {each.phase for each in Rollout.objects.all()} == {"Progressing"}


def test_a_package_without_waves_has_no_rollout(api):
    plain = package()
    plain["metadata"]["name"], plain["spec"]["grids"] = "plain", []
    del plain["spec"]["rollout"]
    assert api.post("servicegroups", plain).status_code == 201
    for name in ("plain", "nobody"):
        assert api.get(f"servicegroups/default/{name}/rollout").status_code == 404
        assert api.post(f"servicegroups/default/{name}/rollout/pause", {}).status_code == 404


def test_a_version_that_is_not_begun_cannot_be_steered(api):
    assert api("PUT", ONE, package("img:3")).status_code == 200
    assert api.post(f"{ONE}/rollout/pause", {}).status_code == 409
