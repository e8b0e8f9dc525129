"""A page of many rows stays small."""

import pytest

from sgportal.models import ServiceGroup

from .. import builders


@pytest.fixture
def many(db):
    builders.nodes(300, "zone", units=300)
    group = ServiceGroup.objects.create(namespace="default", name="all", key="zone")
    for number in range(30):
        grid = builders.a_grid(f"grid-{number:03}", group=group if number < 3 else None)
        builders.observed(grid, [f"unit-{n:03}" for n in range(300 if number == 0 else 3)])
    for number in range(300):
        builders.a_pod(grid, f"unit-{number:03}", "node-0000", number)
    builders.a_service("front", "zone")
    builders.news()


@pytest.mark.parametrize("address", ["/nodes/", "/", "/matrix/", "/grids/servicegrids/default/front/"])
def test_pages_stay_small(admin, many, address):
    assert len(admin.get(address).content) < 200_000
