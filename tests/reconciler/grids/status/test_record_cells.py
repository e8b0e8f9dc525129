"""Some cells of several grids are recorded together: those, and no others."""

from dataclasses import replace

import pytest

from sgportal.core.plans.plan import plan, unit_of
from sgportal.models import Grid, GridEvent, GridUnit, WorkKey
from sgportal.queries.plans import spec_of
from sgportal.reconciler.grids.observation.observation import Observation, observe
from sgportal.reconciler.grids.status.batch import CellBatch, record_cells
from sgportal.reconciler.grids.writes.apply import apply_steps
from sgportal.reconciler.queue.leases import KeyLease

from ...world import a_grid, a_template


@pytest.fixture
def sites(world):
    """Two settled grids with two units, `a` and `b`."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.save(a_grid(template=a_template()), a_grid("h", template=a_template(app="other")))
    world.until_ready("g-a", "g-b", "h-a", "h-b")
    return world


def only(units: tuple[str, ...], seen: Observation) -> Observation:
    """Some cells of what was seen of a grid."""
    live = [each for each in seen.live if unit_of(seen.spec, each) in units]
    names = {each["metadata"]["name"] for each in live}
    return replace(
        seen,
        units={name: unit for name, unit in seen.units.items() if name in units},
        cells={name: cell for name, cell in seen.cells.items() if name in units},
        live=live,
        pods=tuple(pod for pod in seen.pods if pod.child in names),
    )


def carried_out(world, grid: Grid, *units: str) -> CellBatch:
    """Some cells of a grid: observed, planned, written."""
    spec = spec_of(grid)
    seen = only(units, observe(grid, spec, None, world.cluster))
    planned = plan(spec, seen.world())
    return CellBatch(seen, planned, apply_steps(planned.steps, world.cluster, KeyLease(frozenset(), "").lost))


def grids() -> list[Grid]:
    return list(Grid.objects.order_by("name"))


def recorded(world, *units: str):
    return record_cells([carried_out(world, grid, *units) for grid in grids()], world.cluster)


def rows() -> dict[tuple[str, str], GridUnit]:
    return {(row.grid.name, row.name): row for row in GridUnit.objects.select_related("grid")}


def test_a_new_cell_of_each_grid_is_created_and_recorded(sites):
    sites.label("node2", zone="c")
    before = rows()
    after = recorded(sites, "c")
    assert sites.names() == ["g-a", "g-b", "g-c", "h-a", "h-b", "h-c"]
    assert {name for cells in after.values() for name in cells} == {"c"}
    found = rows()
    assert {name: row.child for name, row in found.items() if name not in before} == {
        ("g", "c"): "g-c",
        ("h", "c"): "h-c",
    }
    assert {name: (row.state, row.ready) for name, row in found.items() if name in before} == {
        name: (row.state, row.ready) for name, row in before.items()
    }
    assert sorted(GridEvent.objects.filter(unit="c").values_list("path", "reason")) == [
        ("deploymentgrids/default/g", "Created"),
        ("deploymentgrids/default/h", "Created"),
    ]


def test_cells_that_were_not_observed_stay_whatever_they_say(sites):
    GridUnit.objects.filter(name="b").update(state="Degraded", severity=3)
    recorded(sites, "a")
    assert {row.state for (_, name), row in rows().items() if name == "b"} == {"Degraded"}


def test_a_cell_that_is_no_more_goes(sites, settings):
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 0
    GridUnit.objects.create(grid=grids()[0], name="gone", state="UnitGone", severity=5)
    after = recorded(sites, "gone")
    assert ("g", "gone") not in rows()
    assert all("gone" not in cells for cells in after.values())


def test_the_status_of_the_grids_follows(sites):
    sites.label("node2", zone="c")
    WorkKey.objects.all().delete()
    recorded(sites, "c")
    sites.later(1)
    for grid in grids():
        assert grid.status["totalUnits"] == 3
        resource = sites.get(grid.name, "DeploymentGrid")
        assert resource["status"]["totalUnits"] == 3
        assert "c" in resource["status"]["states"]
