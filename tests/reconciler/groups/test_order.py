"""The order between members of a package: who waits for whom in a NodeUnit, and who does not."""

from typing import Any

import pytest

from sgportal.models import Grid, GridUnit, RolloutUnit
from sgportal.queries.per_unit.sequence import unready_in
from sgportal.queries.plans import spec_of

from ..world import World
from .test_packages import BROKEN, a_member, a_package, apply, at, images, resync, see, world

__all__ = ["world"]
pytestmark = pytest.mark.embedded_only

FORWARD = {"waves": [{"name": "canary", "units": ["b"]}]}
ON_DB = {"deploymentgrid/web": ["dg/db"]}
STEER = "sgportal.superedge.io/rollout"


def package(db: str, web: str, **spec: Any) -> dict[str, Any]:
    return a_package(a_member("db", db), a_member("web", web), **{"dependsOn": ON_DB, **spec})


def ready(world: World) -> None:
    """Both members have their first image in both units."""
    world.until_ready("db-a", "db-b")
    resync(world)
    world.until_ready("web-a", "web-b")
    resync(world)


def steer(world: World, words: str) -> None:
    world.edit("shop", {"metadata": {"annotations": {STEER: words}}}, "ServiceGroup")
    see(world)


def cell(name: str, unit: str) -> GridUnit:
    return Grid.objects.get(name=name).units.get(name=unit)


def test_what_goes_back_does_not_wait_for_what_broke(world: World) -> None:
    apply(world, package("img:1", "img:1", rollout=FORWARD))
    ready(world)
    apply(world, package("img:1", "img:2", rollout=FORWARD))
    world.until(lambda: at(world, web="Complete"))
    assert images(world)["web-b"] == "img:2"
    GridUnit.objects.filter(grid__name="web", name="b").update(pinned=1)
    GridUnit.objects.filter(grid__name="db", name="b").update(state="Broken")
    web = Grid.objects.get(name="web")
    assert unready_in(web, spec_of(web), web.units.exclude(name=""), ["a", "b"]) == {}


def test_members_go_back_together_while_one_of_them_is_broken(world: World) -> None:
    apply(world, package("img:1", "img:1", rollout=FORWARD))
    ready(world)
    apply(world, package("img:2", "img:2", rollout=FORWARD))
    world.until(lambda: images(world)["web-b"] == "img:2" or not resync(world))
    world.until_ready("web-b")
    world.edit("db-b", {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": BROKEN}]}}}})
    GridUnit.objects.filter(grid__name="db").update(state="Broken")
    steer(world, "rollback")
    world.until(lambda: at(world, web="RolledBack"))
    assert images(world)["web-b"] == "img:1"


@pytest.mark.parametrize("member", ["db", "web"])
def test_an_edit_of_labels_in_mid_rollout_holds_up_nobody(world: World, member: str) -> None:
    apply(world, package("img:1", "img:1", rollout=FORWARD))
    ready(world)
    changed = package("img:2", "img:2", rollout=FORWARD)
    apply(world, changed)
    next(each for each in changed["spec"]["grids"] if each["metadata"]["name"] == member)["metadata"]["labels"] = {
        "team": "edge"
    }
    apply(world, changed)
    world.until(lambda: at(world, web="Complete", db="Complete"))
    assert set(images(world).values()) == {"img:2"}


def test_a_unit_that_joins_in_mid_rollout_gets_what_is_proven_of_all_members(world: World) -> None:
    waves = {"waves": [{"name": "canary", "units": ["b"], "approval": True}]}
    apply(world, package("img:1", "img:1", rollout=waves))
    ready(world)
    apply(world, package("img:2", "img:2", rollout=waves))
    world.until(lambda: at(world, web="AwaitingApproval", db="AwaitingApproval"))
    world.label("node2", zone="c")
    resync(world)
    world.until_ready("db-c")
    resync(world)
    assert images(world)["web-c"] == "img:1"
    steer(world, "approve")
    world.until(lambda: at(world, web="Complete", db="Complete"))
    assert set(images(world).values()) == {"img:2"}


def test_units_drawn_at_random_hold_up_no_member(world: World) -> None:
    waves = {"waves": [{"count": 1}, {"count": 1}], "maxUnavailable": 1}
    world.label("node2", zone="c")
    apply(world, package("img:1", "img:1", rollout=waves))
    world.until_ready("db-a", "db-b", "db-c")
    resync(world)
    world.until_ready("web-a", "web-b", "web-c")
    apply(world, package("img:2", "img:2", rollout=waves))
    world.until(lambda: at(world, web="Complete", db="Complete"))
    assert set(images(world).values()) == {"img:2"}


def test_the_wait_for_another_is_no_time_of_ones_own(world: World) -> None:
    waves = {**FORWARD, "maxFailures": 2}
    apply(world, package("img:1", "img:1", rollout=waves))
    ready(world)
    apply(world, package(BROKEN, "img:2", rollout=waves))
    resync(world)
    RolloutUnit.objects.filter(rollout__grid__name="web").update(since=0)
    resync(world)
    assert turns("db")["b"] == "given"
    assert turns("web") == {"a": "waiting", "b": "waiting"}

    def is_over() -> bool:
        RolloutUnit.objects.filter(rollout__grid__name="db", turn="given").update(since=0)
        return at(world, db="Complete", web="Complete")

    world.until(is_over)
    assert turns("db") == {"a": "failed", "b": "failed"}
    assert turns("web") == {"a": "deferred", "b": "deferred"}
    assert images(world)["web-b"] == "img:1"
    apply(world, package("img:3", "img:2", rollout=waves))
    world.until(lambda: resync(world) and images(world)["web-a"] == images(world)["web-b"] == "img:2")


def turns(name: str) -> dict[str, str]:
    rollout = Grid.objects.get(name=name).rollouts.order_by("-pk").first()
    assert rollout is not None
    return dict(rollout.units.order_by("name").values_list("name", "turn"))


def test_a_unit_in_change_counts_once_for_all_members(world: World) -> None:
    waves = {"waves": [], "maxUnavailable": 1}
    apply(world, a_package(a_member("db"), a_member("web"), rollout=waves))
    ready(world)
    apply(world, a_package(a_member("db", BROKEN), a_member("web", "img:2"), rollout=waves))
    world.until(lambda: resync(world) and turns("web")["a"] == "done")
    resync(world)
    assert turns("db") == {"a": "given", "b": "waiting"}
    assert turns("web") == {"a": "done", "b": "waiting"}
    apply(world, a_package(a_member("db", "img:3"), a_member("web", "img:2"), rollout=waves))
    world.until(lambda: at(world, db="Complete", web="Complete"))
    assert images(world) == {"db-a": "img:3", "db-b": "img:3", "web-a": "img:2", "web-b": "img:2"}
