"""Revisions compared, pinned and listed by unit, over REST."""

import pytest

from sgportal.models import AuditEvent, Grid, GridUnit

from .. import builders
from ..conftest import pointers

pytestmark = pytest.mark.django_db
ONE = "deploymentgrids/default/echo"


@pytest.fixture(autouse=True)
def made(api, db):
    builders.walkthrough()
    manifest = builders.manifest("echo")
    manifest["metadata"]["annotations"] = {"kubernetes.io/change-cause": "first"}
    assert api.post("deploymentgrids", manifest).status_code == 201
    assert api.post(f"{ONE}/image", {"image": "img:2"}).status_code == 200
    for unit in ("nodeunit1", "nodeunit2"):
        builders.cell(Grid.objects.get(), unit)


def test_two_revisions_are_compared_field_by_field(api):
    image = Grid.objects.get().revisions.get(number=1).spec["template"]["template"]["spec"]["containers"][0]["image"]
    body = api.get(f"{ONE}/revisions/diff?from=1&to=2").json()
    path = "/spec/template/template/spec/containers/0/image"
    assert body == {"first": 1, "second": 2, "changes": [{"path": path, "old": image, "new": "img:2"}]}
    assert api.get(f"{ONE}/revisions/diff?from=2&to=2").json()["changes"] == []
    assert api.get(f"{ONE}/revisions/diff?from=1&to=9").status_code == 404
    assert list(pointers(api.get(f"{ONE}/revisions/diff?from=1"))) == ["/to"]


def test_why_a_revision_was_made_is_shown(api):
    assert [each["changeCause"] for each in api.get(f"{ONE}/revisions").json()["items"]] == ["first", "first"]


def test_a_pin_is_listed_and_taken_back(api):
    answer = api.post(f"{ONE}/pin", {"revision": 1, "units": ["nodeunit2"]})
    assert answer.status_code == 202, answer.content
    found = {each["name"]: (each["wantedRevision"], each["pinned"]) for each in api.get(f"{ONE}/units").json()["items"]}
    assert found == {"nodeunit1": (2, None), "nodeunit2": (1, 1)}
    steps = api.get(f"{ONE}/plan").json()["steps"]
    images = {s["unit"]: s["changes"][0]["new"]["spec"]["template"]["spec"]["containers"][0]["image"] for s in steps}
    assert images["nodeunit1"] == "img:2" != images["nodeunit2"]
    assert api.post(f"{ONE}/unpin", {"units": ["nodeunit2"]}).status_code == 202
    assert not GridUnit.objects.exclude(pinned=None).exists()
    assert list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))[-2:] == ["pin", "unpin"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"units": ["nodeunit1"]}, "/revision"),
        ({"revision": 1}, "/units"),
        ({"revision": 1, "units": []}, "/units"),
        ({"revision": 1, "units": ["nowhere"]}, "/units/0"),
        ({"revision": 9, "units": ["nodeunit1"]}, "/revision"),
        ({"revision": 2**62, "units": ["nodeunit1"]}, "/revision"),
        ({"revision": -1, "units": ["nodeunit1"]}, "/revision"),
    ],
)
def test_a_pin_that_makes_no_sense_is_refused(api, body, pointer):
    answer = api.post(f"{ONE}/pin", body)
    assert answer.status_code == 422
    assert list(pointers(answer)) == [pointer]
    assert not GridUnit.objects.exclude(pinned=None).exists()


def test_a_dry_run_of_a_pin_changes_nothing(api):
    answer = api.post(f"{ONE}/pin?dryRun=All", {"revision": 1, "units": ["nodeunit1"]})
    assert [step["unit"] for step in answer.json()["steps"]] == ["nodeunit1"]
    assert not GridUnit.objects.exclude(pinned=None).exists()
