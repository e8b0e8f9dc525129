"""Every list as CSV: with the filters of its page, all rows, and nothing that a spreadsheet would calculate."""

import csv
import io
import re

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest

from sgportal.core.access.scope import Bounds, Scope
from sgportal.dashboard.page import export
from sgportal.dashboard.page.export import CHUNK, harmless
from sgportal.models import AuditEvent, GridEvent, Node
from sgportal.models.scopes.current import reading, within

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
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


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


SEEN_FIRST = ("=1+1", "+a", "-a", "@sum", "＝1+1", "＋a", "－a", "＠sum", "﹦a")
FORMULAS = (*SEEN_FIRST, *(f"{before}=1" for before in ("\n", "\r\n", "\t", "  ", "\u200b", "\ufeff")))


@pytest.mark.parametrize("name", FORMULAS, ids=repr)
def test_nothing_is_a_formula(admin, db, name):
    AuditEvent.objects.create(actor=name, door="page", verb="change", path="x")
    (row,) = table(admin, "/audit/")
    assert row["actor"] == f"'{name}"


@pytest.mark.parametrize("name", ['"a",b', "<b>", "a=1", "a-b", "a\nb", "", "中文", "a; b"])
def test_what_is_none_stays_as_it_is(admin, db, name):
    AuditEvent.objects.create(actor=name, door="page", verb="change", path="x")
    (row,) = table(admin, "/audit/")
    assert row["actor"] == name


def test_what_begins_a_cell_within_a_text_is_no_formula_either():
    assert harmless("a;=1") == "a;'=1"
    assert harmless("a; =1;-2") == "a;' =1;'-2"
    assert harmless("a\n=1") == "a\n'=1"
    assert harmless("\nplain") == "'\nplain"
    assert harmless("\t" * 200_000 + "x").startswith("'\t")  # in one pass


def test_a_long_list_is_read_in_pieces_and_holds_each_row_once(viewer, db, django_assert_max_num_queries):
    builders.nodes(CHUNK * 2 + 7, "zone", 3)
    answer = viewer.get("/nodes/?format=csv")
    assert answer.streaming
    pieces = iter(answer.streaming_content)
    begun = next(pieces)
    Node.objects.create(name="node-0000a", ready="True")  # comes first, and moves every row behind it
    with django_assert_max_num_queries(3):
        text = (begun + b"".join(pieces)).decode("utf-8-sig")
    names = [row["name"] for row in csv.DictReader(io.StringIO(text))]
    assert len(names) == len(set(names)) == CHUNK * 2 + 7
    assert "node-0000a" not in names


def test_a_list_ends_at_the_most_rows(viewer, db, monkeypatch):
    monkeypatch.setattr(export, "MOST", 12)
    builders.nodes(20, "zone", 3)
    assert len(table(viewer, "/nodes/")) == 12


def test_a_server_of_asgi_sends_the_pieces_in_the_scope_of_who_asks(db):
    names = iter([f"n{number}" for number in range(CHUNK * 3)])
    home = Scope((Bounds(("home",)),))

    async def read() -> str:
        request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": []}, io.BytesIO())
        with within(home, home):
            answer = export.as_csv(request, "x", {"name": str, "in": lambda _: reading() == home}, names)
        return "".join([part.decode() async for part in answer.streaming_content])

    rows = list(csv.DictReader(io.StringIO(async_to_sync(read)())))
    assert [row["\ufeffname"] for row in rows] == [f"n{number}" for number in range(CHUNK * 3)]
    assert {row["in"] for row in rows} == {"True"}


def test_a_reader_gets_no_list_that_is_not_theirs(viewer, client, fleet):
    assert viewer.get("/audit/?format=csv").status_code == 403
    assert client.get("/nodes/?format=csv").status_code == 302
