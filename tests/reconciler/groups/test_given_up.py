"""A member of a package whose rollout is given up by itself: the others stand still and say why, until somebody decides
how the package goes on."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from sgportal.actions import Refused, steer_package, steer_rollout
from sgportal.models import Grid, Rollout, ServiceGroup
from sgportal.queries.per_unit.rollouts import together
from sgportal.reconciler.grids.resource import sync
from sgportal.reconciler.grids.rollouts import turn
from tests import builders

from ..world import ADA, World
from .test_packages import KIND, a_member, a_package, apply, at, condition, images, resync, see, world

__all__ = ["world"]
pytestmark = pytest.mark.embedded_only
WAVES = {"waves": [{"name": "canary", "units": ["b"], "approval": True}]}
ON_DB = {"deploymentgrid/web": ["dg/db"]}
STEER = "sgportal.superedge.io/rollout"


def under_way(world: World, **more: object) -> ServiceGroup:
    """A package whose canary has the new image and waits for approval."""
    apply(world, a_package(a_member("db"), a_member("web"), rollout=WAVES, **more))
    world.until_ready("db-a", "db-b")
    resync(world)
    world.until_ready("web-a", "web-b")
    resync(world)
    apply(world, a_package(a_member("db", "img:2"), a_member("web", "img:2"), rollout=WAVES, **more))
    world.until(lambda: at(world, web="AwaitingApproval", db="AwaitingApproval"))
    return ServiceGroup.objects.get()


def rollout_of_web() -> dict[str, Any]:
    """What REST says of it; the page says the same."""
    viewer = Client(headers={"host": "localhost"})
    viewer.force_login(builders.a_person(f"v{uuid4()}", "viewer"))
    told: dict[str, Any] = viewer.get("/api/v1/deploymentgrids/default/web/rollout").json()
    page = viewer.get("/grids/deploymentgrids/default/web/rollout/").content.decode()
    for each in told["heldBy"]:
        assert f">{each['path']}</a> ({each['phase']})" in page
    return told


def by_portal(_world: World, verb: str) -> None:
    steer_rollout(Grid.objects.get(name="db"), verb, ADA)  # type: ignore[arg-type]


def by_kubectl(world: World, verb: str) -> None:
    world.edit("db", {"metadata": {"annotations": {STEER: verb}}}, "DeploymentGrid")
    sync.observe("DeploymentGrid", "default", "db", world.get("db", "DeploymentGrid"))
    world.settle()
    see(world)


@pytest.mark.parametrize("give_up", [by_portal, by_kubectl])
def test_an_abort_of_one_member_halts_the_package_which_then_goes_on_without_it(
    world: World, give_up: Callable[[World, str], None]
) -> None:
    group = under_way(world, dependsOn=ON_DB)
    give_up(world, "abort")
    world.until(lambda: at(world, db="Aborted", web="MemberStopped"))
    found = together(group)
    assert found is not None
    assert (found.as_one().state.phase, found.as_one().state.reason) == ("Halted", "MemberStopped")
    assert {"resume", "skip", "rollback"} <= set(found.as_one().possible)
    told = rollout_of_web()
    assert told["heldBy"] == [{"path": "deploymentgrids/default/db", "phase": "Aborted"}]
    assert "to go on without it" in told["message"]
    assert "RolledOut" in {each["type"] for each in see(world)["status"]["conditions"]}
    steer_package(group, "resume", ADA)
    world.until(lambda: at(world, db="Aborted", web="AwaitingApproval"))
    steer_package(group, "approve", ADA)
    world.until(lambda: at(world, db="Aborted", web="Complete"))
    assert images(world) == {"db-a": "img:1", "db-b": "img:2", "web-a": "img:2", "web-b": "img:2"}


@pytest.mark.parametrize("verb", ["abort", "rollback"])
def test_the_package_goes_back_with_a_member_that_was_given_up(world: World, verb: str) -> None:
    group = under_way(world)
    by_portal(world, verb)
    world.until(lambda: at(world, web="MemberStopped"))
    world.settle()
    steer_package(group, "rollback", ADA)
    world.until(lambda: at(world, db="RolledBack", web="RolledBack"))
    assert set(images(world).values()) == {"img:1"}
    steer_package(group, "start", ADA)
    world.until(lambda: at(world, web="AwaitingApproval", db="AwaitingApproval"))
    steer_package(group, "approve", ADA)
    world.until(lambda: at(world, web="Complete", db="Complete"))
    assert condition(resync(world), "RolledOut") == ("True", "RolloutComplete")


def test_a_member_that_was_given_up_does_not_hold_up_what_is_changed_later(world: World) -> None:
    under_way(world)
    by_portal(world, "abort")
    world.until(lambda: at(world, web="MemberStopped"))
    apply(world, a_package(a_member("db", "img:2"), a_member("web", "img:3"), rollout=WAVES))
    world.until(lambda: at(world, web="AwaitingApproval"))
    world.edit("shop", {"metadata": {"annotations": {STEER: "approve"}}}, KIND)
    see(world)
    world.until(lambda: at(world, db="Aborted", web="Complete"))
    assert images(world)["web-a"] == "img:3"


def test_a_member_that_waits_for_one_that_is_paused_names_it(world: World) -> None:
    group = under_way(world)
    by_portal(world, "pause")
    steer_rollout(Grid.objects.get(name="web"), "approve", ADA)
    world.until(lambda: at(world, db="Paused", web="AwaitingMembers"))
    told = rollout_of_web()
    assert told["heldBy"] == [{"path": "deploymentgrids/default/db", "phase": "Paused"}]
    steer_package(group, "resume", ADA)
    world.until(lambda: at(world, db="AwaitingApproval"))
    steer_package(group, "approve", ADA)
    world.until(lambda: at(world, db="Complete", web="Complete"))


class Killed(BaseException):
    """The process died here."""


def test_a_kill_gives_up_a_member_and_halts_the_others_or_does_neither(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way(world)
    whole = turn.stop_with

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(turn, "stop_with", killed)
    with pytest.raises(Killed):
        by_portal(world, "abort")
    assert set(Rollout.objects.exclude(phase="Complete").values_list("phase", "reason")) == {
        ("Progressing", "AwaitingApproval")
    }
    monkeypatch.setattr(turn, "stop_with", whole)
    by_portal(world, "abort")
    world.until(lambda: at(world, db="Aborted", web="MemberStopped"))
    with pytest.raises(Refused):
        by_portal(world, "abort")
