"""A keeper that dies, or stands still: when another has the EndpointSlices follow, on both databases."""

import contextlib
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path

import psycopg
import pytest

from sgportal.cluster import MERGE_PATCH, connect
from sgportal.core.names import CLOSURE, SELECTOR, ZONE
from sgportal.core.traffic.closure import Closure, write_closure
from sgportal.reconciler.keeper_process import LEASE_SECONDS, LOOK_SECONDS
from sgportal.reconciler.process.session import CLASS, GONE_SECONDS
from tests.services import wait_for

from .workers import World

pytestmark = pytest.mark.timeout(300)
SECONDS = 5.0
BEATS = "SELECT count(*) FROM sgportal_heartbeat WHERE kind = 'keeper'"


@pytest.fixture
def world(request, database, embedded_cluster, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/portal.sqlite3"
    if database == "postgres":
        url = request.getfixturevalue("postgres_server").url()
    cluster = embedded_cluster("large:4x2")
    monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(cluster.kubeconfig_path))
    made = World(tmp_path, cluster, 2, url, "")
    made.client = connect("demo")
    annotations = {CLOSURE: write_closure(Closure("strict"), "site"), SELECTOR: json.dumps({"app": "web"})}
    metadata = {"name": "web", "namespace": "default", "annotations": annotations}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    made.client.create(body)
    # Without a single pod in the cluster a keeper would not believe what it lists.
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "any", "namespace": "default"}}
    made.client.create({**pod, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    yield made
    made.portal.stop()


def follows(world, zone):
    """A node's zone is another; waits until sentinels name it."""
    node = world.client.list("Node").items[0]["metadata"]["name"]
    world.client.patch("Node", "", node, {"metadata": {"labels": {ZONE: zone}}}, MERGE_PATCH)

    def named():
        listed = world.client.list("EndpointSlice", "default").items
        hints = [hint for each in listed for endpoint in each["endpoints"] for hint in endpoint["hints"]["forZones"]]
        return {"name": zone} in hints

    wait_for(named, 75, "sentinels name it", pause=0.05)


def pid_of(world, holder):
    return next(each.pid for each in world.portal.running.values() if f":{each.pid}:" in holder)


def test_what_is_configured_comes_to_five_seconds_at_most():
    """One that is dead is seen to be at a look, and is followed at another; a lease that ran out is found at a look."""
    assert LOOK_SECONDS + GONE_SECONDS + LOOK_SECONDS <= SECONDS
    assert LEASE_SECONDS + LOOK_SECONDS <= SECONDS


# Times are text, in order; that of SQLite's clock lacks what is below a thousandth of a second.
SQLITE_WITNESS = """
CREATE TABLE hands (who text, is_over bool);
CREATE TRIGGER hands BEFORE UPDATE ON sgportal_lease WHEN OLD.name = 'keeper' AND OLD.holder <> NEW.holder BEGIN
    INSERT INTO hands VALUES (OLD.holder, OLD.expires_at < strftime('%Y-%m-%d %H:%M:%f', 'now', '+0.001 seconds'));
END;
"""


@pytest.mark.parametrize("database", ["sqlite"])
def test_on_sqlite_another_keeper_goes_on_when_the_lease_of_a_killed_one_has_run_out(world):
    world.start("watch", "keeper")
    follows(world, "first")
    world.start("keeper2")
    wait_for(lambda: world.rows(BEATS) == [(2,)], 75, "another stands by")
    with contextlib.closing(sqlite3.connect(world.portal.folder / "portal.sqlite3", timeout=75)) as database:
        database.executescript(SQLITE_WITNESS)
        ((first,),) = database.execute("SELECT holder FROM sgportal_lease WHERE name = 'keeper'").fetchall()
        os.killpg(pid_of(world, first), signal.SIGKILL)
        follows(world, "second")
        found = database.execute("SELECT DISTINCT is_over FROM hands WHERE who = ?", [first]).fetchall()
    assert found == [(1,)]


# Each change of hands, as the database itself sees it: no look comes too late for that.
WITNESS = f"""
CREATE TABLE hands (who text, since text, at timestamptz, ends timestamptz, locked bool);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO hands SELECT OLD.holder, NEW.holder, clock_timestamp(), OLD.expires_at, EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = {CLASS} AND objid::bigint = OLD.session);
    RETURN NEW;
END $$;
CREATE TRIGGER hands BEFORE UPDATE ON sgportal_lease FOR EACH ROW WHEN (OLD.holder <> NEW.holder)
    EXECUTE FUNCTION note()
"""
HANDS = "SELECT who, since, EXTRACT(epoch FROM ends - at)::float, locked FROM hands ORDER BY at"
LEFT = "EXTRACT(epoch FROM expires_at - clock_timestamp())::float"
LEASE = f"SELECT holder, {LEFT} FROM sgportal_lease WHERE name = 'keeper'"
FIGURES = "SELECT name, figures->'kept', figures->'written' FROM sgportal_heartbeat WHERE kind = 'keeper'"
LONG_LEASE = """
import threading, django
django.setup()
from sgportal.reconciler.keeper_process import LeaderElection
LeaderElection(lease_seconds=3600).run(threading.Event())
"""


def rows(world, statement):
    with psycopg.connect(world.portal.settings["DATABASE_URL"], autocommit=True) as link:
        done = link.execute(statement)
        return done.fetchall() if done.description else []


def figures(world):
    """(Services that it keeps, slices that it has written) of each keeper, by name."""
    return {name: (kept, written) for name, kept, written in rows(world, FIGURES)}


def taken_from(world, first):
    """Waits until another has the lease: (its name, seconds that were left of the first's, whether the first's lock was
    held)."""
    wait_for(lambda: rows(world, LEASE)[0][0] != first, 75, "another has taken over")
    return [each for each in rows(world, HANDS) if each[0] == first][-1][1:]


def two_keepers(world, *command):
    """One that acts and one that stands by, each begun by `command`; the name and the number of the first."""
    rows(world, WITNESS)
    world.start("watch")
    start = (lambda name: world.portal.start(name, command)) if command else world.start
    start("keeper")
    wait_for(lambda: any(kept == 1 for kept, _ in figures(world).values()), 75, "one keeps the Service")
    start("keeper2")
    wait_for(lambda: len(figures(world)) == 2, 75, "another stands by")
    first = rows(world, LEASE)[0][0]
    return first, pid_of(world, first)


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgres"])
def test_a_killed_keepers_lease_ends_with_its_connection_however_long_it_was(world):
    """With a lease of an hour nothing but its death can free it."""
    first, pid = two_keepers(world, sys.executable, "-c", LONG_LEASE)
    os.killpg(pid, signal.SIGKILL)
    second, left, locked = taken_from(world, first)
    assert left > 3000
    assert not locked
    follows(world, "second")
    wait_for(lambda: figures(world)[second][1] > 0, 75, "the second says that it has written")


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgres"])
def test_a_frozen_keepers_lease_ends_with_its_time_though_its_connection_lives(world):
    """Nobody can tell it from one that is slow, until it has not renewed for as long as a lease lasts."""
    first, pid = two_keepers(world)
    os.killpg(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", 75, "it is frozen")
        assert all(left <= LEASE_SECONDS for _, left in rows(world, LEASE))
        _, left, locked = taken_from(world, first)
        assert left <= 0
        assert locked
        follows(world, "second")
    finally:
        os.killpg(pid, signal.SIGCONT)
    wait_for(lambda: sorted(kept for kept, _ in figures(world).values()) == [0, 1], 75, "one of them keeps the Service")
    assert all(left <= 0 or not locked for *_, left, locked in rows(world, HANDS)), "nobody took what was another's"
