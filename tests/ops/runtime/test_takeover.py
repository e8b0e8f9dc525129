"""On PostgreSQL a lease is free as soon as its holder is dead, and never held by two at once."""

import itertools
import json
import subprocess
import sys
import time

import psycopg
import pytest

from sgportal.reconciler.process import identity
from tests.house.tree import ROOT
from tests.services import in_time, wait_for

from .workers import World, kill

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]
GRIDS, UNITS = 8, 4


@pytest.fixture
def world(embedded_cluster, postgres_server, tmp_path):
    made = World(tmp_path, embedded_cluster(f"large:{UNITS * 2}x{UNITS}"), UNITS, postgres_server.url(), "")
    yield made
    made.portal.stop()


def _rows(world, statement):
    with psycopg.connect(world.portal.settings["DATABASE_URL"], autocommit=True) as link:
        return link.execute(statement).fetchall()


def _holder(world, name):
    found = _rows(world, f"SELECT holder FROM sgportal_lease WHERE name = '{name}'")
    return found[0][0] if found else None


@pytest.mark.parametrize("service", ["watch", "keeper"])
def test_who_stands_by_takes_over_within_five_seconds(world, service):
    world.start(service)
    first = wait_for(lambda: _holder(world, service), 75, "somebody acts")
    world.start(f"{service}2")
    living = f"SELECT count(*) FROM sgportal_heartbeat WHERE kind = '{service}'"
    wait_for(lambda: _rows(world, living) == [(2,)], 75, "another stands by")
    assert _holder(world, service) == first
    began = kill(world.portal.running[service].pid)
    wait_for(lambda: _holder(world, service) != first, 75, "the other has taken over", pause=0.05)
    assert in_time(time.monotonic() - began, 5)


def test_the_keys_of_a_killed_worker_are_free_within_five_seconds(world):
    """Both processes of one worker are killed in the middle of writes that are not answered; another worker goes on."""
    world.start("watch", "worker")
    world.hold(after=0)
    wait_for(lambda: len(world.children()) == 2, 75, "two processes")
    world.create(0, GRIDS)
    leased = "SELECT count(*) FROM sgportal_workkey WHERE holder <> ''"
    wait_for(lambda: _rows(world, leased)[0][0] >= 4, 75, "they are at it", pause=0.1)
    world.start("worker2")
    wait_for(lambda: len(world.children("worker2")) == 2, 75, "another worker")
    pids = {f":{pid}:" for pid in world.children("worker")}
    began = time.monotonic()
    world.portal.kill("worker")

    def still_held():
        held = [row[0] for row in _rows(world, "SELECT holder FROM sgportal_workkey WHERE holder <> ''")]
        return [each for each in held if any(pid in each for pid in pids)]

    wait_for(lambda: not still_held(), 75, "the dead hold nothing", pause=0.05)
    assert in_time(time.monotonic() - began, 5)
    world.cluster.faults.clear()
    wait_for(lambda: world.settled(GRIDS), 150, "every grid has its children", pause=1)


def test_a_frozen_worker_loses_its_keys_when_their_time_is_over(world):
    """It still holds its connection: nobody can tell it from one that is slow, until its lease runs out."""
    world.portal.settings = {**world.portal.settings, "SGPORTAL_LEASE_SECONDS": "6"}
    world.start("watch", "worker")
    world.hold(after=0)
    world.create(0, GRIDS)
    wait_for(lambda: _rows(world, "SELECT 1 FROM sgportal_workkey WHERE holder <> ''"), 75, "they are at it")
    for pid in world.children():
        subprocess.run(["kill", "-STOP", str(pid)], check=True)
    try:
        world.cluster.faults.clear()
        world.start("worker2")
        wait_for(lambda: world.settled(GRIDS), 150, "the other worker has done it", pause=1)
    finally:
        for pid in world.children():
            subprocess.run(["kill", "-CONT", str(pid)], check=True)
    assert world.portal.stop()["worker2"] == 0


FROZEN = """
import os, signal
from django.db import transaction
from sgportal.models import WorkKey
with transaction.atomic():
    WorkKey.objects.update(requested=7)
    print("locked", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_process_that_is_frozen_in_a_transaction_holds_up_nobody_for_long(world):
    """PostgreSQL ends its connection, and with that its locks, before others give up to wait for them."""
    world.portal.python("from sgportal.models import WorkKey; WorkKey.objects.create(key='duties/x')")
    command = [sys.executable, "-c", f"import django\ndjango.setup()\n{FROZEN}"]
    frozen = subprocess.Popen(command, cwd=ROOT, env=world.portal.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert frozen.stdout.readline() == "locked\n"
        world.portal.python("from sgportal.models import WorkKey; WorkKey.objects.update(requested=8)")
    finally:
        frozen.kill()
        frozen.wait()
    assert _rows(world, "SELECT requested FROM sgportal_workkey WHERE key = 'duties/x'") == [(8,)]


CHAOS = """
import json, random, threading, time
from django.db import connection
from sgportal.models import WorkKey
from sgportal.reconciler.process import session
from sgportal.reconciler.queue import leases, workqueue

KEYS = [f"deploymentgrids/default/g{number}" for number in range(3)]
spans, until = [], time.time() + %(seconds)s

def work():
    while time.time() < until:
        try:
            leases.free_of_the_dead(workqueue.look(1)[1])
            workqueue.enqueue(KEYS)
            with workqueue.acquire(random.choice(KEYS)) as turn:
                if turn:
                    began, ends = time.time(), time.time() + random.uniform(0.2, 6)
                    while time.time() < ends and not turn.lost.is_set():
                        time.sleep(0.01)
                    spans.append((turn.key, began, time.time()))
                    workqueue.done(turn)
        except Exception:
            connection.close()
        time.sleep(random.uniform(0, 0.3))
    connection.close()

threads = [threading.Thread(target=work) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
print(json.dumps(spans))
"""


def test_two_are_never_at_one_key_though_their_connections_break(world):
    """Three processes of four threads want the same three keys, for three quarters of a minute in which PostgreSQL
    again and again ends the connections that hold their locks, or all connections at once."""
    code = f"import django\ndjango.setup()\n{CHAOS % {'seconds': 45}}"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=world.portal.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    locks = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 21319"
    name = world.portal.settings["DATABASE_URL"].rpartition("/")[2]
    everybody = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    for turn in range(21):
        time.sleep(2)
        _rows(world, f"SELECT pg_terminate_backend(pid) FROM ({everybody if turn % 5 == 4 else locks}) AS found")
    spans = []
    for each in running:
        said, errors = each.communicate(timeout=90)
        assert each.returncode == 0, errors.decode()[-2000:]
        spans += json.loads(said)
    assert len(spans) > 20
    for key in {span[0] for span in spans}:
        of_key = sorted(span[1:] for span in spans if span[0] == key)
        overlaps = [(a, b) for a, b in itertools.pairwise(of_key) if b[0] < a[1]]
        assert overlaps == []


@pytest.mark.parametrize("host", ["h", "a" * 63, "b" * 64, "c" * 63 + ".example"])
def test_names_are_whole_and_never_the_same_on_a_host_of_any_name(monkeypatch, host):
    monkeypatch.setattr(identity.socket, "gethostname", lambda: host)
    names = {identity.new_name() for _ in range(1000)}
    assert len(names) == 1000
    assert max(map(len, names)) <= identity.LONGEST
    assert all(name.startswith(f"{host[:64]}:") for name in names)
