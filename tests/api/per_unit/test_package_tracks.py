"""Tracks of the rollout of a ServiceGroup, read and steered over REST for all members at once."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.rollouts.state import Member, Position, State
from sgportal.models import AuditEvent, Grid, Rollout
from sgportal.reconciler.grids.rollouts import rows

from .. import builders
from ..conftest import pointers
from .test_package_rollouts import DB, ONE, WEB, package
from .test_tracks import TRACKS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def made(api, db):
    builders.walkthrough()
    assert api.post("servicegroups", package(rollout=TRACKS)).status_code == 201
    assert api("PUT", ONE, package("img:2", rollout=TRACKS)).status_code == 200
    for grid in Grid.objects.all():
        for unit in ("nodeunit1", "nodeunit2"):
            builders.cell(grid, unit)
        members = {"nodeunit1": Member(0, 1, 2, "done", 1.7e9, 12.5), "nodeunit2": Member(1, 1, 1)}
        reason = "AwaitingApproval" if grid.name == "db" else "Soaking"
        places = (Position("north", 0, reason, 1.7e9), Position("south", 0, "RollingOut"))
        state = State(2, "Progressing", reason, members=members, tracks=places)
        found = Rollout(grid=grid, target=2, stable=1, generation=2, seed=5)
        rows.store(grid, found, parse(grid.source()).rollout, None, state)


def positions(name):
    return {each["name"]: each for each in Rollout.objects.get(grid__name=name).tracks}


def test_each_track_is_where_the_member_is_that_is_the_furthest_behind(api):
    body = api.get(f"{ONE}/rollout").json()
    assert [(each["track"], each["name"], each["units"]) for each in body["waves"]] == [
        ("north", "canary", 2),
        ("south", "canary", 2),
    ]
    assert [(each["name"], each["wave"], each["units"], each["turns"], each["done"]) for each in body["tracks"]] == [
        ("north", "canary", 2, {"done": 2}, False),
        ("south", "canary", 2, {"waiting": 2}, False),
    ]
    assert [each["possible"] for each in body["tracks"]] == [["pause", "approve"], ["pause"]]
    assert [(each["path"], each["wave"]) for each in body["members"]] == [(DB, "north/canary"), (WEB, "north/canary")]


def test_a_track_is_asked_of_every_member_for_which_it_makes_sense(api):
    answer = api.post(f"{ONE}/rollout/approve", {"tracks": ["north"]})
    assert (answer.status_code, [each["path"] for each in answer.json()["grids"]]) == (202, [DB])
    assert (positions("db")["north"]["approved"], positions("web")["north"]["approved"]) == (1, 0)
    assert AuditEvent.objects.get(verb="rollout-approve").after["tracks"] == ["north"]
    assert api.post(f"{ONE}/rollout/approve", {"tracks": ["south"]}).status_code == 409


def test_one_track_is_paused_and_resumed_in_all_members(api):
    assert api.post(f"{ONE}/rollout/pause", {"tracks": ["south"]}).status_code == 202
    assert [positions(name)["south"]["paused"] for name in ("db", "web")] == [True, True]
    body = api.get(f"{ONE}/rollout").json()
    assert (body["phase"], [each["paused"] for each in body["tracks"]]) == ("Progressing", [False, True])
    assert body["tracks"][1]["possible"] == ["resume"]
    assert api.post(f"{ONE}/rollout/resume", {}).status_code == 202
    assert [positions(name)["south"]["paused"] for name in ("db", "web")] == [False, False]


@pytest.mark.parametrize("gone", ["db", "web"])
def test_a_track_stays_paused_in_the_others_while_a_member_goes(api, gone):
    assert api.post(f"{ONE}/rollout/pause", {"tracks": ["north"]}).status_code == 202
    etag = api.get(f"deploymentgrids/default/{gone}")["ETag"]
    assert api("DELETE", f"deploymentgrids/default/{gone}", If_Match=etag).status_code == 202
    body = api.get(f"{ONE}/rollout").json()
    assert [each["path"] for each in body["members"]] == [WEB if gone == "db" else DB]
    assert [each["paused"] for each in body["tracks"]] == [True, False]
    assert api.post(f"{ONE}/rollout/resume", {"tracks": ["north"]}).status_code == 202
    assert not any(each["paused"] for each in api.get(f"{ONE}/rollout").json()["tracks"])


@pytest.mark.parametrize(
    ("verb", "body", "pointer"),
    [
        ("approve", {"tracks": ["east"]}, "/tracks/0"),
        ("approve", {"tracks": "north"}, "/tracks"),
        ("abort", {"tracks": ["north"]}, "/tracks"),
        ("rollback", {"tracks": ["north"]}, "/tracks"),
        ("skip", {"tracks": ["north"], "units": ["nodeunit1"]}, "/tracks"),
    ],
)
def test_what_no_track_can_be_asked_is_refused(api, verb, body, pointer):
    before = list(Rollout.objects.order_by("pk").values())
    answer = api.post(f"{ONE}/rollout/{verb}", body)
    assert (answer.status_code, list(pointers(answer))) == (422, [pointer])
    assert list(Rollout.objects.order_by("pk").values()) == before


def test_tracks_that_draw_their_units_at_random_are_refused_with_their_place(api):
    drawn = {"tracks": [{"name": "north", "waves": [{"count": 1}]}]}
    answer = api("PUT", ONE, package("img:3", rollout=drawn))
    assert (answer.status_code, list(pointers(answer))) == (422, ["/spec/rollout/tracks/0"])
