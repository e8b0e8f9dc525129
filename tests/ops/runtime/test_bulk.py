"""Many rows written at once, on each database: every type of a field, NULL, hostile text, more rows than one statement
takes; each row gets its own values, and nothing else of it is touched."""

import pytest

from .processes import Portal

SETTINGS = {
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJ",
    "ALLOWED_HOSTS": "portal.example",
    "SGPORTAL_TLS": "0",
    "SGPORTAL_STATIC_FROM_SOURCE": "1",
}
WRITE = r"""
from datetime import UTC, datetime, timedelta
from django.db import DataError, IntegrityError, connection, transaction
from sgportal.models import Child, Grid, GridEvent, GridUnit, Journal
from sgportal.models.bulk import BATCH, insert_rows, update_rows, upsert_rows

MANY = BATCH + 3
AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
HOSTILE = {"text": "it's \"so\" \\ %s 雪 \u2028 {a,b} NULL", "none": None, "list": [1.5, True], "big": 2**70}
upsert_rows([], ["name"], ["state"])
update_rows([], ["state"])

Grid.objects.create(kind="DeploymentGrid", namespace="default", name="other", key="site", state="Stalled")
grids = [Grid(kind="DeploymentGrid", namespace="default", name=f"g{n}", key="site") for n in range(MANY)]
upsert_rows(grids, ["kind", "namespace", "name", "cluster"], ["state"])
assert [Grid.objects.get(name=grid.name).pk for grid in grids[::50]] == [grid.pk for grid in grids[::50]]
assert not grids[0]._state.adding
for n, grid in enumerate(grids):
    grid.state, grid.unit_count, grid.whole = f"S{n}", n, {**HOSTILE, "n": n}
    grid.published_at = AT + timedelta(microseconds=n) if n % 2 else None
    grid.key = "not written"
update_rows(grids, ["state", "unit_count", "whole", "published_at"])
for n, grid in enumerate(Grid.objects.filter(name__startswith="g").order_by("pk")):
    assert (grid.state, grid.unit_count, grid.whole) == (f"S{n}", n, {**HOSTILE, "n": n})
    assert grid.published_at == (AT + timedelta(microseconds=n) if n % 2 else None)
    assert grid.key == "site"
update_rows(grids[:1], ["published_at"])  # nothing but NULL
assert Grid.objects.get(pk=grids[0].pk).published_at is None
assert Grid.objects.get(name="other").state == "Stalled"

insert_rows([])
insert_rows([Journal(kind="grid", key=f"k{n} {HOSTILE['text']}") for n in range(MANY)])
assert list(Journal.objects.order_by("pk").values_list("key", flat=True)) == [
    f"k{n} {HOSTILE['text']}" for n in range(MANY)
]
insert_rows([GridEvent(path="p", reason="R", message={**HOSTILE, "n": n}, count=n, first_at=AT) for n in range(3)])
for n, event in enumerate(GridEvent.objects.order_by("pk")):
    assert (event.message, event.count, event.first_at, event.type) == ({**HOSTILE, "n": n}, n, AT, "Normal")
    assert event.last_at > AT and event.cluster_id == 1

cells = [GridUnit(grid=grids[n % 2], name=f"u{n}", state="Ready", reason=HOSTILE["text"]) for n in range(MANY)]
upsert_rows(cells, ["grid", "name"], ["state", "reason"])
first = {cell.name: cell.pk for cell in cells}
again = [GridUnit(grid=grids[n % 2], name=f"u{n}", state="Degraded", desired=7) for n in range(2, MANY + 2)]
upsert_rows(again, ["grid", "name"], ["state"])
assert all(cell.pk == first[cell.name] for cell in again[:-2])
found = {cell.name: cell for cell in GridUnit.objects.all()}
assert len(found) == MANY + 2
assert (found["u0"].state, found["u2"].state, found["u2"].desired) == ("Ready", "Degraded", 0)
assert found["u2"].reason == HOSTILE["text"] and found[f"u{MANY}"].desired == 7
for hopeless in ({"name": "n" * 64}, {"state": "s" * 13}, {"state": None}, {"name": "nul" + chr(0)}):
    if connection.vendor == "sqlite" and None not in hopeless.values():
        continue  # which knows no lengths
    cell = GridUnit(**{"grid": grids[0], "name": "x", "state": "Ready", **hopeless})
    try:
        with transaction.atomic():
            upsert_rows([cell], ["grid", "name"], ["state"])
        raise AssertionError(f"{hopeless} was stored")
    except (DataError, IntegrityError):
        pass
found["u3"].state = "s" * 13
try:
    with transaction.atomic():
        update_rows([found["u3"]], ["state"])
    assert connection.vendor == "sqlite", "cut short"
except DataError:
    pass
print("done")
"""


@pytest.mark.django_db
def test_many_rows_on_sqlite():
    exec(compile(WRITE, "write", "exec"), {})


@pytest.mark.postgres
@pytest.mark.timeout(240)
def test_many_rows_on_postgresql(postgres_server, tmp_path):
    portal = Portal(tmp_path, {**SETTINGS, "DATABASE_URL": postgres_server.url()})
    portal.migrate()
    assert portal.python(WRITE) == "done"
