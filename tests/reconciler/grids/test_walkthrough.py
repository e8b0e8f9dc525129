"""The walk-through, by the reconciler alone."""

from sgportal.models import Grid, GridUnit
from sgportal.queries.endpoints import endpoints_of
from sgportal.queries.matrix.overview import overview

from ..world import seed


def test_the_seed_makes_what_it_promises(world):
    world.label("node0", zone1="nodeunit1")
    world.label("node1", zone1="nodeunit2")
    world.label("node2", zone1="nodeunit2")
    world.save(seed("deploymentgrid"), seed("servicegrid"))
    names = ["deploymentgrid-demo-nodeunit1", "deploymentgrid-demo-nodeunit2"]
    assert world.names() == names
    assert world.names("Service") == ["servicegrid-demo-svc"]
    world.until_ready(*names)

    grid = Grid.objects.get(kind="DeploymentGrid")
    assert (grid.state, grid.observed_generation) == ("Ready", grid.generation)
    assert list(GridUnit.objects.filter(grid=grid).values_list("name", "ready", "desired", "state")) == [
        ("nodeunit1", 2, 2, "Ready"),
        ("nodeunit2", 2, 2, "Ready"),
    ]
    cells = {(cell.unit, cell.grid, cell.ready) for cell in overview("zone1").cells if cell.ready}
    assert cells == {("nodeunit1", grid.path, 2), ("nodeunit2", grid.path, 2)}
    reach = endpoints_of(Grid.objects.get(kind="ServiceGrid"))
    seen = {view.node: {e.node for e in view.endpoints} for view in reach.nodes}
    assert seen["node0"] == {"node0"}
    assert seen["node1"] == seen["node2"] <= {"node1", "node2"}
    assert seen["node1"]
