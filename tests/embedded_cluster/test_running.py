"""Start, stop, survive: the cluster as a process, its worlds and its size."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from embedded_cluster import EmbeddedCluster
from tests.contract.conftest import Server, a_deployment, a_map
from tests.services import in_time

from .conftest import APPS, CORE


def test_it_starts_soon_and_leaves_nothing_behind():
    before = set(threading.enumerate())
    cluster = EmbeddedCluster("walkthrough")
    since = time.monotonic()
    cluster.start()
    assert in_time(time.monotonic() - since, 5)
    server = Server(cluster.kubeconfig_path, cluster)
    watching = threading.Thread(target=lambda: _quietly(server, f"{CORE}/configmaps?watch=true&resourceVersion=1"))
    watching.start()
    server.until(lambda: cluster.requests["WATCH", "configmaps"])
    cluster.faults.add("silence", path="secrets")
    silent = threading.Thread(target=lambda: _quietly(server, f"{CORE}/secrets"))
    silent.start()
    time.sleep(0.2)
    since = time.monotonic()
    cluster.stop()
    assert in_time(time.monotonic() - since, 5)
    watching.join(75)
    silent.join(75)
    assert set(threading.enumerate()) <= before
    assert not cluster.kubeconfig_path.exists()


def _quietly(server, path):
    """Ask, and bear that the answer breaks off."""
    try:
        server("GET", path)
    except Exception:
        return


def test_what_is_secret_is_private(tmp_path):
    with EmbeddedCluster("walkthrough", tmp_path / "state") as cluster:
        private = (cluster.kubeconfig_path, tmp_path / "state" / "server.key", tmp_path / "state" / "objects.jsonl")
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_objects_survive_a_restart_and_versions_go_on(tmp_path):
    with EmbeddedCluster("walkthrough", tmp_path) as cluster:
        made = Server(cluster.kubeconfig_path, cluster)("POST", f"{CORE}/configmaps", a_map("a", {"k": "v"})).body
    with EmbeddedCluster("walkthrough", tmp_path) as cluster:
        server = Server(cluster.kubeconfig_path, cluster)
        assert server("GET", f"{CORE}/configmaps/a").body["metadata"] == made["metadata"]
        later = server("POST", f"{CORE}/configmaps", a_map("b")).body["metadata"]["resourceVersion"]
        assert int(later) > int(made["metadata"]["resourceVersion"])
        stale = server.watch(f"{CORE}/configmaps?resourceVersion={made['metadata']['resourceVersion']}", 1)
        assert stale[0]["object"]["code"] == 410


def test_killed_in_the_middle_it_loses_nothing_it_has_confirmed(tmp_path):
    command = [sys.executable, "-m", "embedded_cluster", "--world", "walkthrough", "--state", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    with process.stdout:
        process.stdout.readline()
        server = Server(Path(process.stdout.readline().strip().partition("=")[2]), None)
        for number in range(50):
            assert server("POST", f"{CORE}/configmaps", a_map(f"m{number}")).status == 201
        os.kill(process.pid, signal.SIGKILL)
        process.wait(75)
    with (tmp_path / "objects.jsonl").open("ab") as journal:
        journal.write(b'[0,"configmaps",false,{"metadata":{"na')
    with EmbeddedCluster("walkthrough", tmp_path) as cluster:
        items = Server(cluster.kubeconfig_path, cluster)("GET", f"{CORE}/configmaps").body["items"]
    assert {f"m{number}" for number in range(50)} < {each["metadata"]["name"] for each in items}


def test_the_journal_does_not_grow_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("embedded_cluster.objects.persist.GROWTH", 50_000)
    with EmbeddedCluster("empty", tmp_path) as cluster:
        server = Server(cluster.kubeconfig_path, cluster)
        server("POST", f"{CORE}/configmaps", a_map("a"))
        for number in range(120):
            server("PUT", f"{CORE}/configmaps/a", a_map("a", {"n": f"{number}" * 400}))
    assert (tmp_path / "objects.jsonl").stat().st_size < 120_000


def test_the_world_of_sites_has_its_troubles():
    with EmbeddedCluster("sites") as cluster:
        nodes = Server(cluster.kubeconfig_path, cluster)("GET", "/api/v1/nodes").body["items"]
    ready = [c["status"] for node in nodes for c in node["status"]["conditions"] if c["type"] == "Ready"]
    assert len(nodes) == 36
    assert (ready.count("Unknown"), ready.count("False")) == (2, 1)
    assert sum(bool(node["spec"].get("unschedulable")) for node in nodes) == 1
    assert {"node0", "node1", "node2"} == {
        n["metadata"]["name"] for n in nodes if "site" not in n["metadata"]["labels"]
    }


def test_an_unknown_world_is_refused():
    with pytest.raises(ValueError, match="unknown world"), EmbeddedCluster("mars"):
        pass


def test_many_at_once():
    """300 Deployments from 16 threads on 100 nodes: all there, all ready."""
    with EmbeddedCluster("large:100x50") as cluster:
        server = Server(cluster.kubeconfig_path, cluster)

        def create(number):
            body = a_deployment(f"d{number}", replicas=1)
            body["spec"]["template"]["spec"]["nodeSelector"] = {"site": f"site-{number % 50:04}"}
            return server("POST", f"{APPS}/deployments", body).status

        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(create, range(300))) == {201}

        def ready():
            items = server("GET", f"{APPS}/deployments").body["items"]
            return sum(each.get("status", {}).get("readyReplicas", 0) for each in items) == 300

        server.until(ready)
