"""What one apply of a package asks for at once."""

import pytest

from sgportal.core.names import CONFIRM_DELETION
from sgportal.models import Grid, GridEvent

from ..world import World
from .test_packages import a_member, a_package, apply, at, condition, images, resync, see, world

__all__ = ["world"]
pytestmark = pytest.mark.embedded_only

MANUAL = {"waves": [{"name": "canary", "units": ["b"]}], "start": "manual"}
STEER = "sgportal.superedge.io/rollout"


def test_a_package_is_not_emptied_without_a_person(world: World) -> None:
    apply(world, a_package(a_member("db"), a_member("web")))
    body = apply(world, a_package())
    assert condition(body, "Accepted") == ("False", "DeletionsHeld")
    said = next(each["message"] for each in body["status"]["conditions"] if each["type"] == "Accepted")
    assert "/spec/grids" in said
    assert CONFIRM_DELETION in said
    assert not Grid.objects.exclude(deleting_since=None).exists()
    assert world.names() == ["db-a", "db-b", "web-a", "web-b"]
    world.edit("shop", {"metadata": {"annotations": {CONFIRM_DELETION: "true"}}}, "ServiceGroup")
    see(world)
    for _ in range(3):
        world.later(5)
    assert not Grid.objects.exists()


def test_a_start_that_comes_with_a_new_spec_starts_the_new_revision(world: World) -> None:
    apply(world, a_package(a_member("db"), a_member("web"), rollout=MANUAL))
    world.until_ready("db-a", "db-b", "web-a", "web-b")
    resync(world)
    changed = a_package(a_member("db", "img:2"), a_member("web", "img:2"), rollout=MANUAL)
    changed["metadata"]["annotations"] = {STEER: "start of img:2"}
    apply(world, changed)
    world.until(lambda: at(world, db="Complete", web="Complete"))
    assert set(images(world).values()) == {"img:2"}
    again = a_package(a_member("db", "img:3"), a_member("web", "img:3"), rollout=MANUAL)
    again["metadata"]["annotations"] = {STEER: "start of img:2"}  # which was carried out
    apply(world, again)
    resync(world)
    assert at(world, db="Pending", web="Pending")


def test_so_does_that_of_a_grid(world: World) -> None:
    grid = {**a_member("web", rollout=MANUAL), "apiVersion": "superedge.io/v1"}
    grid["metadata"] |= {"annotations": {STEER: "start of img:1"}}
    grid["spec"] |= {"gridUniqKey": "zone"}
    row = world.save(grid)
    world.until_ready("web-a", "web-b")
    assert not events(row)

    def to(image: str, words: str) -> None:
        def edit(body):
            body["metadata"]["annotations"] = {STEER: words}
            body["spec"]["template"]["template"]["spec"]["containers"][0]["image"] = image

        world.change(row, edit)
        world.resync()

    to("img:2", "start of img:1")
    row.refresh_from_db()
    assert row.rollout["phase"] == "Pending"
    to("img:3", "start of img:3")
    world.until(lambda: world.resync() or Grid.objects.get(pk=row.pk).rollout["phase"] == "Complete")
    assert set(images(world).values()) == {"img:3"}
    assert not events(row)


def events(grid: Grid) -> list[str]:
    found = GridEvent.objects.filter(path=grid.path, reason="RolloutCommandIgnored")
    return list(found.values_list("message", flat=True))
