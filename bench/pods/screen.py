"""From a pod's readiness, written to a real API server, to its cell in a real browser that shows the overview."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.browser.conftest import FLAGS
from tests.services import chromium, connects, free_port, wait_for

from .. import stage
from ..live import cookie

ROUNDS, EVERY = 40, 4.0
SHOWN = 50  # units on the page


def run(world: str = "api:10000x1000") -> dict[str, Any]:
    """`{p50, p95, rounds}` in ms: one pod becomes ready or ceases to be, and its Deployment says so, as Kubernetes'
    controllers would have it; the clock runs from the first of these two writes."""
    units = int(world.partition("x")[2])
    with stage.stage(world), stage.portal("watch", "worker"):
        pods = _make(units)
        port, said = free_port(), cookie()
        os.environ["ALLOWED_HOSTS"] = "127.0.0.1"
        with stage.process([*stage.command("web"), "--port", str(port)]):
            wait_for(lambda: connects(port), 60, "the web process listens")
            with ThreadPoolExecutor(1) as thread:  # Playwright keeps an event loop, in which Django asks no database
                times = thread.submit(_watch, port, said, pods).result()
    return {"p50": stage.percentile(times, 50), "p95": stage.percentile(times, 95), "rounds": len(times)}


def _make(units: int) -> list[str]:
    """A Ready grid, and a pod in each of the first units; the names of these units."""
    from sgportal.models import Child, GridUnit
    from sgportal.reconciler.process.connection import cluster

    stage.save(stage.grid("web"))
    rows = Child.objects.of_grids()
    stage.wait(lambda: rows.count() == units, 600, "all children", pause=1)
    asked = cluster()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: _ready(asked, name, True), rows.values_list("name", flat=True)))
        names = [f"unit-{number:04}" for number in range(min(units, SHOWN))]
        list(pool.map(lambda unit: asked.create(_pod(unit)), names))
        list(pool.map(lambda unit: _pod_ready(asked, unit, True), names))
    stage.wait(lambda: GridUnit.objects.filter(state="Ready").count() == units, 600, "the grid is ready", pause=1)
    stage.wait(stage.settled, 60, "quiet again", pause=0.5)
    return names


def _pod(unit: str) -> dict[str, Any]:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"web-{unit}-5d4f8c7b9", "controller": True}
    labels = {"app": "web", "pod-template-hash": "5d4f8c7b9"}
    metadata = {"name": f"web-{unit}-5d4f8c7b9-1", "namespace": "default", "labels": labels}
    metadata["ownerReferences"] = [{**owner, "uid": "00000000-0000-0000-0000-000000000000"}]
    container = {"name": "main", "image": "registry.example/app:1"}
    spec = {"containers": [container], "nodeName": f"edge-{int(unit.removeprefix('unit-')):05}"}
    spec |= {"automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _pod_ready(asked: Any, unit: str, ready: bool) -> None:
    condition = {"type": "Ready", "status": str(ready)}
    status = {"phase": "Running", "podIP": "10.0.0.1", "conditions": [condition]}
    _patch(asked, "Pod", f"web-{unit}-5d4f8c7b9-1", status)


def _ready(asked: Any, name: str, ready: bool) -> None:
    counts = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": int(ready), "availableReplicas": int(ready)}
    _patch(asked, "Deployment", name, {"observedGeneration": 1, **counts})


def _patch(asked: Any, kind: str, name: str, status: dict[str, Any]) -> None:
    content = "application/merge-patch+json"
    asked.patch(kind, "default", name, {"status": status}, content, subresource="status")


def _watch(port: int, said: str, units: list[str]) -> list[float]:
    from playwright.sync_api import sync_playwright

    from sgportal.reconciler.process.connection import writable

    name, _, value = said.partition("=")
    address = f"http://127.0.0.1:{port}"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(bypass_csp=True)  # which keeps a script of ours from asking the page
        context.add_cookies([{"name": name, "value": value, "url": address}])
        page = context.new_page()
        page.goto(f"{address}/matrix/?group=site")
        asked, times = writable(), []
        for number in range(ROUNDS):
            unit, ready = units[number // 2 % len(units)], number % 2 == 1
            time.sleep(EVERY)
            since = time.perf_counter()
            _pod_ready(asked, unit, ready)
            _ready(asked, f"web-{unit}", ready)
            shown = f'document.querySelector(\'a.tile[href$="/web/units/{unit}/"] b\')?.textContent === "{int(ready)}"'
            page.wait_for_function(shown, polling=10, timeout=30_000)
            times.append((time.perf_counter() - since) * 1000)
        browser.close()
    return times
