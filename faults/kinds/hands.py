"""Hands and controllers of others on what belongs to grids, each on a grid of its own that goes when the fault does."""

import contextlib
import time
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

from tests.kube import control_plane as kube

from ..api import GRIDS, MERGE
from ..setting import Setting
from ..snapshot import KEY
from ..work import image, manifest
from .fault import fault

_DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
_GRID = f"{GRIDS}/deploymentgrids"
_HELD = "faults.example/held"


def _children(at: Setting, name: str) -> list[dict[str, Any]]:
    """The workloads of a grid of this name, also of one that has gone."""
    found = at.api.list(f"{_DEPLOYMENTS}?labelSelector=superedge.io/grid-selector={name}")
    return [each for each in found if "deletionTimestamp" not in each["metadata"]]


def _uid(at: Setting, name: str) -> str:
    uid: str = at.api.request("GET", f"{_GRID}/{name}")["metadata"]["uid"]
    return uid


def _units(at: Setting, key: str) -> set[str]:
    labels = (each["metadata"].get("labels", {}).get(key, "") for each in at.api.list("/api/v1/nodes"))
    return {each for each in labels if each}


def _as_wanted(at: Setting, name: str, key: str = KEY) -> bool:
    """Whether each NodeUnit has one workload of the grid, as it says, and nobody else's is left."""
    children, uid = _children(at, name), _uid(at, name)
    units = [each["spec"]["template"]["spec"].get("nodeSelector", {}).get(key, "") for each in children]
    return sorted(units) == sorted(_units(at, key)) and all(
        [owner["uid"] for owner in each["metadata"].get("ownerReferences", [])] == [uid]
        and each["spec"]["replicas"] == 1
        and each["spec"]["template"]["spec"]["containers"][0]["image"] == image(1)
        for each in children
    )


def _until_as_wanted(at: Setting, name: str, key: str = KEY) -> None:
    began = time.monotonic()
    at.until(lambda: _as_wanted(at, name, key), f"{name} is as wanted")
    at.note(f"as wanted after {time.monotonic() - began:.0f} s")


@contextlib.contextmanager
def _grid(at: Setting, name: str, key: str = KEY) -> Iterator[None]:
    """A grid in every NodeUnit, which goes at the end with all that it has."""
    body = manifest("DeploymentGrid", name)
    body["spec"]["gridUniqKey"] = key
    at.api.request("POST", _GRID, body)
    at.until(lambda: _as_wanted(at, name, key), f"{name} has its workloads")
    try:
        yield
    finally:
        at.api.request("DELETE", f"{_GRID}/{name}")
        at.until(lambda: not _children(at, name), f"the workloads of {name} are gone")


def _try(write: Callable[[], Any]) -> bool:
    """Whether it was taken; not where the object has gone or somebody else wrote it."""
    try:
        write()
    except urllib.error.HTTPError as error:
        if error.code in (404, 409):
            return False
        raise
    return True


