"""A package that is deleted without its members (`--cascade=orphan`), whoever looks first, and while nobody does."""

from collections.abc import Callable
from typing import Any

import pytest

from sgportal.core.names import CONFIRM_DELETION
from sgportal.models import Grid, ServiceGroup
from sgportal.reconciler.cache import resources
from sgportal.reconciler.groups import orphaning, resource

from ..world import World, a_grid, a_template
from .test_packages import KIND, a_member, a_package, apply, condition, see, world

__all__ = ["world"]


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphaning, "_seen", {})


def deployed(world: World) -> dict[str, Any]:
    body = apply(world, a_package(a_member("db"), a_member("web")))
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    return body


def delete(world: World, body: dict[str, Any], propagation: str) -> dict[str, Any]:
    """Delete the package in the cluster; what is left of it once the garbage collector has done its part."""
    world.cluster.delete(KIND, "default", "shop", uid=body["metadata"]["uid"], propagation=propagation)
    world.until(lambda: "orphan" not in package(world)["metadata"]["finalizers"])
    return package(world)


def package(world: World) -> dict[str, Any]:
    return world.cluster.get(KIND, "default", "shop") or {}


def gone(world: World) -> bool:
    see(world)
    world.later(5)
    return not ServiceGroup.objects.exists()


def stayed(world: World) -> bool:
    """Whether the members are grids of their own now."""
    assert {grid.group_id for grid in Grid.objects.all()} == {None}
    return world.names("DeploymentGrid") == ["db", "web"] and world.names() == ["db-a", "db-b", "web-a", "web-b"]


def test_members_stay_where_no_watch_saw_how_it_was_deleted(world: World) -> None:
    delete(world, deployed(world), "Orphan")
    world.until(lambda: gone(world))
    assert stayed(world)
    assert package(world) == {}


@pytest.mark.embedded_only
@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_members_go_where_no_watch_saw_that_they_were_to_go(world: World, propagation: str) -> None:
    body = deployed(world)
    world.cluster.delete(KIND, "default", "shop", uid=body["metadata"]["uid"], propagation=propagation)
    world.until(lambda: gone(world))
    world.until(lambda: world.names("DeploymentGrid") == [] and world.names() == [])


@pytest.mark.embedded_only
@pytest.mark.parametrize("first", ["watch", "worker"])
def test_it_is_the_same_whether_the_watch_or_the_worker_is_first(world: World, first: str) -> None:
    left = delete(world, deployed(world), "Orphan")
    before = world.cluster.before(KIND, left)
    assert before is not None
    bodies = [resources._group_body(each) for each in (before, left)]

    def watch() -> None:
        for each in bodies:
            resource.observe("default", "shop", each)

    def worker() -> None:
        resource.run(ServiceGroup.objects.get().path, world.cluster)

    order: list[Callable[[], None]] = [watch, worker] if first == "watch" else [worker, watch]
    for act in order:
        act()
    assert not Grid.objects.exclude(deleting_since=None).exists()
    world.until(lambda: gone(world))
    assert stayed(world)


@pytest.mark.embedded_only
@pytest.mark.parametrize("answer", ["delete", "orphan"])
def test_members_stay_until_a_person_decides_where_nobody_can_tell(world: World, answer: str) -> None:
    body = deployed(world)
    world.edit("shop", {"metadata": {"annotations": {CONFIRM_DELETION: "true"}}}, KIND)  # once, of an edit
    see(world)
    delete(world, body, "Background")
    world.edit("shop", {"metadata": {"labels": {"by": "another"}}}, KIND)
    world.server.compact()
    body = see(world)
    assert condition(body, "Deleting") == ("False", "PropagationUnknown")
    [told] = [each["message"] for each in body["status"]["conditions"] if each["type"] == "Deleting"]
    assert f"svcgroup shop -n default {CONFIRM_DELETION}=orphan" in told
    world.later(60)
    assert not Grid.objects.exclude(deleting_since=None).exists()

    world.edit("shop", {"metadata": {"annotations": {CONFIRM_DELETION: answer}}}, KIND)
    world.until(lambda: gone(world))
    if answer == "orphan":
        assert stayed(world)
    else:
        world.until(lambda: world.names("DeploymentGrid") == [] and world.names() == [])


@pytest.mark.embedded_only
def test_a_package_that_is_made_again_knows_nothing_of_how_the_last_one_was_deleted(world: World) -> None:
    left = delete(world, deployed(world), "Orphan")
    orphaning.look(ServiceGroup.objects.get(), left, world.cluster)
    assert ServiceGroup.objects.get().orphaning
    world.edit("shop", {"metadata": {"finalizers": None}}, KIND)  # by hand: the portal puts it back
    see(world)
    body = package(world)
    assert body["metadata"]["uid"] != left["metadata"]["uid"]
    group = ServiceGroup.objects.get()
    assert (group.orphaning, group.propagation_known) == (False, False)
    delete(world, body, "Background")
    world.until(lambda: gone(world))
    world.until(lambda: world.names("DeploymentGrid") == [])


@pytest.mark.parametrize("kept", [False, True])
def test_the_children_of_a_grid_stay_where_no_watch_saw_how_it_was_deleted(world: World, kept: bool) -> None:
    """Whether somebody's finalizer keeps its custom resource, or that is gone when the worker looks."""
    hold = ["hold.example/on"] if kept else None
    world.save(a_grid(template=a_template()))
    world.until_ready("g-a", "g-b")
    before = {name: world.get(name)["metadata"]["uid"] for name in ("g-a", "g-b")}
    world.edit("g", {"metadata": {"finalizers": hold}}, "DeploymentGrid")
    uid = world.get("g", "DeploymentGrid")["metadata"]["uid"]
    world.cluster.delete("DeploymentGrid", "default", "g", uid=uid, propagation="Orphan")

    def collected() -> bool:
        live = world.cluster.get("DeploymentGrid", "default", "g")
        return (live or {"metadata": {}})["metadata"].get("finalizers") == hold

    world.until(collected)
    for _ in range(4):
        world.resync()
        world.later(5)
    world.edit("g", {"metadata": {"finalizers": None}}, "DeploymentGrid") if kept else None
    world.until(lambda: (world.resync(), world.later(5), not Grid.objects.exists())[2])
    assert {name: world.get(name)["metadata"]["uid"] for name in ("g-a", "g-b")} == before
