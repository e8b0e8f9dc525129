"""The order between members of a package: who waits for whom in a NodeUnit, and who does not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from sgportal.actions import delete_grid, delete_group
from sgportal.models import Grid, GridEvent, GridUnit, RolloutUnit, ServiceGroup
from sgportal.queries.per_unit.sequence import unready_in
from sgportal.queries.plans import spec_of
from sgportal.reconciler.grids.resource import sync

from ..world import ADA, World
from .test_packages import BROKEN, a_member, a_package, apply, at, condition, images, resync, see, world

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


def events(world: World, name: str, reason: str) -> list[dict[str, Any]]:
    """What `kubectl describe` says of a DeploymentGrid for a reason."""
    uid = world.get(name, "DeploymentGrid")["metadata"]["uid"]
    found = world.cluster.list("Event", "default").items
    return [each for each in found if each["involvedObject"]["uid"] == uid and each["reason"] == reason]


def by_kubectl(world: World) -> None:
    world.cluster.delete("DeploymentGrid", "default", "db", uid=world.get("db", "DeploymentGrid")["metadata"]["uid"])
    sync.observe("DeploymentGrid", "default", "db", None)
    Grid.objects.filter(name="db").update(missing_since=timezone.now() - timedelta(seconds=60))


def by_portal(world: World) -> None:
    planned = delete_grid(Grid.objects.get(name="db"), ADA, dry_run=True)
    assert [each.reason for each in planned.notes] == ["DependentsReleased"]
    assert "deploymentgrids/default/web" in str(planned.notes[0].sentence)
    delete_grid(Grid.objects.get(name="db"), ADA)


@pytest.mark.parametrize("delete", [by_kubectl, by_portal])
def test_nobody_waits_for_a_member_that_was_deleted_by_itself(world: World, delete: Callable[[World], None]) -> None:
    more = [a_member(f"m{number}") for number in range(3)]
    before = package(BROKEN, "img:1")
    before["spec"]["grids"] += more
    before["spec"]["dependsOn"] = {"dg/web": ["dg/db", "dg/m0"], "dg/db": ["dg/m1"]}
    apply(world, before)
    assert "web-a" not in world.names()
    delete(world)
    world.settle()
    world.until_ready("m0-a", "m0-b")
    resync(world)
    body = see(world)
    assert world.names("DeploymentGrid") == ["m0", "m1", "m2", "web"]
    assert {"web-a", "web-b"} <= set(world.names())
    assert body["spec"]["dependsOn"] == {"dg/web": ["dg/m0"]}
    assert body["spec"]["grids"] == [before["spec"]["grids"][1], *more]
    assert condition(body, "Accepted") == ("True", "Accepted")
    web = world.get("web", "DeploymentGrid")["metadata"]["annotations"]
    assert web["sgportal.superedge.io/depends-on"] == "deploymentgrids/m0"
    assert GridEvent.objects.filter(path="deploymentgrids/default/web", reason="DependencyDeleted").count() == 1
    assert [each["count"] for each in events(world, "web", "DependencyDeleted")] == [1]
    again = apply(world, ServiceGroup.objects.get().source())
    assert again["metadata"]["generation"] == body["metadata"]["generation"]


def test_a_package_that_goes_changes_no_member_by_the_way(world: World) -> None:
    apply(world, package("img:1", "img:1"))
    delete_group(ServiceGroup.objects.get(), ADA)
    assert set(Grid.objects.values_list("generation", flat=True)) == {1}
    for _ in range(3):
        world.later(5)
    assert not ServiceGroup.objects.exists()
    assert not GridEvent.objects.filter(reason="DependencyDeleted").exists()


def test_who_waits_for_a_member_that_is_put_off_there_holds_up_no_other_unit(world: World) -> None:
    """Of three members in a row the first fails in the canary: the third has nobody to wait for there either."""
    order = {"dg/web": ["dg/db"], "dg/api": ["dg/web"]}
    waves = {**FORWARD, "maxFailures": 2}

    def three(db: str, image: str) -> dict[str, Any]:
        return a_package(
            a_member("db", db), a_member("web", image), a_member("api", image), dependsOn=order, rollout=waves
        )

    apply(world, three("img:1", "img:1"))
    for name in ("db", "web", "api"):
        world.until_ready(f"{name}-a", f"{name}-b")
        resync(world)
    apply(world, three(BROKEN, "img:2"))
    world.until(lambda: _is_over(world))
    turns = RolloutUnit.objects.filter(rollout__grid__name__in=("web", "api"), rollout__target__gt=1)
    assert set(turns.values_list("turn", flat=True)) == {"deferred"}


def _is_over(world: World) -> bool:
    RolloutUnit.objects.filter(rollout__grid__name="db", turn="given").update(since=0)
    resync(world)
    return at(world, db="Complete", web="Complete", api="Complete")
