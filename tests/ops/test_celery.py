"""Workers are killed and Redis forgets, and nothing is lost or done twice."""

import json
import sys

import pytest

from tests.services import free_port, run_redis, wait_for

from .processes import Portal, command_of

pytestmark = [pytest.mark.redis, pytest.mark.timeout(240)]
GRIDS, UNITS = 12, 5
CHILDREN = GRIDS * UNITS

CREATE = f"""
from sgportal.actions import Actor, save_grids
def grid(number):
    labels = {{"app": f"g{{number}}"}}
    pod = {{"metadata": {{"labels": labels}}, "spec": {{"containers": [{{"name": "c", "image": "i"}}]}}}}
    template = {{"replicas": 1, "selector": {{"matchLabels": labels}}, "template": pod}}
    return {{"apiVersion": "superedge.io/v1", "kind": "DeploymentGrid",
            "metadata": {{"name": f"g{{number}}", "namespace": "default"}},
            "spec": {{"gridUniqKey": "site", "template": template}}}}
save_grids([grid(number) for number in range({GRIDS})], Actor("test", "shell"))
"""
STATE = """
import json
from sgportal.models import Grid, GridUnit, WorkKey
from django.db.models import F
ready = GridUnit.objects.filter(state="Ready").count()
print(json.dumps({"waiting": WorkKey.objects.filter(requested__gt=F("done")).count(), "ready": ready}))
"""


@pytest.fixture
def world(embedded_cluster, redis_server, tmp_path):
    cluster = embedded_cluster(f"large:{UNITS * 2}x{UNITS}")
    redis_server.client().flushall()
    portal = Portal(
        tmp_path,
        {
            "SECRET_KEY": "only-for-tests",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite3'}",
            "CELERY_BROKER_URL": redis_server.url,
            "SGPORTAL_CLUSTER": "demo",
            "SGPORTAL_DEMO_KUBECONFIG": str(cluster.kubeconfig_path),
            "SGPORTAL_SWEEP_SECONDS": "1",
            "SGPORTAL_LEASE_SECONDS": "3",
        },
    )
    portal.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"])
    yield portal, cluster
    portal.stop()


def _start(portal: Portal, workers: tuple[str, ...]) -> None:
    portal.start("watch", command_of("watch"))
    portal.start("beat", command_of("beat"))
    for name in workers:
        _start_worker(portal, name)


def _start_worker(portal: Portal, name: str) -> None:
    command = command_of("worker")
    command[command.index("--hostname") + 1] = f"{name}@%h"
    command[command.index("--concurrency") + 1] = "2"
    portal.start(name, [*command, "--pool", "prefork"])


def _deployments(cluster) -> list[str]:
    return cluster.call(lambda: [each["metadata"]["name"] for each in cluster.store.each("deployments.apps")])


def _writes(cluster) -> dict[str, int]:
    """The writes to children and grids; status of pods and nodes is the cluster's own life."""
    plurals = ("deployments", "deploymentgrids")
    return {
        f"{method} {plural}": count
        for (method, plural), count in cluster.requests.items()
        if plural in plurals and method not in ("GET", "WATCH")
    }


def _settled(portal: Portal, cluster) -> bool:
    state = json.loads(portal.python(STATE))
    return state == {"waiting": 0, "ready": CHILDREN} and len(_deployments(cluster)) == CHILDREN


def test_a_killed_worker_and_an_emptied_redis_lose_nothing(world, redis_server):
    portal, cluster = world
    _start(portal, ("first", "second"))
    cluster.faults.add("delay", seconds=0.15, methods=("PATCH",), path="/deployments/")
    portal.python(CREATE)
    wait_for(lambda: len(_deployments(cluster)) >= UNITS, 60, "some children are there")
    portal.kill("first")
    redis_server.client().flushall()
    assert len(_deployments(cluster)) < CHILDREN, "the kill was meant to come in the middle"
    wait_for(lambda: _settled(portal, cluster), 90, "every grid has its children", pause=1)

    assert sorted(_deployments(cluster)) == sorted(f"g{n}-site-{u:04}" for n in range(GRIDS) for u in range(UNITS))
    # What was under way when the worker died may be applied once more (two processes, a grid each); nothing else is.
    assert _writes(cluster)["PATCH deployments"] <= CHILDREN + 2 * UNITS


def test_what_is_settled_is_left_alone(world):
    portal, cluster = world
    _start(portal, ("only",))
    portal.python(CREATE)
    wait_for(lambda: _settled(portal, cluster), 90, "every grid has its children", pause=1)
    assert _writes(cluster)["PATCH deployments"] == CHILDREN
    cluster.reset_counts()
    portal.python("from sgportal.reconciler.tasks import resync\nresync()")  # every grid is wished for once more
    wait_for(lambda: _settled(portal, cluster), 30, "every grid was looked at", pause=1)
    assert cluster.requests["GET", "deployments"] >= GRIDS
    assert _writes(cluster) == {}


def test_without_redis_at_first_everything_comes_later(world, tmp_path):
    """Intent is stored while no message can be sent; when Redis comes, and a worker, they find it."""
    portal, cluster = world
    port = free_port()
    portal.settings = {**portal.settings, "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0"}
    portal.start("watch", command_of("watch"))
    portal.python(CREATE)
    with run_redis(tmp_path, port):
        portal.start("beat", command_of("beat"))
        _start_worker(portal, "late")
        wait_for(lambda: _settled(portal, cluster), 90, "every grid has its children", pause=1)
        assert portal.stop() == {"watch": 0, "beat": 0, "late": 0}
