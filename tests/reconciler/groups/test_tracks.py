"""A ServiceGroup in tracks side by side on an embedded cluster: one approved by the annotation, one that goes on."""

import pytest

from sgportal.models import GridEvent, Rollout

from ..rollouts.test_waves import KILLS, killed_until
from .test_order import ON_DB, at, steer
from .test_packages import a_member, a_package, apply, resync, world

__all__ = ["world"]
pytestmark = pytest.mark.embedded_only
TRACKS = {
    "tracks": [
        {"name": "north", "units": ["a"], "waves": [{"name": "canary", "units": ["a"], "approval": True}]},
        {"name": "south", "units": ["b"]},
    ],
    "maxUnavailable": 2,
}
UNITS = "abc"  # c is in no track


def package(image, **spec):
    members = [a_member(name, image) for name in ("db", "web")]
    return a_package(*members, **{"rollout": TRACKS, "dependsOn": ON_DB, **spec})


@pytest.fixture
def shop(world):
    """A package with its first image in three units."""
    world.label("node2", zone="c")
    apply(world, package("img:1"))
    for name in ("db", "web"):
        world.until_ready(*(f"{name}-{unit}" for unit in UNITS))
        resync(world)
    return world


def images(world):
    """By member, the images of units a to c."""
    found = {}
    for member in ("db", "web"):
        bodies = [world.get(f"{member}-{unit}") for unit in UNITS]
        found[member] = "".join(
            each["spec"]["template"]["spec"]["containers"][0]["image"].removeprefix("img:") for each in bodies
        )
    return found


def until(world, **wanted):
    world.until(lambda: images(world) == wanted or not resync(world))


def told_in_cluster(world):
    """The members of which an Event in the cluster says that something was not done."""
    events = world.cluster.list("Event").items
    return {each["involvedObject"]["name"] for each in events if each["reason"] == "RolloutCommandIgnored"}


def test_a_track_of_all_members_goes_on_while_another_waits_and_the_rest_comes_last(shop):
    apply(shop, package("img:2"))
    until(shop, db="221", web="221")
    shop.until(lambda: at(shop, db="AwaitingApproval", web="AwaitingApproval"))
    assert images(shop) == {"db": "221", "web": "221"}
    steer(shop, "approve nroth")
    assert GridEvent.objects.filter(reason="RolloutCommandIgnored").values("path").distinct().count() == 2
    assert set(Rollout.objects.filter(phase="Progressing").values_list("reason", flat=True)) == {"AwaitingApproval"}
    shop.until(lambda: told_in_cluster(shop) == {"db", "web"} or not resync(shop))
    steer(shop, "approve north")
    shop.until(lambda: at(shop, db="Complete", web="Complete"))
    assert images(shop) == {"db": "222", "web": "222"}


@pytest.mark.parametrize("when", KILLS)
def test_a_process_may_be_killed_in_the_middle_of_a_track(shop, monkeypatch, when):
    apply(shop, package("img:2", rollout={**TRACKS, "maxUnavailable": 1}))
    waits = ("AwaitingApproval", "AwaitingApproval")
    killed_until(shop, monkeypatch, when, lambda: at(shop, db=waits[0], web=waits[1]) and images(shop)["web"] == "221")
    steer(shop, "approve")
    shop.until(lambda: at(shop, db="Complete", web="Complete"))
    assert images(shop) == {"db": "222", "web": "222"}
    assert {shop.get(f"{name}-{unit}")["metadata"]["generation"] for name in ("db", "web") for unit in UNITS} == {2}
