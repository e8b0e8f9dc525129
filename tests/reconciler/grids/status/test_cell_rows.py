"""The cells of several grids are read at once, and say what each row says."""

import pytest
from django.utils import timezone

from sgportal.core.text import say
from sgportal.models import Grid, GridUnit
from sgportal.models.scopes.clusters import within_cluster
from sgportal.queries.status import unit_status
from sgportal.reconciler.grids.status.cell_rows import read_cells

HOSTILE = 'it\'s "so" \\ %s %(name)s 雪 \u2028 {}'
ROWS = (
    {"name": "", "state": "Blocked", "reason": "Odd", "message": say("is required").to_json()},
    {"name": "a", "state": "Ready", "child": "g-a", "desired": 3, "ready": 2, "updated": 1, "nodes": 4, "served": 5},
    {"name": "b", "state": "UnitGone", "gone_since": timezone.now(), "generation": 7, "template": "large"},
    {"name": "c", "state": "Degraded", "misplaced": ["p", HOSTILE], "child_status": {"replicas": 1, "conditions": []}},
    {"name": "d", "state": "Degraded", "contested": say("%(what)s", what=HOSTILE).to_json()},
    {"name": "e", "state": "Ready", "notes": [{"reason": "Pinned", "message": say("%(a)s", a=say("b")).to_json()}]},
)


def a_grid(name, **fields):
    return Grid.objects.create(kind="DeploymentGrid", namespace="default", name=name, key="site", **fields)


@pytest.mark.django_db
def test_each_cell_is_read_as_its_row_says_it():
    message = say("%(ready)s of %(desired)s pods are ready", ready=2, desired=3).to_json()
    grids = [a_grid("g"), a_grid("h"), a_grid("none")]
    for grid in grids[:2]:
        for fields in ROWS:
            GridUnit.objects.create(grid=grid, **{"message": message, **fields})
    GridUnit.objects.create(grid=a_grid("another"), name="a", state="Ready", message=message)
    found = read_cells([grid.pk for grid in grids])
    for grid in grids[:2]:
        rows = list(grid.units.order_by("pk"))
        assert [cell.status for cell in found[grid.pk]] == [unit_status(row) for row in rows]
        assert [cell.generation for cell in found[grid.pk]] == [row.generation for row in rows]
        assert [cell.is_gone for cell in found[grid.pk]] == [bool(row.gone_since) for row in rows]
    assert found.keys() == {grid.pk for grid in grids[:2]}


@pytest.mark.django_db
def test_cells_of_another_cluster_are_not_read():
    grid = a_grid("g")
    GridUnit.objects.create(grid=grid, name="a", state="Ready", message=say("is required").to_json())
    with within_cluster(2):
        assert read_cells([grid.pk]) == {}
