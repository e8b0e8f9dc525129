"""Rollouts read and steered over REST."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.models import AuditEvent, Grid, Node, Rollout, WorkKey

from .. import builders
from ..conftest import pointers

pytestmark = pytest.mark.django_db
ONE = "deploymentgrids/default/echo"


@pytest.fixture(autouse=True)
def made(api, db):
    builders.walkthrough()
    assert api.post("deploymentgrids", builders.manifest("echo", rollout=builders.ROLLOUT)).status_code == 201
    assert api.post(f"{ONE}/image", {"image": "img:2"}).status_code == 200
    for unit in ("nodeunit1", "nodeunit2"):
        builders.cell(Grid.objects.get(), unit)
    builders.rollout(Grid.objects.get())


def test_how_far_it_is(api):
    body = api.get(f"{ONE}/rollout").json()
    assert (body["phase"], body["reason"], body["target"], body["wave"]) == (
        "Progressing",
        "AwaitingApproval",
        2,
        "canary",
    )
    assert [(each["name"], each["units"], each["turns"]) for each in body["waves"]] == [
        ("canary", 1, {"done": 1}),
        ("rest", 1, {"waiting": 1}),
    ]
    assert body["possible"] == ["pause", "approve", "skip", "abort", "rollback"]
    units = api.get(f"{ONE}/rollout/units").json()["items"]
    assert [(each["name"], each["turn"], each["before"], each["assigned"]) for each in units] == [
        ("nodeunit1", "done", 1, 2),
        ("nodeunit2", "waiting", 1, 1),
    ]
    wanted = {each["name"]: each["wantedRevision"] for each in api.get(f"{ONE}/units").json()["items"]}
    assert wanted == {"nodeunit1": 2, "nodeunit2": 1}


def test_what_is_asked_is_noted_and_done_once(api):
    assert api.post(f"{ONE}/rollout/approve", {}).status_code == 202
    assert Rollout.objects.get().approved == 1
    assert WorkKey.objects.get(key=f"rollouts/{ONE}").requested
    assert AuditEvent.objects.order_by("-pk").first().verb == "rollout-approve"
    assert api.post(f"{ONE}/rollout/pause", {}).status_code == 202
    again = api.post(f"{ONE}/rollout/pause", {})
    assert (again.status_code, "Paused" in again.json()["detail"]) == (409, True)


def test_a_dry_run_shows_the_plan_and_changes_nothing(api):
    answer = api.post(f"{ONE}/rollout/rollback?dryRun=All", {})
    assert answer.status_code == 200
    assert [step["unit"] for step in answer.json()["steps"]] == ["nodeunit1"]
    assert Rollout.objects.get().phase == "Progressing"


def test_a_stale_caller_is_refused(api):
    answer = api.post(f"{ONE}/rollout/abort", {}, **{"If-Match": '"old.1"'})
    assert answer.status_code == 412
    assert Rollout.objects.get().phase == "Progressing"


@pytest.mark.parametrize(
    ("body", "pointer"), [({"units": ["nowhere"]}, "/units/0"), ({"units": "a"}, "/units"), ({"unit": "a"}, "/unit")]
)
def test_what_cannot_be_skipped_is_named(api, body, pointer):
    answer = api.post(f"{ONE}/rollout/skip", body)
    assert answer.status_code == 422
    assert list(pointers(answer)) == [pointer]


def test_a_verb_takes_no_fields(api):
    assert list(pointers(api.post(f"{ONE}/rollout/pause", {"units": ["nodeunit1"]}))) == ["/units"]


def test_a_grid_without_waves_has_no_rollout(api):
    assert api.post("deploymentgrids", builders.manifest("plain")).status_code == 201
    for call in (api.get, lambda path: api.post(path + "/pause", {})):
        assert call("deploymentgrids/default/plain/rollout").status_code == 404
    assert api.get("servicegrids/default/none/rollout").status_code == 404


def test_a_version_that_is_not_begun_cannot_be_steered(api):
    assert api.post(f"{ONE}/image", {"image": "img:3"}).status_code == 200
    assert api.post(f"{ONE}/rollout/pause", {}).status_code == 409


def test_the_time_left_counts_the_windows_of_each_unit_s_own_time_zone(api):
    """One window a day, open for one minute twelve hours from now by the clock of the unit that waits."""
    grid = Grid.objects.get()
    at = timezone.now() + timedelta(hours=12)
    window = {"from": f"{at:%H:%M}", "to": f"{at + timedelta(minutes=1):%H:%M}"}
    grid.spec = {**grid.spec, "rollout": {"waves": [{"units": ["nodeunit1"]}], "windows": [window]}}
    grid.save()
    left = api.get(f"{ONE}/rollout").json()["secondsLeft"]
    assert 11.9 * 3600 < left < 12.1 * 3600
    labels = {"zone1": "nodeunit2", "sgportal.superedge.io/time-zone": "Asia.Tokyo"}
    Node.objects.filter(name__in=["node1", "node2"]).update(labels=labels)
    left = api.get(f"{ONE}/rollout").json()["secondsLeft"]
    assert 2.9 * 3600 < left < 3.1 * 3600  # nine hours earlier