@fault(
    "hands-fight",
    "for 30 s somebody scales, moves, takes from its owner or deletes a workload of a grid, three times a second",
)
def hands_fight(at: Setting) -> None:
    """As a script or an autoscaler that knows nothing of grids; the grid has the last word. (A workload that has lost
    its owner and its labels both is a stranger's: the grid says NameConflict, and leaves it alone.)"""
    changes: list[dict[str, Any]] = [
        {"spec": {"replicas": 3}},
        {"spec": {"template": {"spec": {"nodeSelector": {KEY: "nowhere"}}}}},
        {"metadata": {"ownerReferences": []}},
        {"spec": {"replicas": 0}},
    ]
    with _grid(at, "fought"):
        names = sorted(each["metadata"]["name"] for each in _children(at, "fought"))
        taken, ended, turn = 0, time.monotonic() + 30, 0
        while time.monotonic() < ended:
            path = f"{_DEPLOYMENTS}/{names[turn % len(names)]}"
            what = (turn + turn // len(names)) % (len(changes) + 1)  # each in turn for each of them
            if what < len(changes):
                taken += _try(lambda path=path, what=what: at.api.request("PATCH", path, changes[what], MERGE))
            else:
                taken += _try(lambda path=path: at.api.request("DELETE", path))
            turn += 1
            time.sleep(0.3)
        at.note(f"{taken} changes by hand")
        _until_as_wanted(at, "fought")


@fault(
    "deletion-held",
    "somebody's finalizer holds the workloads of a grid that is deleted for 20 s, and a grid of its name is made again"
    " meanwhile",
)
def deletion_held(at: Setting) -> None:
    """What is on its way out is nobody's workload, and its name is free when it is gone."""
    with _grid(at, "held"):
        names = [each["metadata"]["name"] for each in _children(at, "held")]
        for name in names:
            at.api.request("PATCH", f"{_DEPLOYMENTS}/{name}", {"metadata": {"finalizers": [_HELD]}}, MERGE)
        uid = _uid(at, "held")
        at.api.request("DELETE", f"{_GRID}/held")
        at.until(lambda: not _children(at, "held"), "its workloads are on their way out")
        at.until(lambda: _gone_or_another(at, "held", uid), "the grid is gone")
        at.api.request("POST", _GRID, manifest("DeploymentGrid", "held"))
        time.sleep(20)
        for name in names:
            _try(
                lambda name=name: at.api.request(
                    "PATCH", f"{_DEPLOYMENTS}/{name}", {"metadata": {"finalizers": None}}, MERGE
                )
            )
        _until_as_wanted(at, "held")


def _gone_or_another(at: Setting, name: str, uid: str) -> bool:
    try:
        return _uid(at, name) != uid
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return True
        raise


@fault("grid-orphaned", "a grid is deleted with --cascade=orphan and applied again at once, five times")
def grid_orphaned(at: Setting) -> None:
    """As who moves a grid from one tool to another: what runs goes on, and has an owner again."""
    with _grid(at, "orphan"):
        before = {each["metadata"]["name"]: each["metadata"]["uid"] for each in _children(at, "orphan")}
        for _ in range(5):
            uid = _uid(at, "orphan")
            at.api.request("DELETE", f"{_GRID}/orphan", {"propagationPolicy": "Orphan"})
            at.until(lambda uid=uid: _gone_or_another(at, "orphan", uid), "the grid is gone")
            at.api.request("POST", _GRID, manifest("DeploymentGrid", "orphan"))
            time.sleep(2)
        _until_as_wanted(at, "orphan")
        after = {each["metadata"]["name"]: each["metadata"]["uid"] for each in _children(at, "orphan")}
        at.note(f"{sum(after.get(name) == uid for name, uid in before.items())} of {len(before)} workloads ran through")


@fault(
    "node-renamed",
    "the only node of a NodeUnit is deleted and joins under another name with the same label, five times, once after"
    " 10 s",
)
def node_renamed(at: Setting) -> None:
    """A machine that was set up anew: the NodeUnit keeps its workload, which is not made a second time."""
    _join(at, "machine-0")
    try:
        with _grid(at, "racked", "rack"):
            before = [each["metadata"]["uid"] for each in _children(at, "racked")]
            for number in range(1, 6):
                at.api.request("DELETE", f"/api/v1/nodes/machine-{number - 1}")
                time.sleep(10 if number == 3 else 0)
                _join(at, f"machine-{number}")
                time.sleep(2)
            _until_as_wanted(at, "racked", "rack")
            after = [each["metadata"]["uid"] for each in _children(at, "racked")]
            assert after == before, f"{before} became {after}"
            at.until(
                lambda: _children(at, "racked")[0].get("status", {}).get("readyReplicas") == 1, "it runs on the last"
            )
    finally:
        at.api.request("DELETE", "/api/v1/nodes/machine-5")


def _join(at: Setting, name: str) -> None:
    at.plane.add_node(name, 90 + int(name[-1]), rack="r1")
    at.until(lambda: kube.ready(at.plane, name), f"{name} is Ready")
