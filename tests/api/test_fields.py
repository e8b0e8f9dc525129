"""Lists of grids: only the parts that are asked for, and never more than about a megabyte at a time."""

import pytest

from sgportal.api.grids.fields import read_fields
from sgportal.api.http.pages import MOST_BYTES
from sgportal.models import Grid

from . import builders
from .conftest import pointers

pytestmark = pytest.mark.django_db
STATUS = {
    "observedGeneration": 1,
    "conditions": [{"type": "Ready", "status": "True", "reason": "R", "message": "m"}],
    "states": {"nodeunit1": {"replicas": 2}},
    "units": [{"name": "nodeunit1", "state": "Ready", "template": "default", "reason": "R", "message": "m"}],
}


@pytest.fixture
def listed(api):
    builders.heard()
    for name in ("a", "b", "c"):
        builders.grid(name, status=STATUS, metadata={"labels": {"app": name}})
    return api


def one(api, fields, more=""):
    return api.get(f"deploymentgrids?limit=1&fields={fields}{more}").json()["items"][0]


def test_everything_but_what_has_an_entry_for_each_unit_unless_asked_otherwise(listed):
    found = listed.get("deploymentgrids").json()["items"][0]
    assert found["status"]["conditions"] == STATUS["conditions"]
    assert not {"states", "units"} & set(found["status"])
    assert one(listed, "") == found
    whole = one(listed, "apiVersion,kind,metadata,spec,status")
    assert whole == {**found, "status": {**found["status"], "states": STATUS["states"], "units": STATUS["units"]}}
    assert one(listed, "status.states") == {"status": {"states": STATUS["states"]}}


def test_only_what_is_named(listed):
    assert one(listed, "metadata.name,status.conditions") == {
        "metadata": {"name": "a"},
        "status": {"conditions": STATUS["conditions"]},
    }
    assert one(listed, " kind , spec.gridUniqKey,spec.nothing") == {
        "kind": "DeploymentGrid",
        "spec": {"gridUniqKey": "zone1"},
    }
    assert one(listed, "metadata,metadata.name")["metadata"]["labels"] == {"app": "a"}
    assert one(listed, "metadata.name,metadata")["metadata"]["labels"] == {"app": "a"}
    assert one(listed, "status.conditions.type") == {"status": {"conditions": STATUS["conditions"]}}


def test_what_is_not_asked_for_is_not_read(listed, django_assert_max_num_queries):
    with django_assert_max_num_queries(9) as asked:
        assert one(listed, "metadata.name", "&labelSelector=app") == {"metadata": {"name": "a"}}
    (sql,) = [each["sql"] for each in asked.captured_queries if 'FROM "sgportal_grid"' in each["sql"]]
    assert not any(f'"{large}"' in sql for large in ("status", "spec", "sentences"))
    with django_assert_max_num_queries(9) as asked:
        assert len(listed.get("deploymentgrids?fields=kind").json()["items"]) == 3
    assert sum('FROM "sgportal_grid"' in each["sql"] for each in asked.captured_queries) == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("stats", "status"),
        ("status.state", "states"),
        ("metadata.nam", "name"),
        ("kind.x", "x"),
        ("metadata..name", "parted by commas"),
        (",", "parted by commas"),
        ("a" * 1999, "unknown field"),
        ("%3Cscript%3E", "unknown field"),
    ],
)
def test_what_is_no_field_is_named(listed, fields, told):
    answer = listed.get(f"deploymentgrids?fields={fields}")
    assert answer.status_code == 422
    assert told in pointers(answer)["/fields"]
    assert listed.get(f"deploymentgrids?fields={'status.' * 1000}").status_code == 422


def test_a_level_that_is_wanted_whole_stays_so():
    assert read_fields("status.conditions,status") == {"status": {}}
    assert read_fields("spec.a.b,spec.a") == {"spec": {"a": {}}}
    assert read_fields("spec.a.b,spec.c") == {"spec": {"a": {"b": {}}, "c": {}}}
    assert read_fields("") == {}


def test_a_page_ends_where_it_would_be_too_large(api):
    builders.heard()
    large = {"labels": {"app": "x"}, "annotations": {"note": "x" * 300_000}}
    for number in range(7):
        builders.grid(f"g{number}", metadata=large)
    huge = {"annotations": {"note": "x" * 2 * MOST_BYTES}}
    Grid.objects.filter(name="g3").update(metadata=huge)
    pages, following = [], ""
    while following is not None:
        answer = api.get(f"deploymentgrids?limit=500{following and '&cursor=' + following}")
        body = answer.json()
        pages.append([each["metadata"]["name"] for each in body["items"]])
        following = body["next"]
        assert len(answer.content) < 1.2 * MOST_BYTES or pages[-1] == ["g3"]
    assert pages == [["g0", "g1", "g2"], ["g3"], ["g4", "g5", "g6"]]
