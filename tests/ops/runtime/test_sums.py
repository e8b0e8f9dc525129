"""The sums on a grid's row are those over its cells, however many processes record cells of one grid at once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from .processes import Portal

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]
ROUNDS, WORKERS = 40, 3
SETTINGS = {
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJ",
    "ALLOWED_HOSTS": "portal.example",
    "SGPORTAL_TLS": "0",
    "SGPORTAL_STATIC_FROM_SOURCE": "1",
}
GRIDS = """
from sgportal.models import Grid
for name in ("a", "b"):
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name=name, key="site")
"""
# Each records states of units that the others record, too: new ones, changed ones, ones that go.
RECORD = f"""
import random
from sgportal.core.status.parts import UnitStatus
from sgportal.core.status.status import status_of
from sgportal.core.text import say
from sgportal.models import Grid
from sgportal.reconciler.grids.status import batch, cells
from sgportal.reconciler.grids.status.judge import Judged
chance = random.Random({{seed}})
for _ in range({ROUNDS}):
    news = {{{{}}}}
    for grid in Grid.objects.all():
        names = chance.sample([f"u{{{{n}}}}" for n in range(12)], 5)
        before = {{{{row.name: row for row in grid.units.filter(name__in=names)}}}}
        units = [
            UnitStatus(name, chance.choice(["Ready", "Degraded", "Progressing"]), "Why", say("it is so"),
                       desired=chance.randrange(9), ready=chance.randrange(9))
            for name in names[1:]
        ]
        changes = cells.compare(grid, before, units, {{{{}}}}, failed=names[1:2], tried=names[2:], reached={{{{}}}})
        news[grid.pk] = Judged(status_of(units), changes, [])
    batch._write(news)
"""
SHOWN = """
import json
from django.db.models import Count, Sum
from sgportal.models import Grid, GridUnit
from sgportal.reconciler.grids.status import sums
print(json.dumps([
    ({name: getattr(grid, name) for name in sums.FIELDS}, sums.made_of(grid.units.all()), grid.cells_version)
    for grid in Grid.objects.all()
]))
"""


def test_the_sums_are_exact_whoever_records_at_the_same_time(postgres_server, tmp_path):
    portal = Portal(tmp_path, {**SETTINGS, "DATABASE_URL": postgres_server.url()})
    portal.migrate()
    portal.python(GRIDS)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda seed: portal.python(RECORD.format(seed=seed)), range(WORKERS)))
    grids = json.loads(portal.python(SHOWN))
    assert len(grids) == 2
    for kept, counted, version in grids:
        assert kept == counted
        assert kept["unit_count"] > 0
        assert version == ROUNDS * WORKERS


# The rows are written anew from the last to the first, so that the database finds them in this order.
ORDERED = """
import threading
from django.db import connection, transaction
from django.db.models import F
from sgportal.models import Grid
from sgportal.reconciler.grids.status import publish

def waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])

grids = list(Grid.objects.order_by("pk"))
for work in (lambda: publish.note_published({grid.pk: 1 for grid in grids}, {}), lambda: publish.mark(grids)):
    for grid in reversed(grids):
        Grid.objects.filter(pk=grid.pk).update(version=F("version") + 1)
    with transaction.atomic():
        Grid.objects.select_for_update().get(pk=grids[0].pk)
        other = threading.Thread(target=work)
        other.start()
        while other.is_alive() and not waits():
            pass
        list(Grid.objects.exclude(pk=grids[0].pk).select_for_update(nowait=True))
    other.join()
"""


def test_who_writes_several_grids_locks_them_in_order(postgres_server, tmp_path):
    """Else two processes may wait for each other: the database ends one, and its work is done again seconds later."""
    portal = Portal(tmp_path, {**SETTINGS, "DATABASE_URL": postgres_server.url()})
    portal.migrate()
    portal.python(GRIDS.replace('("a", "b")', "map(str, range(12))"))
    portal.python(ORDERED)
