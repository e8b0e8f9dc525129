"""The page of a ServiceGroup whose rollout has tracks: a row of waves for each, steered for all members at once."""

import pytest

from sgportal.models import Grid, Rollout, ServiceGroup

from ..conftest import hidden
from .test_tracks import TRACKS, grid

__all__ = ["grid"]
SHOP = "/servicegroups/default/shop/"


@pytest.fixture
def shop(grid):
    ServiceGroup.objects.update(spec={"gridUniqKey": grid.key, "grids": [], "rollout": TRACKS})
    Grid.objects.exclude(pk=grid.pk).update(group=None)
    grid.group = ServiceGroup.objects.get()
    grid.save()
    return grid


def test_each_track_is_a_row_with_what_can_be_asked_of_it(operator, viewer, shop):
    text = operator.get(SHOP).content.decode()
    assert text.count('preserveAspectRatio="none" role="img"') == 2
    for words in ("north/canary", f"{SHOP}rollout/approve/?track=north", f"{SHOP}rollout/pause/?track=south"):
        assert words in text
    assert f"{SHOP}rollout/approve/?track=south" not in text
    assert "/do/rollout-" not in text
    assert "track=" not in viewer.get(SHOP).content.decode()


def test_one_track_is_approved_and_paused_by_itself(operator, shop):
    for verb, track in (("approve", "north"), ("pause", "south")):
        shown = operator.get(f"{SHOP}rollout/{verb}/?track={track}")
        assert track in shown.content.decode().split("<h1>")[1].split("</h1>")[0]
        answer = operator.post(f"{SHOP}rollout/{verb}/", {**hidden(shown), "step": "confirm"})
        assert (answer.status_code, answer["Location"]) == (302, SHOP)
    found = {each["name"]: each for each in Rollout.objects.get().tracks}
    assert (found["north"]["approved"], found["south"]["approved"]) == (1, 0)
    assert (found["north"]["paused"], found["south"]["paused"]) == (False, True)
    assert f"{SHOP}rollout/resume/?track=south" in operator.get(SHOP).content.decode()


def test_a_track_that_there_is_not_is_refused(operator, shop):
    answer = operator.get(f"{SHOP}rollout/approve/?track=%3Cb%3E")
    assert answer.status_code == 422
    assert "“&lt;b&gt;” is no track of this rollout" in answer.content.decode()
    assert Rollout.objects.get().tracks[0]["approved"] == 0
