"""The page of a rollout with tracks side by side: a row of waves for each, and what it can be asked alone."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.rollouts.state import Member, Position, State
from sgportal.models import Rollout
from sgportal.reconciler.grids.rollouts import rows

from ..conftest import hidden

TRACKS = {
    "tracks": [
        {"name": "north", "waves": [{"name": "canary", "units": ["ham"], "approval": True}]},
        {"name": "south", "waves": [{"name": "canary", "units": ["lyo"], "soakSeconds": 300}]},
    ]
}


@pytest.fixture
def grid(fleet):
    fleet.spec = {**fleet.spec, "rollout": TRACKS}
    fleet.generation = 2
    fleet.save()
    fleet.remember("ada")
    members = {"ham": Member(0, 1, 2, "done", 1.7e9, 12.5), "lyo": Member(1, 1, 1)}
    places = (Position("north", 0, "AwaitingApproval", 1.7e9), Position("south", 0, "RollingOut"))
    state = State(2, "Progressing", "AwaitingApproval", members=members, tracks=places)
    found = Rollout(grid=fleet, target=2, stable=1, generation=2, seed=5)
    rows.store(fleet, found, parse(fleet.source()).rollout, None, state)
    return fleet


def test_each_track_is_a_row_of_waves(grid, viewer):
    text = viewer.get(f"/grids/{grid.path}/rollout/").content.decode()
    assert text.count('preserveAspectRatio="none" role="img"') == 2
    for words in ("north/canary", "south/canary", "is done and waits for approval", "is being rolled out"):
        assert words in text
    assert "track=" not in text  # a viewer may not steer
    chinese = viewer.get(f"/grids/{grid.path}/rollout/", headers={"accept-language": "zh-hans"}).content.decode()
    assert 'aria-label="轨道"' in chinese


def test_one_track_is_approved_and_paused_by_itself(grid, operator):
    page = f"/grids/{grid.path}/rollout/"
    text = operator.get(page).content.decode()
    assert "do/rollout-approve/?track=north" in text
    assert "do/rollout-approve/?track=south" not in text
    for verb, track in (("approve", "north"), ("pause", "south")):
        address = f"/grids/{grid.path}/do/rollout-{verb}/?track={track}"
        shown = operator.get(address)
        assert track in shown.content.decode().split("<h1>")[1].split("</h1>")[0]
        answer = operator.post(f"/grids/{grid.path}/do/rollout-{verb}/", {**hidden(shown), "step": "confirm"})
        assert (answer.status_code, answer["Location"]) == (302, page)
    found = {each["name"]: each for each in Rollout.objects.get().tracks}
    assert (found["north"]["approved"], found["south"]["approved"]) == (1, 0)
    assert (found["north"]["paused"], found["south"]["paused"]) == (False, True)
    text = operator.get(page).content.decode()
    assert "track “south” is paused in wave “canary”" in text
    assert "do/rollout-resume/?track=south" in text


def test_a_track_that_there_is_not_is_refused(grid, operator):
    answer = operator.get(f"/grids/{grid.path}/do/rollout-approve/?track=%3Cb%3E")
    assert answer.status_code == 422
    assert "“&lt;b&gt;” is no track of this rollout" in answer.content.decode()
    assert Rollout.objects.get().tracks[0]["approved"] == 0
