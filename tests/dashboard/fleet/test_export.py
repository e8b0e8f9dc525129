"""Every list as CSV: with the filters of its page, all rows, and nothing that a spreadsheet would calculate."""

import csv
import io
import re

import pytest

from sgportal.models import AuditEvent, GridEvent

from ... import builders
from ..addresses import GRID, SERVICE

LISTS = {
    "/nodes/": "name",
    "/groups/": "key",
    "/group/?key=site": "name",
    "/grids/": "name",
    "/matrix/": "unit",
    "/events/": "unit",
    "/jobs/": "id",
    "/servicegroups/": "name",
    "/audit/": "actor",
    GRID: "unit",
    GRID + "events/": "unit",
    SERVICE: "node",
}


def table(client, address: str) -> list[dict[str, str]]:
    answer = client.get(address + ("&" if "?" in address else "?") + "format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8", address
    assert re.fullmatch(r'attachment; filename="[\w.-]+\.csv"', answer["Content-Disposition"])
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.mark.parametrize("address", LISTS)
def test_every_list_is_there_as_csv_with_a_link(admin, fleet, address):
    AuditEvent.objects.create(actor="ada", door="page", verb="change", path="x")
    GridEvent.objects.update(type="Warning")
    admin.post("/labels/", {"node": "node3"})
    rows = table(admin, address)
    assert rows or address == "/jobs/"
    assert all(row[LISTS[address]] for row in rows)
    page = admin.get(address).content.decode()
    assert ("format=csv" in page) == bool(rows)


def test_filters_count_and_pages_do_not(viewer, db):
    builders.nodes(250, "zone", 3)
    builders.news()
    assert len(table(viewer, "/nodes/?page=2")) == 250
    assert [row["name"] for row in table(viewer, "/nodes/?search=0007")] == ["node-0007"]
    assert [row["unit"] for row in table(viewer, "/matrix/?group=zone&search=unit-002&sort=name")] == ["unit-002"]


def test_the_matrix_has_a_column_for_each_grid(viewer, fleet):
    rows = {row["unit"]: row for row in table(viewer, "/matrix/?group=site")}
    assert rows["ham"]["deploymentgrids/default/echo"] == "Ready 2/2"
    assert rows["lyo"]["deploymentgrids/default/echo"] == "Degraded 1/2"


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@sum", '"a",b', "<b>"])
def test_nothing_is_a_formula(admin, db, name):
    AuditEvent.objects.create(actor=name, door="page", verb="change", path="x")
    (row,) = table(admin, "/audit/")
    assert row["actor"] == (f"'{name}" if name[0] in "=+-@" else name)


def test_a_reader_gets_no_list_that_is_not_theirs(viewer, client, fleet):
    assert viewer.get("/audit/?format=csv").status_code == 403
    assert client.get("/nodes/?format=csv").status_code == 302
