"""From a pod's readiness to the EndpointSlice that shows it: the keeper, and beside it the cluster's own controller for
an ordinary Service over the same pods; at twenty changes a second, and while a thousand Deployments are rolled."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import stage
from ..following import follow

PODS, CHANGES, EVERY = 40, 600, 0.05
DEPLOYMENTS = 1000
UNREADY = "test.sgportal.example/unready"


class Ledger:
    """When each pod of an app became ready or ceased to be, and when the slices of each Service said so."""

    def __init__(self, app: str) -> None:
        self.services = {f"{app}-plain": "builtin", f"{app}-closed": "keeper"}
        self.delays: dict[str, list[float]] = {service: [] for service in self.services}
        self._app = app
        self._lock = threading.Lock()
        self._ready: dict[str, bool] = {}
        self._slices: dict[str, dict[str, frozenset[str]]] = {service: {} for service in self.services}
        self._waiting: dict[tuple[str, str], float] = {}

    def pod(self, event: Any) -> None:
        """A pod changed; its news are on their way to everybody."""
        metadata = event.body["metadata"]
        if (metadata.get("labels") or {}).get("app") != self._app:
            return
        ready = event.type != "DELETED" and "deletionTimestamp" not in metadata and _is_ready(event.body)
        self.expect(metadata["name"], ready)

    def expect(self, name: str, ready: bool) -> None:
        """From now on the slices ought to show a pod as ready, or not."""
        with self._lock:
            now = time.perf_counter()
            if self._ready.get(name, False) == ready:
                return
            self._ready[name] = ready
            for service in self.services:
                self._waiting[service, name] = now
                self._learn(service, name, now)

    def slice(self, event: Any) -> None:
        """An EndpointSlice changed."""
        metadata = event.body["metadata"]
        service = (metadata.get("labels") or {}).get("kubernetes.io/service-name", "")
        if service not in self.services:
            return
        endpoints = (event.body.get("endpoints") or ()) if event.type != "DELETED" else ()
        shown = frozenset(
            (each.get("targetRef") or {}).get("name", "") for each in endpoints if each["conditions"]["ready"]
        )
        with self._lock:
            before = self._slices[service].get(metadata["name"], frozenset())
            self._slices[service][metadata["name"]] = shown
            for name in before ^ shown:
                self._learn(service, name, time.perf_counter())

    def _learn(self, service: str, name: str, now: float) -> None:
        shown = any(name in each for each in self._slices[service].values())
        if (service, name) in self._waiting and shown == self._ready[name]:
            self.delays[service].append((now - self._waiting.pop((service, name))) * 1000)

    def settled(self) -> bool:
        """Whether the slices say what the pods are."""
        with self._lock:
            return not self._waiting

    def clear(self) -> None:
        """Forget the delays so far."""
        for each in self.delays.values():
            each.clear()

    def figures(self) -> dict[str, Any]:
        """`{keeper: {p50, p99, seen}, builtin: {…}, ratio}` in milliseconds; `ratio` of the 99th percentiles."""
        found = {
            who: {
                "p50": stage.percentile(self.delays[service], 50),
                "p99": stage.percentile(self.delays[service], 99),
                "seen": len(self.delays[service]),
            }
            for service, who in self.services.items()
        }
        return {**found, "ratio": found["keeper"]["p99"] / found["builtin"]["p99"]}


def run(world: str) -> dict[str, Any]:
    """The figures of both: `{"20 changes/s": …, "rollout": …}`."""
    with stage.stage(world), stage.portal("keeper"):
        from sgportal.reconciler.process import connection

        cluster, few, many = connection.writable(), Ledger("few"), Ledger("many")
        follow(cluster, "Pod", many.pod)
        follow(cluster, "EndpointSlice", lambda event: (few.slice(event), many.slice(event)))
        _services(cluster, "few")
        _apply(cluster, "few", "few", replicas=PODS)
        _flip(cluster, few, _running(cluster, "few", PODS))
        _services(cluster, "many")
        _roll(cluster, many)
        return {"20 changes/s": few.figures(), f"rollout of {DEPLOYMENTS} Deployments": many.figures()}


def _services(cluster: Any, app: str) -> None:
    closure = {"mode": "strict", "key": "site", "failover": []}
    annotations = {
        "sgportal.superedge.io/closure": json.dumps(closure),
        "sgportal.superedge.io/selector": json.dumps({"app": app}),
    }
    base, ports = {"apiVersion": "v1", "kind": "Service"}, [{"port": 80, "targetPort": 8080}]
    plain, closed = ({"name": f"{app}-{kind}", "namespace": "default"} for kind in ("plain", "closed"))
    cluster.create({**base, "metadata": plain, "spec": {"ports": ports, "selector": {"app": app}}})
    cluster.create({**base, "metadata": {**closed, "annotations": annotations}, "spec": {"ports": ports}})


def _apply(cluster: Any, name: str, app: str, replicas: int = 1, image: str = "registry.example/app:1") -> None:
    """A Deployment; its selector is its own, its pods carry the app's label."""
    labels = {"deployment": name}
    spec = stage.grid(name, replicas=replicas, image=image)["spec"]["template"]
    spec = {**spec, "selector": {"matchLabels": labels}}
    spec["template"]["metadata"] = {"labels": {**labels, "app": app}}
    metadata = {"name": name, "namespace": "default"}
    cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}, force=True)


def _running(cluster: Any, app: str, count: int) -> list[str]:
    def ready() -> list[str]:
        found = cluster.list("Pod", "default", label_selector=f"app={app}").items
        names = [each["metadata"]["name"] for each in found if _is_ready(each)]
        return names if len(names) == count else []

    found: list[str] = stage.wait(ready, 300, f"the pods of {app} run", pause=1)
    return found


def _flip(cluster: Any, ledger: Ledger, names: list[str]) -> None:
    """Twenty changes a second; a kubelet is told by an annotation, and its own time is counted in."""
    from sgportal.cluster import MERGE_PATCH

    for name in names:
        ledger.expect(name, True)
    stage.wait(ledger.settled, 60, "the slices are written", pause=0.2)
    ledger.clear()
    for number in range(CHANGES):
        since, name, ready = time.perf_counter(), names[number % PODS], (number // PODS) % 2 == 1
        ledger.expect(name, ready)
        change = {"metadata": {"annotations": {UNREADY: str(not ready).lower()}}}
        cluster.patch("Pod", "default", name, change, MERGE_PATCH)
        time.sleep(max(0.0, EVERY - (time.perf_counter() - since)))
    stage.wait(ledger.settled, 60, "the slices are written", pause=0.2)


def _roll(cluster: Any, ledger: Ledger) -> None:
    """Every Deployment gets another image, as quickly as the API server takes it."""
    names = [f"many-{number:04}" for number in range(DEPLOYMENTS)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: _apply(cluster, name, "many"), names))
        _running(cluster, "many", DEPLOYMENTS)
        stage.wait(ledger.settled, 120, "the slices are written", pause=0.5)
        ledger.clear()
        list(pool.map(lambda name: _apply(cluster, name, "many", image="registry.example/app:2"), names))

        def rolled() -> bool:
            return ledger.settled() and all(len(each) >= 2 * DEPLOYMENTS for each in ledger.delays.values())

        stage.wait(rolled, 600, "everything is rolled", pause=1)


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
