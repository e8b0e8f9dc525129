"""What a unit's child should be, over REST, with the origin of each field."""

import pytest

from sgportal.models import Grid

from .. import builders
from ..conftest import pointers

pytestmark = pytest.mark.django_db
PATH = "deploymentgrids/default/echo/effective"
UNIT = "nodeunit1"


@pytest.fixture(autouse=True)
def world(db):
    builders.walkthrough()


def make(api, **spec):
    manifest = builders.manifest("echo")
    manifest["spec"] |= spec
    answer = api.post("deploymentgrids", manifest)
    assert answer.status_code == 201, answer.content
    return manifest


def test_each_field_says_where_it_is_written(api):
    unit = UNIT
    override = {"units": [unit], "image": "img:{{unit.name}}", "patch": {"template": {"spec": {"hostname": "h"}}}}
    make(api, overrides=[{"units": ["elsewhere"], "replicas": 7}, override])
    body = api.get(f"{PATH}?unit={unit}").json()
    found = {each["path"]: each for each in body["values"]}
    image = found["/template/spec/containers/0/image"]
    assert image == {
        "path": "/template/spec/containers/0/image",
        "value": f"img:{unit}",
        "layer": "override",
        "origin": "/spec/overrides/1/image",
        "written": "img:{{unit.name}}",
    }
    assert found["/template/spec/hostname"]["origin"] == "/spec/overrides/1/patch/template/spec/hostname"
    name = found["/template/spec/containers/0/name"]
    assert (name["layer"], name["origin"]) == ("template", "/spec/template/template/spec/containers/0/name")
    assert found["/selector/matchLabels/sgportal.superedge.io~1unit"]["layer"] == "unit"
    assert (body["overrides"], body["spec"]["template"]["spec"]["hostname"]) == ([1], "h")


def test_it_is_what_the_plan_would_write(api):
    unit = UNIT
    make(api, overrides=[{"units": [unit], "env": [{"name": "A", "value": "1"}]}])
    steps = api.get("deploymentgrids/default/echo/plan").json()["steps"]
    created = next(step for step in steps if step["unit"] == unit)["changes"][0]["new"]
    assert api.get(f"{PATH}?unit={unit}").json()["spec"].items() <= created["spec"].items()


def test_a_unit_that_can_have_none_says_why(api):
    unit = UNIT
    make(api, unitVars={"elsewhere": {"x": "1"}}, overrides=[{"units": [unit], "image": "img:{{unit.vars.x}}"}])
    answer = api.get(f"{PATH}?unit={unit}")
    assert answer.status_code == 422
    assert "unit.vars.x" in pointers(answer)["/unit"]


def test_a_unit_that_the_grid_is_not_for_is_not_found(api):
    make(api)
    assert api.get(f"{PATH}?unit=nowhere").status_code == 404
    assert pointers(api.get(PATH)) == {"/unit": "is required"}


def test_an_override_that_the_policy_of_the_namespace_forbids_is_refused(api, settings):
    settings.SGPORTAL_POD_SECURITY = "baseline"
    manifest = builders.manifest("echo")
    container = manifest["spec"]["template"]["template"]["spec"]["containers"][0]["name"]
    privileged = {"containers": [{"name": container, "securityContext": {"privileged": True}}]}
    manifest["spec"]["overrides"] = [{"units": ["later"], "patch": {"template": {"spec": privileged}}}]
    answer = api.post("deploymentgrids", manifest)
    assert answer.status_code == 422
    assert [each.startswith("/spec/overrides/0/patch") for each in pointers(answer)] == [True]


def test_a_change_of_labels_shows_beforehand_which_overrides_would_hold(api):
    selector = {"matchLabels": {"tier": "canary"}}
    make(api, overrides=[{"unitSelector": selector, "image": "img:canary"}])
    row = Grid.objects.get()
    for unit in ("nodeunit1", "nodeunit2"):
        builders.child(row, unit)
    asked = {"nodes": ["node0"], "set": {"tier": "canary"}}
    answer = api.post("nodes/label?dryRun=All", asked)
    assert answer.status_code == 200, answer.content
    steps = answer.json()["steps"]
    images = {change["new"] for step in steps if step["unit"] == UNIT for change in step["changes"]}
    assert "img:canary" in images


def test_a_unit_that_a_grid_is_not_for_is_not_said_to_get_a_child(api):
    make(api, placement={"include": {"units": [UNIT]}})
    asked = {"nodes": ["node0"], "set": {"zone1": "fresh"}}
    steps = api.post("nodes/label?dryRun=All", asked).json()["steps"]
    assert [(step["verb"], step["unit"]) for step in steps] == [("delete", UNIT)]
