"""The page of a rollout: what it shows, and what can be done there."""

import pytest

from sgportal.models import Rollout

from ...api.builders import rollout
from ..conftest import hidden

CANARY = {"waves": [{"name": "canary", "units": ["ham"], "approval": True, "soakSeconds": 300}]}


@pytest.fixture
def grid(fleet):
    fleet.spec = {**fleet.spec, "rollout": CANARY}
    fleet.generation = 2
    fleet.save()
    fleet.remember("ada")
    rollout(fleet, units=("ham", "lyo"))
    return fleet


def test_a_grid_without_waves_says_so(fleet, viewer):
    text = viewer.get(f"/grids/{fleet.path}/rollout/").content.decode()
    assert "not rolled out in waves" in text
    assert "/rollout/" not in viewer.get(f"/grids/{fleet.path}/").content.decode()


def test_it_shows_waves_units_and_what_it_waits_for(grid, viewer):
    text = viewer.get(f"/grids/{grid.path}/rollout/").content.decode()
    for word in ("canary", "needs approval", "watched for 5m", "waits for approval", "1/2", "lyo"):
        assert word in text
    assert "do/rollout-" not in text  # a viewer may not steer
    assert "lyo" not in viewer.get(f"/grids/{grid.path}/rollout/?turn=done").content.decode().split("<table")[-1]
    assert f'/grids/{grid.path}/rollout/"' in viewer.get(f"/grids/{grid.path}/").content.decode()
    chinese = viewer.get(f"/grids/{grid.path}/rollout/", headers={"accept-language": "zh-hans"}).content.decode()
    assert "等待批准" in chinese


def test_what_is_possible_is_offered_previewed_and_done(grid, operator):
    page = f"/grids/{grid.path}/rollout/"
    text = operator.get(page).content.decode()
    assert "do/rollout-approve/" in text
    assert "do/rollout-resume/" not in text
    address = f"/grids/{grid.path}/do/rollout-approve/"
    preview = operator.get(address)
    assert preview.status_code == 200
    assert Rollout.objects.get().approved == 0
    answer = operator.post(address, {**hidden(preview), "step": "confirm"})
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert Rollout.objects.get().approved == 1
    again = operator.get(address, follow=True)
    assert "does not wait for approval" in again.content.decode()


def test_a_unit_is_left_out(grid, operator):
    address = f"/grids/{grid.path}/do/rollout-skip/?unit=lyo"
    expect = hidden(operator.get(address))["expect"]
    answer = operator.post(address, {"expect": expect, "unit": "lyo", "step": "confirm"})
    assert answer.status_code in (200, 302)
    operator.post(
        address, {"expect": expect, "unit": "lyo", "step": "confirm", "plan": hidden(operator.get(address))["plan"]}
    )
    assert Rollout.objects.get().units.get(name="lyo").turn == "skipped"


def test_why_a_unit_has_failed_is_said(grid, viewer):
    page = f"/grids/{grid.path}/rollout/?turn=failed"
    Rollout.objects.get().units.filter(name="lyo").update(turn="failed", failure="TooManyRestarts")
    assert "One of its new pods restarted too often." in viewer.get(page).content.decode()
    assert "重启次数过多" in viewer.get(page, headers={"accept-language": "zh-hans"}).content.decode()


def test_a_viewer_cannot_steer(grid, viewer):
    assert viewer.post(f"/grids/{grid.path}/do/rollout-abort/", {"step": "confirm"}).status_code == 403
    assert viewer.get("/grids/servicegrids/default/echo/rollout/").status_code == 404
