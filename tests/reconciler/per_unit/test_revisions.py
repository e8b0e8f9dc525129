"""Units that are rolled back or pinned alone, on an embedded and a real cluster."""

import pytest

from sgportal.actions import pin_units, restore_revision
from sgportal.models import GridUnit, Revision

from ..world import ADA, a_grid, a_template


@pytest.fixture
def three(world):
    """Units a and b, and a grid with three revisions: images 1, 2 and 3."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.grid = world.save(a_grid(template=a_template("img:1")))
    for image in ("img:2", "img:3"):
        world.grid = world.change(world.grid, lambda each, i=image: each["spec"].update(template=a_template(i)))
    return world


def images(world):
    bodies = [world.get(name)["spec"]["template"]["spec"]["containers"][0]["image"] for name in ("g-a", "g-b")]
    return [image.removeprefix("img:") for image in bodies]


def revisions(world):
    world.resync()
    rows = GridUnit.objects.filter(grid=world.grid).order_by("name")
    return [(row.revision, row.pinned) for row in rows]


def pin(world, number):
    planned = pin_units(world.grid, ["b"], number, ADA)
    world.settle()
    return [(step.verb, step.unit) for step in planned.steps]


def test_a_unit_is_rolled_back_alone_stays_there_and_follows_again(three):
    assert (images(three), revisions(three)) == (["3", "3"], [(3, None), (3, None)])
    assert pin(three, 1) == [("update", "b")]
    assert (images(three), revisions(three)) == (["3", "1"], [(3, None), (1, 1)])
    three.change(three.grid, lambda each: each["spec"].update(template=a_template("img:4")))
    assert (images(three), revisions(three)) == (["4", "1"], [(4, None), (1, 1)])
    three.edit("g-b", {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "img:9"}]}}}})
    three.resync()
    assert images(three) == ["4", "1"]
    assert pin(three, None) == [("update", "b")]
    assert (images(three), revisions(three)) == (["4", "4"], [(4, None), (4, None)])


def test_rolling_the_grid_back_leaves_a_pinned_unit_alone(three):
    pin(three, 2)
    restore_revision(three.grid.path, 1, ADA)
    three.settle()
    assert images(three) == ["1", "2"]


def test_a_new_label_of_a_node_does_not_move_a_pinned_unit(three):
    pin(three, 1)
    three.label("node2", zone="b")
    three.settle()
    assert images(three) == ["3", "1"]


def test_a_pin_whose_revision_is_lost_blocks_the_unit_and_changes_nothing(three):
    pin(three, 1)
    Revision.objects.filter(number=1).delete()
    three.resync()
    assert images(three) == ["3", "1"]
    row = GridUnit.objects.get(grid=three.grid, name="b")
    assert (row.state, row.reason) == ("Blocked", "RevisionUnusable")


def test_a_revision_made_with_kubectl_can_be_pinned(three):
    spec = {"template": {"template": {"spec": {"containers": [{"name": "c", "image": "img:5"}]}}}}
    three.edit("g", {"spec": spec}, "DeploymentGrid", by="kubectl-edit")
    three.resync()
    assert images(three) == ["5", "5"]
    three.grid.refresh_from_db()
    three.change(three.grid, lambda each: each["spec"].update(template=a_template("img:6")))
    assert pin(three, 4) == [("update", "b")]
    assert images(three) == ["6", "5"]
