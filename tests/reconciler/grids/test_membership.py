"""A lost database loses neither which ServiceGroup a grid belongs to nor where it is edited."""

import pytest

from sgportal.actions import save_group
from sgportal.models import Child, Grid, GridUnit, Revision, ServiceGroup, WorkKey

from ..world import ADA, World, a_grid, a_template
from .test_homes import kubectl_apply, observe

HOME, GROUP = "sgportal.superedge.io/home", "sgportal.superedge.io/servicegroup"


@pytest.fixture
def world(world: World) -> World:
    world.label("node0", zone="a")
    return world


def a_group(world: World, *names: str, key: str = "zone") -> None:
    grids = [a_grid(name, key, template=a_template(app=name)) for name in names]
    manifest = {
        "apiVersion": "superedge.io/v1",
        "kind": "ServiceGroup",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {"gridUniqKey": key, "grids": grids},
    }
    save_group(manifest, ADA)
    world.settle()


def marks(world: World, name: str = "g") -> dict[str, str]:
    annotations = world.get(name, "DeploymentGrid")["metadata"].get("annotations") or {}
    return {key: value for key, value in annotations.items() if key.startswith("sgportal.")}


def lose_the_database() -> None:
    for model in (Grid, GridUnit, Revision, ServiceGroup, Child, WorkKey):
        model.objects.all().delete()


def test_a_database_that_is_begun_anew_knows_groups_and_homes_again(world: World) -> None:
    a_group(world, "g", "h")
    world.cluster.apply(a_grid("theirs", template=a_template(app="theirs")))
    observe(world)
    uids = {name: world.get(name)["metadata"]["uid"] for name in world.names()}
    assert len(uids) == 3
    lose_the_database()
    world.server.reset_counts()
    observe(world)
    found = {grid.name: (grid.home, grid.group.name if grid.group else "") for grid in Grid.objects.all()}
    assert found == {"g": ("portal", "shop"), "h": ("portal", "shop"), "theirs": ("cluster", "")}
    assert ServiceGroup.objects.get().key == "zone"
    assert {name: world.get(name)["metadata"]["uid"] for name in world.names()} == uids
    assert world.server.requests["PATCH", "deployments"] == 0


def test_the_annotations_are_written_once_and_are_no_edit(world: World) -> None:
    a_group(world, "g")
    assert marks(world) == {HOME: "portal", GROUP: "shop"}
    grid = Grid.objects.get()
    assert grid.metadata.get("annotations") is None
    world.until(lambda: world.resync() or Grid.objects.get().state == "Ready")
    world.resync()
    version = world.get("g", "DeploymentGrid")["metadata"]["resourceVersion"]
    for _ in range(2):
        world.resync()
        observe(world)
    assert world.get("g", "DeploymentGrid")["metadata"]["resourceVersion"] == version
    grid.refresh_from_db()
    assert (grid.generation, grid.home) == (1, "portal")
    template = world.get("g-a")["spec"]["template"]["metadata"]
    assert not any(key in (HOME, GROUP) for key in template.get("annotations") or {})


def test_what_is_applied_elsewhere_and_in_no_group_is_left_as_it_is(world: World) -> None:
    kubectl_apply(world, template=a_template())
    world.resync()
    assert marks(world) == {}


def test_a_grid_of_somebody_else_that_joins_a_group_says_so(world: World) -> None:
    manifest = a_grid(template=a_template(app="g"))
    world.cluster.apply(manifest)
    observe(world)
    a_group(world, "g")
    assert marks(world) == {GROUP: "shop"}
    lose_the_database()
    observe(world)
    assert (Grid.objects.get().home, Grid.objects.get().group.name) == ("cluster", "shop")


def test_an_edit_in_the_cluster_moves_the_home_there(world: World) -> None:
    a_group(world, "g")
    kubectl_apply(world, template=a_template("two", app="g"))
    assert Grid.objects.get().home == "cluster"
    assert marks(world) == {GROUP: "shop"}


@pytest.mark.parametrize("name", ["Not a name", "a" * 64, "", "../x", "other"])
def test_annotations_that_make_no_sense_are_passed_over(world: World, name: str) -> None:
    ServiceGroup.objects.create(namespace="default", name="other", key="another-key")
    manifest = a_grid(template=a_template())
    manifest["metadata"]["annotations"] = {HOME: "moon", GROUP: name}
    world.cluster.apply(manifest)
    observe(world)
    grid = Grid.objects.get()
    assert (grid.home, grid.group) == ("cluster", None)
    assert world.names() == ["g-a"]
    assert ServiceGroup.objects.count() == 1
    assert marks(world) == {}
