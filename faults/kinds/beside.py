"""What others do in the cluster: labels, definitions and namespaces."""

import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml

from tests.house.tree import ROOT

from ..api import GRIDS, MERGE
from ..setting import Setting
from ..snapshot import KEY
from ..work import manifest
from .fault import fault

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CHILDREN = ("/apis/apps/v1", "deployments")
_ELSEWHERE = "elsewhere"


def _label(at: Setting, node: str, value: str | None) -> None:
    at.api.request("PATCH", f"/api/v1/nodes/{node}", {"metadata": {"labels": {KEY: value}}}, MERGE)


def _there(at: Setting, path: str) -> bool:
    try:
        at.api.request("GET", path)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise
    return True


def _storm(at: Setting) -> int:
    """Take off all labels, give each node every other's, take them off again, five times; then as they were. Nodes that
    the work moves are left to it. How many labels were written."""
    rows = at.api.list("/api/v1/nodes")
    mine = {
        each["metadata"]["name"]: each["metadata"]["labels"].get(KEY)
        for each in rows
        if not each["spec"].get("unschedulable")
    }
    names, values, count = list(mine), list(mine.values()), 0
    for turn in range(1, 6):
        for shift in (None, turn, None):
            for number, name in enumerate(names):
                _label(at, name, None if shift is None else values[(number + shift) % len(values)])
                count += 1
    for name, value in mine.items():
        _label(at, name, value)
    return count + len(mine)


@fault(
    "labels-storm", "the API server cannot be reached for 30 s while every node's label is taken off and moved 15 times"
)
def labels_storm(at: Setting) -> None:
    """At the end every node is where it was."""
    at.to_cluster.refuse()
    try:
        began = time.monotonic()
        at.note(f"{_storm(at)} labels written")
        time.sleep(max(0.0, 30 - (time.monotonic() - began)))
    finally:
        at.to_cluster.mend()


@fault("labels-storm-seen", "every node's label is taken off and moved 15 times before the portal's eyes")
def labels_storm_seen(at: Setting) -> None:
    """At the end every node is where it was."""
    began = time.monotonic()
    at.note(f"{_storm(at)} labels written in {time.monotonic() - began:.0f} s")
    time.sleep(10)


@fault("labels-thousand", "1,000 label changes of the nodes by eight at once, as fast as the API server takes them")
def labels_thousand(at: Setting) -> None:
    """At the end every node is where it was."""
    rows = at.api.list("/api/v1/nodes")
    mine = {
        each["metadata"]["name"]: each["metadata"]["labels"].get(KEY)
        for each in rows
        if not each["spec"].get("unschedulable")
    }
    names, values = list(mine), [*mine.values(), None]
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda turn: _label(at, names[turn % len(names)], values[turn % len(values)]), range(1000)))
    at.note(f"in {time.monotonic() - began:.1f} s")
    for name, value in mine.items():
        _label(at, name, value)
    time.sleep(10)


@fault(
    "definitions-recreated",
    "all grids' definitions deleted, and with them, by Kubernetes, every grid and workload; made again after 10 s; an"
    " administrator has all restored",
)
def definitions_recreated(at: Setting) -> None:
    """Nothing is made or forgotten before somebody decides."""
    at.rest()
    at.anew = True
    bodies = [each for each in yaml.safe_load_all((ROOT / "deploy" / "crds.yaml").read_text()) if each]
    paths = [f"{_DEFINITIONS}/{each['metadata']['name']}" for each in bodies if each["spec"]["group"] == "superedge.io"]
    rows = at.rows("SELECT kind, name FROM sgportal_grid ORDER BY 1, 2")
    for path in paths:
        at.api.request("DELETE", path)
    at.until(lambda: not any(_there(at, path) for path in paths), "the definitions are gone")
    time.sleep(10)
    for each in bodies:
        if each["spec"]["group"] == "superedge.io":
            at.api.request("POST", _DEFINITIONS, each)
    time.sleep(10)
    kept = at.rows("SELECT kind, name FROM sgportal_grid ORDER BY 1, 2")
    assert kept == rows, f"the portal forgot {sorted(set(rows) - set(kept))}"
    there = len(at.api.list(f"{GRIDS}/deploymentgrids"))
    assert not there, f"{there} grids were made before anybody had decided"
    door = at.door()
    halt: Any = at.until(lambda: door.ask("GET", "cluster")[1].get("halt"), "the portal has stopped")
    at.note(f"stopped for {halt['reason']}, {len(kept)} grids kept")
    status, said, _ = door.ask("POST", "cluster/decision", {"choice": "restore", "halt": halt["id"]})
    assert status < 300, said


@fault(
    "namespace-recreated", "a namespace with two grids deleted while the API server cannot be reached, and made again"
)
def namespace_recreated(at: Setting) -> None:
    """What went with it stays away, also where a namespace of that name is there again."""
    door, path = at.door(), f"/api/v1/namespaces/{_ELSEWHERE}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _ELSEWHERE}}
    at.api.request("POST", "/api/v1/namespaces", body)
    for name in ("gone-0", "gone-1"):
        made = manifest("DeploymentGrid", name)
        made["metadata"]["namespace"] = _ELSEWHERE
        status, said, _ = door.ask("POST", "deploymentgrids", made)
        assert status in (201, 202), said
    children = f"{_CHILDREN[0]}/namespaces/{_ELSEWHERE}/{_CHILDREN[1]}"
    at.until(lambda: len(at.api.list(children)) >= 2, "the namespace has workloads")
    time.sleep(5)
    at.to_cluster.refuse()
    try:
        at.api.request("DELETE", path)
        at.until(lambda: not _there(at, path), "the namespace is gone")
        at.api.request("POST", "/api/v1/namespaces", body)
    finally:
        at.to_cluster.mend()
    ours = "SELECT count(*) FROM sgportal_grid WHERE namespace = %s"
    at.until(lambda: at.rows(ours, _ELSEWHERE) == [(0,)], "the portal has forgotten its grids")
    time.sleep(10)
    left = at.api.list(children)
    assert not left, f"{len(left)} workloads in a namespace that was made anew"
