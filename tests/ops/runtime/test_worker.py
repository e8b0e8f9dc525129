"""Workers are killed, Redis goes, hangs, forgets, holds nonsense: nothing is lost, nothing done twice, nobody waits."""

import os
import re
import signal
import time

import pytest

from tests.services import free_port, in_time, run_redis, wait_for

from .workers import World, is_alive, kill

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.timeout(400)]
GRIDS, UNITS = 12, 5
CHILDREN = GRIDS * UNITS


@pytest.fixture
def world(embedded_cluster, postgres_server, tmp_path):
    """A world without services; its broker is a port where nobody listens yet."""
    made = World(
        tmp_path,
        embedded_cluster(f"large:{UNITS * 2}x{UNITS}"),
        UNITS,
        postgres_server.url(),
        f"redis://127.0.0.1:{free_port()}/0",
    )
    yield made
    made.portal.stop()


@pytest.fixture
def broker(world, tmp_path):
    """A Redis where the world expects it."""
    with run_redis(tmp_path, _port(world)) as server:
        yield server


def _port(world):
    return int(world.portal.settings["CELERY_BROKER_URL"].split(":")[2].split("/")[0])


def _pid(redis):
    return int(redis.client().info("server")["process_id"])


def _writes(cluster) -> dict[str, int]:
    """The writes to children and grids that were accepted; status of pods and nodes is the cluster's own life."""
    plurals = ("deployments", "deploymentgrids")
    return {
        f"{method} {plural}": count
        for (method, plural), count in cluster.accepted.items()
        if plural in plurals and method not in ("GET", "WATCH")
    }


def _settles(world, grids=GRIDS):
    wait_for(lambda: world.settled(grids), 150, "every grid has its children", pause=1)


