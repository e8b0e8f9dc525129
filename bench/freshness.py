"""From a pod's readiness to the EndpointSlice that shows it: the keeper, and beside it the cluster's own controller for
an ordinary Service over the same pods, at twenty changes a second."""

import contextlib
import json
import queue
import threading
import time
from typing import Any

from . import stage

PODS, CHANGES, EVERY = 40, 600, 0.05
PLAIN, CLOSED = "plain-svc", "closed-svc"


def run(world: str) -> dict[str, Any]:
    """`{keeper: {p50, p99}, builtin: {p50, p99}, ratio}` in milliseconds; `ratio` of the 99th percentiles."""
    with stage.stage(world):
        from sgportal.reconciler import access
        from sgportal.reconciler.keeper import Keeper

        cluster, stop = access.unchecked(), threading.Event()
        keeper = Keeper(access.reading, access.unchecked, "sgportal")
        running = stage.in_background(lambda: keeper.run(stop))
        try:
            pods = _pods(cluster)
            _services(cluster)
            heard: queue.Queue[tuple[float, str, dict[str, bool]]] = queue.Queue()
            stage.in_background(lambda: _listen(cluster, heard))
            time.sleep(5)
            return _measure(cluster, pods, heard)
        finally:
            stop.set()
            running.join(10)


def _pods(cluster: Any) -> list[dict[str, Any]]:
    body = stage.grid("fresh", replicas=PODS)["spec"]["template"]
    metadata = {"name": "fresh", "namespace": "default"}
    cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": body})

    def ready() -> list[dict[str, Any]]:
        found = cluster.list("Pod", "default", label_selector="app=fresh").items
        there = [each for each in found if each["status"].get("podIP")]
        return there if len(there) == PODS else []

    found: list[dict[str, Any]] = stage.wait(ready, 60, "the pods run")
    return found


def _services(cluster: Any) -> None:
    closure = {"mode": "strict", "key": "site", "failover": []}
    annotations = {
        "sgportal.superedge.io/closure": json.dumps(closure),
        "sgportal.superedge.io/selector": '{"app":"fresh"}',
    }
    base = {"apiVersion": "v1", "kind": "Service"}
    plain = {"ports": [{"port": 80, "targetPort": 8080}], "selector": {"app": "fresh"}}
    cluster.create({**base, "metadata": {"name": PLAIN, "namespace": "default"}, "spec": plain})
    metadata = {"name": CLOSED, "namespace": "default", "annotations": annotations}
    cluster.create({**base, "metadata": metadata, "spec": {"ports": plain["ports"]}})


def _listen(cluster: Any, heard: "queue.Queue[tuple[float, str, dict[str, bool]]]") -> None:
    from sgportal.cluster import Unreachable

    version = cluster.list("EndpointSlice").resource_version
    # The cluster ends before the stream does.
    with contextlib.suppress(Unreachable), cluster.watch("EndpointSlice", version, timeout_seconds=300) as events:
        for event in events:
            now = time.perf_counter()
            service = (event.body["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
            ready = {
                (each.get("targetRef") or {}).get("name", ""): each["conditions"]["ready"]
                for each in event.body.get("endpoints") or ()
            }
            heard.put((now, service, ready))


def _measure(cluster: Any, pods: list[dict[str, Any]], heard: Any) -> dict[str, Any]:
    from sgportal.cluster import JSON_PATCH

    asked: dict[str, tuple[float, bool]] = {}
    delays: dict[str, list[float]] = {PLAIN: [], CLOSED: []}
    waiting: dict[tuple[str, str], tuple[float, bool]] = {}

    def learn() -> None:
        while not heard.empty():
            now, service, ready = heard.get()
            for name, state in ready.items():
                key = (service, name)
                if key in waiting and waiting[key][1] == state:
                    delays[service].append((now - waiting.pop(key)[0]) * 1000)

    for number in range(CHANGES):
        name, state = pods[number % PODS]["metadata"]["name"], (number // PODS) % 2 == 1
        body = _readiness(cluster, name, state)
        asked[name] = (time.perf_counter(), state)
        for service in (PLAIN, CLOSED):
            waiting[(service, name)] = asked[name]
        cluster.patch("Pod", "default", name, body, JSON_PATCH, subresource="status")
        learn()
        time.sleep(max(0.0, EVERY - (time.perf_counter() - asked[name][0])))
    time.sleep(2)
    learn()
    found = {
        name: {"p50": stage.percentile(each, 50), "p99": stage.percentile(each, 99), "seen": len(each)}
        for name, each in (("keeper", delays[CLOSED]), ("builtin", delays[PLAIN]))
    }
    return {**found, "ratio": found["keeper"]["p99"] / found["builtin"]["p99"], "changes": CHANGES}


def _readiness(cluster: Any, name: str, state: bool) -> list[dict[str, Any]]:
    conditions = cluster.get("Pod", "default", name)["status"]["conditions"]
    index = next(number for number, each in enumerate(conditions) if each["type"] == "Ready")
    return [{"op": "replace", "path": f"/status/conditions/{index}/status", "value": str(state)}]
