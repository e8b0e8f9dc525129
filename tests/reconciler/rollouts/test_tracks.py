"""Tracks side by side on an embedded cluster: one waits for a person, one for a site that is away, one goes on."""

import pytest

from embedded_cluster.world import node
from sgportal.actions import steer_rollout
from sgportal.models import GridEvent, GridUnit

from ..world import ADA, a_grid, a_template
from .test_waves import KILLS, give, is_at, killed_until, seen

pytestmark = pytest.mark.embedded_only
TRACKS = {
    "tracks": [
        {"name": "north", "waves": [{"name": "canary", "units": ["a"], "approval": True}, {"units": ["b"]}]},
        {"name": "south", "waves": [{"name": "canary", "units": ["c"]}, {"units": ["d"]}]},
    ],
    "maxUnavailable": 2,
}


@pytest.fixture
def four(world):
    """Units a to d of one node each, and e, that no track names, with a grid at image 1."""
    for number, unit in enumerate("abcde"):
        if number > 2:
            body = node(f"node{number}", number, {})
            world.embedded.call(lambda body=body: world.embedded.store.put("nodes", body))
        world.label(f"node{number}", zone=unit)
    world.grid = world.save(a_grid(template=a_template("img:1"), rollout=TRACKS))
    world.until_ready(*(f"g-{unit}" for unit in "abcde"))
    return world


def images(world, units="abcde"):
    bodies = [world.get(f"g-{unit}")["spec"]["template"]["spec"]["containers"][0]["image"] for unit in units]
    return "".join(image.removeprefix("img:") for image in bodies)


def tracks(world):
    return [(each["name"], each["wave"], each["done"]) for each in world.grid.rollout["tracks"]]


def until_images(world, wanted):
    world.until(lambda: seen(world) and images(world) == wanted)


def test_a_track_goes_on_while_another_waits_for_approval_and_the_rest_comes_last(four):
    give(four, 2)
    until_images(four, "21221")
    four.until(lambda: seen(four) == ("Progressing", "AwaitingApproval", "north/canary"))
    asks = [("north", "canary", False), ("south", "", True), ("rest", "rest", False)]
    four.until_equal(lambda: (seen(four), tracks(four))[1], asks)
    steer_rollout(four.grid, "approve", ADA, tracks=["north"])
    four.settle()
    is_at(four, "Complete")
    assert images(four) == "22222"
    assert not GridUnit.objects.exclude(assigned=None).exists()


def test_a_site_that_is_away_holds_up_neither_its_track_nor_another(four):
    four.embedded.set_node_ready("node2", None)  # the canary's of south, which needs nobody's approval
    four.resync()
    give(four, 2)
    until_images(four, "21121")
    four.until(lambda: seen(four) == ("Progressing", "AwaitingApproval", "north/canary"))
    assert four.grid.rollout["turns"]["deferred"] == 1
    steer_rollout(four.grid, "approve", ADA)
    is_at(four, "Complete")
    assert images(four) == "22122"
    four.embedded.set_node_ready("node2", True)
    until_images(four, "22222")


def test_the_annotation_names_tracks_and_a_slip_is_ignored(four):
    give(four, 2)
    four.until(lambda: seen(four) == ("Progressing", "AwaitingApproval", "north/canary"))

    def ask(text):
        annotations = {"sgportal.superedge.io/rollout": text}
        four.grid = four.change(four.grid, lambda each: each["metadata"].update(annotations=annotations))
        four.resync()

    ask("approve nroth")
    assert GridEvent.objects.filter(reason="RolloutCommandIgnored").count() == 1
    assert seen(four)[1] == "AwaitingApproval"
    ask("approve north")
    is_at(four, "Complete")


@pytest.mark.parametrize("when", KILLS)
def test_a_process_may_be_killed_in_the_middle_of_the_waves_of_two_tracks(four, monkeypatch, when):
    give(four, 2, rollout={**TRACKS, "maxUnavailable": 1})

    def waits():
        return seen(four)[1] == "AwaitingApproval" and images(four) == "21221"

    killed_until(four, monkeypatch, when, waits)
    steer_rollout(four.grid, "approve", ADA)
    is_at(four, "Complete")
    assert images(four) == "22222"
    assert {four.get(f"g-{unit}")["metadata"]["generation"] for unit in "abcde"} == {2}
