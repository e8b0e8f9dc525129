"""Lists: pages that never shift, and as many queries for three rows as for three hundred."""

import pytest
from django.core.signing import Signer

from sgportal.models import ApiToken, AuditEvent, Grid, GridEvent, LabelJob, Node, Revision, ServiceGroup

from . import builders
from .conftest import pointers

pytestmark = pytest.mark.django_db


def fill(count, owner):
    """So many of everything that is listed."""
    builders.heard()
    base = builders.grid("base")
    service = builders.grid("service", "ServiceGrid")
    for number in range(count):
        unit = f"unit{number:03}"
        builders.node(f"node{number:03}", **{"zone1": unit, f"key{number:03}": "x"})
        builders.cell(base, unit)
    LabelJob.objects.bulk_create(LabelJob(changes={}, author="olga") for _ in range(count))
    Grid.objects.bulk_create(
        Grid(kind="DeploymentGrid", namespace="n", name=f"g{n:03}", key="zone1") for n in range(count)
    )
    groups = ServiceGroup.objects.bulk_create(
        ServiceGroup(namespace="n", name=f"s{n:03}", key="zone1") for n in range(count)
    )
    for row, group in zip(Grid.objects.filter(namespace="n"), groups, strict=True):
        row.group = group
        row.save()
    AuditEvent.objects.bulk_create(AuditEvent(actor="olga", door="rest", verb="x", path="p") for _ in range(count))
    for number in range(count):
        Revision.objects.create(grid=base, path=base.path, number=number, spec={}, author="olga")
        GridEvent.objects.create(path=base.path, reason="R", message={"id": "m", "params": {}})
        ApiToken.issue(owner, f"t{number}")
    builders.pod("p", "node000", appGrid="echo")
    return base, service


LISTS = {
    "nodes": 5,
    "nodes?group=zone1&labelSelector=key001&search=node": 3,
    "nodegroups": 3,
    "nodeunits?group=zone1": 4,
    "overview?group=zone1": 6,
    "deploymentgrids": 4,
    "deploymentgrids?labelSelector=!x": 4,
    "deploymentgrids/default/base/revisions": 4,
    "deploymentgrids/default/base/events": 4,
    "deploymentgrids/default/base/plan": 6,
    "servicegrids/default/service/endpoints": 5,
    "servicegroups": 4,
    "jobs": 3,
    "tokens": 4,
    "audit": 3,
}


def queries(api, path, django_assert_max_num_queries, most=20):
    with django_assert_max_num_queries(most) as counted:
        answer = api.get(path, Accept_Language="en")
    assert answer.status_code == 200, answer.content
    return len(counted.captured_queries)


@pytest.mark.parametrize("count", [300])
def test_queries_do_not_grow_with_rows(as_, people, django_assert_max_num_queries, count):
    api = as_("ada")
    api.get("me")
    fill(3, people["ada"])
    few = {path: queries(api, path, django_assert_max_num_queries) for path in LISTS}
    for model in (Grid, Node, LabelJob, ServiceGroup, AuditEvent, GridEvent, Revision):
        model.objects.all().delete()
    builders.Pod.objects.all().delete()
    fill(count, people["ada"])
    many = {path: queries(api, path, django_assert_max_num_queries) for path in LISTS}
    assert many == few
    assert max(many.values()) <= 10


@pytest.mark.parametrize(
    "path",
    [path for path in LISTS if not path.startswith(("overview", "nodes?")) and not path.endswith("plan")],
)
def test_pages_hold_everything_once_in_order(as_, people, path):
    api = as_("ada")
    fill(7, people["ada"])
    joint = "&" if "?" in path else "?"
    whole = api.get(f"{path}{joint}limit=500").json()
    assert whole["next"] is None
    found, following = [], ""
    while following is not None:
        body = api.get(f"{path}{joint}limit=3{following and '&cursor=' + following}").json()
        assert len(body["items"]) <= 3
        found += body["items"]
        following = body["next"]
    assert found == whole["items"]
    assert found


def test_a_page_does_not_shift_when_rows_come_and_go(api):
    for name in ("b", "d", "f"):
        builders.node(name)
    first = api.get("nodes?limit=2").json()
    builders.node("a")
    Node.objects.filter(name="d").delete()
    second = api.get(f"nodes?limit=2&cursor={first['next']}").json()
    assert [each["metadata"]["name"] for each in second["items"]] == ["f"]


def test_a_hundred_is_the_usual_page(api):
    Node.objects.bulk_create(Node(name=f"n{number:03}", uid="") for number in range(101))
    assert len(api.get("nodes").json()["items"]) == 100


@pytest.mark.parametrize(
    "cursor", ["x", "WyJhIl0:forged", "%F0%9F", Signer(salt="sgportal.cursor:/api/v1/jobs").sign_object(["a"])]
)
def test_a_bad_cursor_is_named(api, cursor):
    answer = api.get(f"nodes?cursor={cursor}")
    assert answer.status_code == 400
    assert list(pointers(answer)) == ["/cursor"]
