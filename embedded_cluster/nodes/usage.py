"""What nodes and pods use of processors and memory. Nothing is really run, so it is made up from what containers ask
for and from the clock: asked again within the same stretch of time, it says the same."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from zlib import crc32

from ..objects.quantities import parse
from ..objects.store import Store
from ..objects.values import Object
from .containers import stamp
from .nodes import readiness

SECONDS = 15  # between two measurements, as metrics-server's --metric-resolution
_WINDOW = "15.004s"
_WAVE = 1800.0  # seconds in which a load goes up and down
_ASKS_NOTHING = {"cpu": Decimal("0.02"), "memory": Decimal(48 * 2**20)}
_ALONE = {"cpu": Decimal("0.12"), "memory": Decimal(640 * 2**20)}  # of a node on which nothing runs


def node_metrics(store: Store, now: datetime) -> Iterator[Object]:
    """A NodeMetrics of every node whose kubelet answers."""
    for node in store.each("nodes"):
        if readiness(node) != "Unknown":
            name = node["metadata"]["name"]
            parts = [_container(pod, each, now) for pod in store.pods_on(name) if _runs(pod) for each in _running(pod)]
            sums = {resource: sum((each[resource] for each in parts), least) for resource, least in _ALONE.items()}
            yield {**_head("NodeMetrics", node, now), "usage": _usage(sums)}


def pod_metrics(store: Store, now: datetime) -> Iterator[Object]:
    """A PodMetrics of every pod that runs on a node whose kubelet answers."""
    silent = {each["metadata"]["name"] for each in store.each("nodes") if readiness(each) == "Unknown"}
    for pod in store.each("pods"):
        names = _running(pod) if _runs(pod) and pod["spec"].get("nodeName") not in silent else []
        if names:
            containers = [{"name": each["name"], "usage": _usage(_container(pod, each, now))} for each in names]
            yield {**_head("PodMetrics", pod, now), "containers": containers}


def _head(kind: str, about: Object, now: datetime) -> Object:
    metadata = {
        name: about["metadata"][name] for name in ("name", "namespace", "labels") if about["metadata"].get(name)
    }
    return {
        "kind": kind,
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {**metadata, "creationTimestamp": stamp(now)},
        "timestamp": stamp(datetime.fromtimestamp(_measured_at(now), UTC)),
        "window": _WINDOW,
    }


def _measured_at(now: datetime) -> int:
    return int(now.timestamp()) // SECONDS * SECONDS


def _runs(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _running(pod: Object) -> list[Object]:
    """The specs of a pod's containers that run now."""
    states = {each["name"]: each for each in (pod.get("status") or {}).get("containerStatuses") or ()}
    running = {name for name, each in states.items() if "running" in (each.get("state") or {})}
    return [each for each in pod["spec"].get("containers") or () if each["name"] in running]


def _container(pod: Object, spec: Object, now: datetime) -> dict[str, Decimal]:
    """What a container uses: about half of what it asks for, up and down in the course of half an hour."""
    asked = (spec.get("resources") or {}).get("requests") or {}
    own = crc32(f"{pod['metadata']['uid']}/{spec['name']}".encode())
    turn = math.sin(2 * math.pi * (_measured_at(now) / _WAVE + own % 1000 / 1000))
    jitter = crc32(f"{own}/{_measured_at(now)}".encode()) % 100 / 1000
    shares = {"cpu": Decimal(f"{0.5 + 0.3 * turn + jitter:.3f}"), "memory": Decimal(f"{0.6 + 0.05 * turn:.3f}")}
    return {
        name: (parse(asked[name]) if name in asked else least) * shares[name] for name, least in _ASKS_NOTHING.items()
    }


def _usage(amounts: dict[str, Decimal]) -> Object:
    """As metrics-server writes it: nanocores and kibibytes."""
    return {"cpu": f"{int(amounts['cpu'] * 10**9)}n", "memory": f"{int(amounts['memory'] / 1024)}Ki"}
