"""The overview over REST, page by page: the worst first, each unit once with its own cells, and totals of all."""

import pytest

from sgportal.core.health import severity

from . import builders
from .conftest import pointers

UNITS = 7
STATES = ("Ready", "Degraded", "Progressing")


@pytest.fixture
def matrix(api):
    """Two grids in seven units of different states, and one whose nodes are gone."""
    builders.heard()
    rows = [builders.grid("echo"), builders.grid("web", "ServiceGrid")]
    for number in range(UNITS):
        builders.node(f"node-{number}", zone1=f"unit-{number}")
        for row in rows:
            builders.cell(row, f"unit-{number}", state=STATES[number % 3])
    builders.cell(rows[0], "unit-gone", state="UnitGone")
    return api


def pages(api, query=""):
    """Every page, following `next`."""
    found, following = [], ""
    while following is not None:
        body = api.get(f"overview?group=zone1{query}{following and '&cursor=' + following}").json()
        found.append(body)
        following = body["next"]
    return found


@pytest.mark.parametrize("limit", [1, 3, 8, 100])
def test_pages_hold_each_unit_once_with_its_cells(matrix, limit):
    whole = matrix.get("overview?group=zone1").json()
    assert whole["next"] is None
    found = pages(matrix, f"&limit={limit}")
    assert len(found) == -(-(UNITS + 1) // limit)
    for page in found:
        names = {unit["name"] for unit in page["units"]}
        assert len(page["units"]) <= limit
        assert {cell["unit"] for cell in page["cells"]} == names
        assert (page["totals"], page["grids"]) == (whole["totals"], whole["grids"])
    assert [unit for page in found for unit in page["units"]] == whole["units"]
    assert sum(len(page["cells"]) for page in found) == len(whole["cells"]) == 2 * UNITS + 1
    assert whole["totals"]["units"] == UNITS + 1


def test_the_worst_units_come_first(matrix):
    shown = [unit for page in pages(matrix, "&limit=2") for unit in page["units"]]
    assert shown == sorted(shown, key=lambda unit: (severity(unit["state"]), unit["name"]))
    assert shown[0]["state"] == "Degraded"


def test_filters_choose_units_and_leave_the_totals(matrix):
    whole = matrix.get("overview?group=zone1").json()
    sick = pages(matrix, "&limit=2&unhealthy=true")
    assert {unit["name"] for page in sick for unit in page["units"]} == {"unit-1", "unit-4", "unit-gone"}
    found = matrix.get("overview?group=zone1&search=IT-3").json()
    assert [unit["name"] for unit in found["units"]] == ["unit-3"]
    assert {cell["unit"] for cell in found["cells"]} == {"unit-3"}
    assert found["totals"] == whole["totals"] == sick[0]["totals"]


def test_a_hundred_units_is_the_usual_page(matrix):
    for number in range(100):
        builders.node(f"more-{number}", zone1=f"more-{number:03}")
    body = matrix.get("overview?group=zone1").json()
    assert len(body["units"]) == 100
    assert body["totals"]["units"] == UNITS + 101
    assert body["next"]


def test_bad_pages_are_named(matrix):
    assert list(pointers(matrix.get("overview?limit=0"))) == ["/limit"]
    assert list(pointers(matrix.get("overview?limit=501"))) == ["/limit"]
    assert list(pointers(matrix.get("overview?cursor=x"))) == ["/cursor"]
    units = matrix.get("nodeunits?group=zone1&limit=1").json()["next"]
    assert list(pointers(matrix.get(f"overview?cursor={units}"))) == ["/cursor"]
    assert list(pointers(matrix.get("overview?unhealthy=perhaps"))) == ["/unhealthy"]


def test_the_manifests_of_grids_are_not_read(matrix, django_assert_max_num_queries):
    with django_assert_max_num_queries(12) as asked:
        assert matrix.get("overview?group=zone1").status_code == 200
    reads = [each["sql"] for each in asked.captured_queries if 'FROM "sgportal_grid"' in each["sql"]]
    assert reads
    for large in ("spec", "status", "metadata", "sentences"):
        assert not any(f'"sgportal_grid"."{large}"' in sql for sql in reads), large
