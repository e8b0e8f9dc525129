"""A keeper that dies, or stands still: how long until another has the EndpointSlices follow, on both databases."""

import json
import os
import signal
import time

import pytest

from sgportal.cluster import MERGE_PATCH, connect
from sgportal.core.names import CLOSURE, SELECTOR, ZONE
from sgportal.core.traffic.closure import Closure, write_closure
from tests.services import in_time, wait_for

from .workers import World

pytestmark = pytest.mark.timeout(300)
SECONDS = 5.0
BEATS = "from sgportal.models import Heartbeat; print(Heartbeat.objects.filter(kind='keeper').count())"


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
    """A node's zone is another; how long until sentinels name it."""
    node = world.client.list("Node").items[0]["metadata"]["name"]
    began = time.monotonic()
    world.client.patch("Node", "", node, {"metadata": {"labels": {ZONE: zone}}}, MERGE_PATCH)

    def named():
        listed = world.client.list("EndpointSlice", "default").items
        hints = [hint for each in listed for endpoint in each["endpoints"] for hint in endpoint["hints"]["forZones"]]
        return {"name": zone} in hints

    wait_for(named, 75, "sentinels name it", pause=0.05)
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("database", "end"),
    [("sqlite", signal.SIGKILL), pytest.param("postgres", signal.SIGSTOP, marks=pytest.mark.postgres)],
    ids=["SQLite, killed", "PostgreSQL, frozen"],
)
def test_another_keeper_goes_on_within_five_seconds(world, end):
    """One that is killed on PostgreSQL is in `test_takeover`."""
    world.start("watch", "keeper")
    follows(world, "first")
    world.start("keeper2")
    wait_for(lambda: world.portal.python(BEATS) == "2", 75, "another stands by")
    time.sleep(1)
    pid = world.portal.running["keeper"].pid
    os.killpg(pid, end)
    try:
        assert in_time(follows(world, "second"), SECONDS)
    finally:
        os.killpg(pid, signal.SIGCONT if end == signal.SIGSTOP else signal.SIGKILL)
