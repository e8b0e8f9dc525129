"""A list page asks as many questions for 300 rows as for 3."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sgportal.models import AuditEvent, GridEvent, LabelJob, ServiceGroup

from .. import builders

GRID = "/grids/deploymentgrids/default/grid-000/"


def a_world(count):
    builders.nodes(count, "zone", units=count)
    group = ServiceGroup.objects.create(namespace="default", name="all", key="zone")
    for number in range(min(count, 30)):
        grid = builders.a_grid(f"grid-{number:03}", group=group if number < 3 else None)
        builders.observed(grid, [f"unit-{n:03}" for n in range(count if number == 0 else 3)])
        ServiceGroup.objects.create(namespace="default", name=f"g{number}", key="zone")
    for number in range(count):
        builders.a_pod(grid, f"unit-{number:03}", "node-0000", number)
    builders.a_service("front", "zone")
    AuditEvent.objects.bulk_create(AuditEvent(actor="ada", verb="change", path=f"x{n}") for n in range(count))
    path = "deploymentgrids/default/grid-000"
    GridEvent.objects.bulk_create(
        GridEvent(path=path, reason="R", message={"id": "", "params": {}}) for _ in range(count)
    )
    LabelJob.objects.bulk_create(LabelJob(changes={}, results={}, author="ada") for _ in range(count))
    builders.news()


def questions(client, address):
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


ADDRESSES = (
    "/",
    "/nodes/",
    "/nodes/?search=node&selector=zone&group=zone",
    "/nodes/node-0000/",
    "/groups/",
    "/group/?key=zone",
    "/unit/?key=zone&unit=unit-000",
    "/grids/",
    GRID,
    GRID + "plan/",
    GRID + "events/",
    GRID + "revisions/",
    "/grids/servicegrids/default/front/",
    "/servicegroups/",
    "/servicegroups/default/all/",
    "/jobs/",
    "/audit/",
)


def test_questions_do_not_grow_with_rows(admin):
    a_world(3)
    few = {address: questions(admin, address) for address in ADDRESSES}
    for model in (AuditEvent, LabelJob, GridEvent, ServiceGroup):
        model.objects.all().delete()
    from sgportal.models import Grid, Node, Pod

    for model in (Grid, Node, Pod):
        model.objects.all().delete()
    a_world(300)
    many = {address: questions(admin, address) for address in ADDRESSES}
    assert many == few
    assert max(few.values()) <= 17, few


@pytest.mark.parametrize("address", ["/nodes/", "/", "/grids/servicegrids/default/front/"])
def test_pages_stay_small(admin, address):
    a_world(300)
    assert len(admin.get(address).content) < 200_000