def test_a_killed_worker_and_an_emptied_redis_lose_nothing(world, broker):
    world.start("watch", "worker", "worker2")
    world.hold(after=CHILDREN // 2)
    world.create(0, GRIDS)
    wait_for(world.is_holding, 75, "half of the writes are done")
    world.portal.kill("worker")
    broker.client().flushall()
    world.cluster.faults.clear()
    _settles(world)
    assert sorted(world.deployments()) == sorted(f"g{n}-site-{u:04}" for n in range(GRIDS) for u in range(UNITS))
    # What was under way when the worker died may be applied once more (two processes of four threads); nothing else is.
    assert _writes(world.cluster)["PATCH deployments"] <= CHILDREN + 8 * UNITS


@pytest.mark.parametrize("seconds", [0, 0.4])
def test_what_is_settled_is_left_alone(world, broker, seconds):
    """Where lists take long, the watch sees nodes while grids are reconciled: cells try to create what their rows do
    not know yet, and are refused."""
    world.cluster.faults.add("delay", seconds=seconds, methods=("GET",), path="/deployments")
    world.start("watch", "worker")
    world.create(0, GRIDS)
    _settles(world)
    assert _writes(world.cluster)["PATCH deployments"] == CHILDREN
    world.cluster.reset_counts()
    world.portal.python("from sgportal.reconciler.duties import resync\nresync()")  # every grid is wished for once more
    _settles(world)
    assert 1 <= world.cluster.requests["GET", "deployments"] < GRIDS, "one list for all"
    assert world.cluster.requests["PATCH", "deployments"] == 0
    assert _writes(world.cluster) == {}


def test_without_a_broker_from_the_start_work_is_done_and_nobody_waits(world):
    """Nobody listens where Redis should be: 201 at once, and the children are there seconds later. The API server is
    not asked before a save: how long that may take is test_dry_run's affair."""
    world.portal.settings = {**world.portal.settings, "SGPORTAL_DRY_RUN_SECONDS": "0"}
    world.start("watch", "worker")
    world.web()
    wait_for(lambda: world.checks("?exclude=workers")["workers"] == "ok", 75, "a worker lives")
    slowest = 0.0
    for number in range(GRIDS):
        began = time.monotonic()
        status, _ = world.ask("/api/v1/deploymentgrids", _manifest(number))
        slowest = max(slowest, time.monotonic() - began)
        assert status == 201
    assert in_time(slowest, 1.5)
    _settles(world)
    assert world.checks()["broker"]["states"] == {"away": 2}
    assert world.portal.stop() == {"watch": 0, "worker": 0, "web": -signal.SIGTERM}


def _manifest(number):
    labels = {"app": f"g{number}"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    template = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "DeploymentGrid",
        "metadata": {"name": f"g{number}", "namespace": "default"},
        "spec": {"gridUniqKey": "site", "template": template},
    }


def test_redis_dies_in_the_middle_and_comes_back(world, tmp_path):
    """No process ends, work goes on without it, and messages are taken again when it is there."""
    world.start("watch", "worker", "worker2")
    world.hold(after=CHILDREN // 2)
    with run_redis(tmp_path, _port(world)) as server:
        world.web()
        wait_for(lambda: world.checks()["broker"]["states"] == {"ok": 4}, 75, "all workers take messages")
        before = {*world.children("worker"), *world.children("worker2")}
        world.create(0, GRIDS)
        wait_for(world.is_holding, 75, "half of the writes are done")
        kill(_pid(server))
        world.cluster.faults.clear()
        _settles(world)
    assert {*world.children("worker"), *world.children("worker2")} == before
    wait_for(lambda: world.checks()["broker"]["states"] == {"away": 4}, 75, "the workers say that it is away")
    with run_redis(tmp_path, _port(world)) as server:
        wait_for(lambda: world.checks()["broker"]["states"] == {"ok": 4}, 75, "all workers take messages again")
        world.create(GRIDS, GRIDS + 1)
        assert int(server.client().info("stats")["total_commands_processed"]) > 0
        _settles(world, GRIDS + 1)
        assert world.portal.stop()["worker"] == 0


def test_a_redis_that_hangs_holds_up_nobody(world, tmp_path):
    world.start("watch", "worker")
    with run_redis(tmp_path, _port(world)) as server:
        world.web()
        wait_for(lambda: world.checks()["broker"]["states"] == {"ok": 2}, 75, "the workers take messages")
        assert world.ask("/api/v1/deploymentgrids", _manifest(0))[0] == 201
        pid = _pid(server)
        os.kill(pid, signal.SIGSTOP)
        try:
            slowest = 0.0
            for number in range(1, GRIDS):
                began = time.monotonic()
                assert world.ask("/api/v1/deploymentgrids", _manifest(number))[0] == 201
                slowest = max(slowest, time.monotonic() - began)
            assert in_time(slowest, 2.5), "the cache gives up after half a second, twice, and then leaves it alone"
            _settles(world)
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("name", ["celery", "_kombu.binding.celery", "unacked"])
def test_a_redis_that_holds_something_else_under_our_names_is_told_plainly(world, broker, name):
    broker.client().set(f"sgportal:{name}", "another program's")
    world.start("watch", "worker")
    world.web()
    wait_for(lambda: world.checks("?exclude=workers")["broker"]["states"] == {"taken": 2}, 75, "the workers say so")
    detail = world.checks()["broker"]["detail"]
    assert f"“sgportal:{name}” is a string there" in detail
    assert "CELERY_BROKER_URL" in detail
    assert detail in world.portal.log("worker")
    world.create(0, GRIDS)
    _settles(world)
    assert broker.client().get(f"sgportal:{name}") == b"another program's"
    broker.client().delete(f"sgportal:{name}")
    wait_for(lambda: world.checks()["broker"]["states"] == {"ok": 2}, 75, "the workers take messages")
    assert "Traceback" not in world.portal.log("worker")


def test_somebody_takes_our_names_while_workers_run(world, broker):
    world.start("watch", "worker")
    world.web()
    wait_for(lambda: world.checks("?exclude=workers")["broker"]["states"] == {"ok": 2}, 75, "the workers take messages")
    before = world.children()
    broker.client().flushall()
    for name in ("celery", "unacked", "unacked_index", "_kombu.binding.celery"):
        broker.client().set(f"sgportal:{name}", "another program's")
    world.create(0, GRIDS)
    _settles(world)
    assert world.children() == before
    wait_for(lambda: world.checks()["broker"]["states"] == {"taken": 2}, 75, "the workers say so")


def test_a_process_that_is_killed_is_begun_anew(world):
    world.start("worker")
    wait_for(lambda: len(world.children()) == 2, 75, "two processes")
    first, second = world.children()
    kill(first)
    wait_for(lambda: len(set(world.children()) - {first, second}) == 1, 75, "another one follows")
    assert second in world.children()
    assert "ended by itself" in world.portal.log("worker")


def test_nobody_is_left_when_the_one_who_begins_them_is_killed(world):
    world.start("worker")
    wait_for(lambda: len(world.children()) == 2, 75, "two processes")
    children = world.children()
    time.sleep(2)
    supervisor = world.portal.running.pop("worker")
    kill(supervisor.pid)
    supervisor.wait(75)
    wait_for(lambda: not any(map(is_alive, children)), 75, "they end by themselves")


def _oldest(world):
    """What `/metrics` says of how long the oldest work has been waiting, in seconds."""
    return float(re.search(r"^sgportal_work_oldest_seconds (\S+)$", world.ask("/metrics")[1], re.MULTILINE)[1])


def test_readiness_and_a_metric_tell_that_no_worker_lives(world):
    world.web()
    status, answer = world.ask("/readyz")
    assert (status, answer["status"]) == (503, "unready")
    assert "none lives" in answer["checks"]["workers"]
    assert world.ask("/readyz?exclude=workers")[0] == 200
    assert 'sgportal_processes{kind="worker"} 0.0' in world.ask("/metrics")[1]
    assert world.ask("/api/v1/deploymentgrids", _manifest(0))[0] == 201
    wait_for(lambda: _oldest(world) > 3, 75, "the metric tells that work waits and nobody begins it")
    world.start("worker", "worker2")
    wait_for(lambda: world.checks()["processes"]["worker"] == 4, 75, "four workers live")
    wait_for(lambda: _oldest(world) == 0, 75, "nothing waits any more")
    assert world.ask("/readyz")[0] == 200
    assert 'sgportal_processes{kind="worker"} 4.0' in world.ask("/metrics")[1]
    world.portal.kill("worker")
    began = time.monotonic()
    wait_for(lambda: world.checks()["processes"]["worker"] == 2, 75, "two workers live")
    world.portal.kill("worker2")
    wait_for(lambda: world.ask("/readyz")[0] == 503, 75, "none lives")
    assert in_time(time.monotonic() - began, 5)
