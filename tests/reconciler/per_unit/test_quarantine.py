"""NodeUnits that are new to a grid wait: until a node is Ready, until somebody approves them."""

import pytest

from sgportal import actions
from sgportal.core.text import Invalid
from sgportal.models import Grid, GridUnit

from ..world import ADA, a_grid, a_template

APPROVED = "sgportal.superedge.io/approved-units"


def waiting():
    return dict(GridUnit.objects.exclude(state="Ready").values_list("name", "reason"))


@pytest.fixture
def grid(world):
    """A grid with a workload in NodeUnit `a`, that asks for approval since."""
    world.label("node0", zone="a")
    world.save(a_grid("web", template=a_template()))
    world.until_ready("web-a")
    world.look()
    return world.change(Grid.objects.get(), lambda manifest: manifest["spec"].update(joinPolicy="approved"))


def test_a_new_unit_waits_for_approval_and_the_others_do_not_notice(world, grid):
    world.label("node1", zone="b")
    world.settle()
    assert (world.names(), waiting()) == (["web-a"], {"b": "WaitingForApproval"})
    assert GridUnit.objects.get(name="b").state == "Paused"
    world.resync()
    assert world.names() == ["web-a"]

    grid.refresh_from_db()
    told = actions.approve(grid, ["b"], ADA, dry_run=True)
    assert [(step.verb, step.name) for step in told.plan.steps] == [("create", "web-b")]
    actions.approve(grid, ["b"], ADA)
    world.settle()
    assert world.names() == ["web-a", "web-b"]
    grid.refresh_from_db()
    assert grid.metadata["annotations"][APPROVED] == "b"


def test_a_unit_that_had_a_workload_is_not_new(world, grid):
    """Somebody deletes the workload of a unit that was there before the policy."""
    world.cluster.delete("Deployment", "default", "web-a")
    world.until(lambda: "web-a" not in world.names())
    world.resync()
    assert world.names() == ["web-a"]


@pytest.mark.embedded_only
def test_a_unit_waits_for_a_ready_node(world):
    world.embedded.set_node_ready("node0", False)
    world.label("node0", zone="a")
    grid = world.save(a_grid("web", template=a_template(), joinPolicy="whenReady"))
    assert (world.names(), waiting()) == ([], {"a": "WaitingForReadyNode"})
    world.embedded.set_node_ready("node0", True)
    world.look()
    world.settle()
    assert world.names() == ["web-a"]
    # Ready once is enough: a node that goes down later changes nothing.
    world.until_ready("web-a")
    world.embedded.set_node_ready("node0", False)
    world.look()
    world.resync()
    assert world.names() == ["web-a"]
    world.change(grid, lambda manifest: manifest["spec"].update(joinPolicy=None))
    assert world.names() == ["web-a"]


@pytest.mark.embedded_only
def test_approval_does_not_replace_a_ready_node(world):
    world.embedded.set_node_ready("node0", False)
    world.label("node0", zone="a")
    manifest = a_grid("web", template=a_template(), joinPolicy="approved")
    manifest["metadata"]["annotations"] = {APPROVED: "a"}
    world.save(manifest)
    assert waiting() == {"a": "WaitingForReadyNode"}


@pytest.mark.embedded_only
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"joinPolicy": "later"}, "/spec/joinPolicy"),
        ({"joinPolicy": 3}, "/spec/joinPolicy"),
    ],
)
def test_a_policy_that_is_none_is_refused(world, wrong, where):
    with pytest.raises(Invalid) as refused:
        world.save(a_grid("web", template=a_template(), **wrong))
    assert [each.pointer for each in refused.value.problems] == [where]


@pytest.mark.embedded_only
def test_only_units_of_the_grid_are_approved(world, grid):
    with pytest.raises(Invalid):
        actions.approve(grid, ["nowhere"], ADA)
    with pytest.raises(Invalid):
        actions.approve(grid, [], ADA)
