"""Tracks of a rollout, read and steered over REST."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.rollouts.state import Member, Position, State
from sgportal.models import AuditEvent, Grid, Rollout
from sgportal.reconciler.grids.rollouts import rows

from .. import builders
from ..conftest import pointers

pytestmark = pytest.mark.django_db
ONE = "deploymentgrids/default/echo"
TRACKS = {
    "tracks": [
        {"name": "north", "waves": [{"name": "canary", "units": ["nodeunit1"], "approval": True}]},
        {"name": "south", "waves": [{"name": "canary", "units": ["nodeunit2"], "approval": True}]},
    ]
}


@pytest.fixture(autouse=True)
def made(api, db):
    builders.walkthrough()
    assert api.post("deploymentgrids", builders.manifest("echo", rollout=TRACKS)).status_code == 201
    assert api.post(f"{ONE}/image", {"image": "img:2"}).status_code == 200
    grid = Grid.objects.get()
    for unit in ("nodeunit1", "nodeunit2"):
        builders.cell(grid, unit)
    members = {"nodeunit1": Member(0, 1, 2, "done", 1.7e9, 12.5), "nodeunit2": Member(1, 1, 2, "done", 1.7e9, 12.5)}
    places = tuple(Position(name, 0, "AwaitingApproval", 1.7e9) for name in ("north", "south"))
    state = State(2, "Progressing", "AwaitingApproval", members=members, tracks=places)
    found = Rollout(grid=grid, target=2, stable=1, generation=2, seed=5)
    rows.store(grid, found, parse(grid.source()).rollout, None, state)


def approved():
    return {each["name"]: each["approved"] for each in Rollout.objects.get().tracks}


def test_how_far_each_track_is(api):
    body = api.get(f"{ONE}/rollout").json()
    assert [(each["track"], each["name"], each["units"]) for each in body["waves"]] == [
        ("north", "canary", 1),
        ("south", "canary", 1),
    ]
    assert [(each["name"], each["wave"], each["reason"], each["done"]) for each in body["tracks"]] == [
        ("north", "canary", "AwaitingApproval", False),
        ("south", "canary", "AwaitingApproval", False),
    ]
    assert body["tracks"][0]["possible"] == ["pause", "approve"]
    assert body["wave"] == "north/canary"


def test_one_track_is_approved_and_the_other_waits(api):
    answer = api.post(f"{ONE}/rollout/approve", {"tracks": ["south"]})
    assert answer.status_code == 202
    assert approved() == {"north": 0, "south": 1, "rest": 0}
    assert AuditEvent.objects.order_by("-pk").first().after["tracks"] == ["south"]
    assert api.post(f"{ONE}/rollout/approve", {"tracks": ["south"]}).status_code == 409
    assert api.post(f"{ONE}/rollout/approve", {}).status_code == 202
    assert approved() == {"north": 1, "south": 1, "rest": 0}


def test_one_track_is_paused_and_resumed(api):
    assert api.post(f"{ONE}/rollout/pause", {"tracks": ["north"]}).status_code == 202
    body = api.get(f"{ONE}/rollout").json()
    assert [(each["name"], each["paused"]) for each in body["tracks"]] == [("north", True), ("south", False)]
    assert body["phase"] == "Progressing"
    assert api.post(f"{ONE}/rollout/pause", {"tracks": ["north"]}).status_code == 409
    assert api.post(f"{ONE}/rollout/resume", {"tracks": ["north"]}).status_code == 202
    assert not any(each["paused"] for each in Rollout.objects.get().tracks)


@pytest.mark.parametrize(
    ("verb", "body", "pointer"),
    [
        ("approve", {"tracks": ["east"]}, "/tracks/0"),
        ("approve", {"tracks": "north"}, "/tracks"),
        ("abort", {"tracks": ["north"]}, "/tracks"),
        ("rollback", {"tracks": ["north"]}, "/tracks"),
        ("skip", {"tracks": ["north"], "units": ["nodeunit1"]}, "/tracks"),
        ("skip", {"tracks": ["<b>"]}, "/tracks/0"),
    ],
)
def test_what_no_track_can_be_asked_is_refused(api, verb, body, pointer):
    before = Rollout.objects.values().get()
    answer = api.post(f"{ONE}/rollout/{verb}", body)
    assert (answer.status_code, list(pointers(answer))) == (422, [pointer])
    assert Rollout.objects.values().get() == before
