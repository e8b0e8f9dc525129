"""Everything as plain manifests that go on without the portal: by the command, and over REST within one's scope."""

import io
from typing import Any

import pytest
from django.core.management import call_command

from sgportal.core.documents import read_documents
from sgportal.models import Grid

from .. import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def grids(people: Any) -> None:
    for name, unit in (("n0", "a"), ("n1", "b")):
        builders.node(name, zone1=unit)
    builders.grid("echo", uid="11111111-1111-1111-1111-111111111111")
    builders.grid("echo", kind="ServiceGrid")
    builders.grid("other", namespace="elsewhere")


def printed(*args: str) -> str:
    out = io.StringIO()
    call_command("export", *args, stdout=out)
    return out.getvalue()


def test_the_command_prints_what_grids_run_without_a_trace_of_us(grids):
    text = printed("--namespace", "default")
    found = read_documents(text.encode())
    assert [(each["kind"], each["metadata"]["name"]) for each in found] == [
        ("Deployment", "echo-a"),
        ("Deployment", "echo-b"),
        ("Service", "echo-svc"),
    ]
    for each in found:
        assert set(each["metadata"]) <= {"name", "namespace", "labels", "annotations"}
        assert "superedge.io" not in str(each["metadata"])
        assert "topologyKeys" not in str(each["metadata"])
    assert found[0]["spec"]["template"]["spec"]["nodeSelector"] == {"zone1": "a"}
    assert found[2]["spec"]["selector"]
    assert len(read_documents(printed().encode())) == 5


def test_rest_answers_a_list_page_by_page(grids, as_):
    api = as_("vic")
    whole = api.get("export").json()
    assert (whole["kind"], whole["next"], len(whole["items"])) == ("List", None, 5)
    first = api.get("export?limit=1").json()
    assert [each["metadata"]["name"] for each in first["items"]] == ["echo-a", "echo-b"]
    assert len(api.get(f"export?limit=2&cursor={first['next']}").json()["items"]) == 3
    assert api.get("export?namespace=elsewhere").json()["items"][0]["metadata"]["namespace"] == "elsewhere"


def test_a_grid_that_is_not_valid_is_named_and_stops_no_other(grids):
    Grid.objects.filter(name="other").update(spec={"gridUniqKey": "zone1", "template": 7})
    text = printed()
    assert "# deploymentgrids/elsewhere/other: is not valid, and not exported: /spec/template must be an object" in text
    assert len(read_documents(text.encode())) == 3


def test_a_page_ends_before_it_has_too_many_manifests_and_none_is_lost(grids, as_, monkeypatch):
    """Twenty grids in a thousand NodeUnits each were one answer."""
    whole = as_("vic").get("export").json()["items"]
    monkeypatch.setattr("sgportal.api.migration.views.MOST_CHILDREN", 2)
    monkeypatch.setattr("sgportal.queries.per_unit.exports.MOST_CHILDREN", 2)
    pages, cursor = [], ""
    while cursor is not None:
        page = as_("vic").get(f"export?cursor={cursor}").json()
        pages.append(page["items"])
        cursor = page["next"]
    assert [len(each) for each in pages] == [2, 1, 2]
    assert [each for page in pages for each in page] == whole
    assert len(read_documents(printed().encode())) == 5
