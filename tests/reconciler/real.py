"""A real cluster behind the verbs that the embedded one has, so that one scenario runs on both."""

import json
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError

import pytest

from sgportal.cluster import Unreachable
from sgportal.cluster.transport import Transport
from tests.kube.control_plane import ControlPlane
from tests.kube.product import allow

VANISHED = "test.sgportal.example/vanished"  # see tests/kube/node.go
_MERGE = "application/merge-patch+json"
_NODE_PREFIXES = ("kubernetes.io/", "beta.kubernetes.io/", "node.kubernetes.io/")
# What scenarios leave behind, owners first: the path before and after the namespace.
_LEFT = [
    ("/apis/sgportal.superedge.io/v1", "servicegroups"),
    *(("/apis/superedge.io/v1", each) for each in ("deploymentgrids", "statefulsetgrids", "servicegrids")),
    *(("/apis/apps/v1", each) for each in ("deployments", "statefulsets", "replicasets", "controllerrevisions")),
    *(("/api/v1", each) for each in ("services", "endpoints", "pods", "resourcequotas", "limitranges", "events")),
    ("/apis/discovery.k8s.io/v1", "endpointslices"),
]
# SuperEdge's leader locks, in a namespace whose other objects are Kubernetes' own.
_LOCKS = [
    f"{base}/namespaces/kube-system/{plural}/application-grid-controller"
    for base, plural in (
        ("/apis/coordination.k8s.io/v1", "leases"),
        ("/api/v1", "configmaps"),
        ("/api/v1", "endpoints"),
    )
]
_AT_ONCE = {"propagationPolicy": "Background", "gracePeriodSeconds": 0}
_MANY = 50  # are deleted with one request, but for kinds of which something is kept
_KEPT = {("services", "default", "kubernetes"), ("endpoints", "default", "kubernetes")}


class RealCluster:
    """A control plane with the verbs of `EmbeddedCluster` that a real one can be told."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.requests: Counter[tuple[str, str]] = Counter()
        self.kubeconfig_path = plane.kubeconfig()
        self._no_watches = False

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is sent through our transport, by (method, plural); watches are WATCH."""
        send = Transport.open

        def open_(transport: Transport, method: str, path: str, **options: Any) -> Any:
            watching = (options.get("query") or {}).get("watch")
            if watching and self._no_watches:
                raise Unreachable("a test lets no watch through")
            self.requests["WATCH" if watching else method, plural_of(path)] += 1
            return send(transport, method, path, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transport, "open", open_)
            yield

    def reset_counts(self) -> None:
        """Count from zero again."""
        self.requests.clear()

    def set_node_ready(self, name: str, ready: bool | None) -> None:
        """Make a node Ready, NotReady (False: its kubelet's last word) or lost (None: what the node controller writes
        once the kubelet was silent for its grace time)."""
        self._patch(f"/api/v1/nodes/{name}", {"metadata": {"annotations": {VANISHED: None if ready else "true"}}})
        if ready:
            self.plane.wait(lambda: self._ready(name), 75, f"{name} is Ready")
            return
        said = [("Unknown", "NodeStatusUnknown"), ("False", "KubeletNotReady")][ready is False]
        condition = {"type": "Ready", "status": said[0], "reason": said[1], "message": "a test says so"}
        content = "application/strategic-merge-patch+json"
        self._patch(f"/api/v1/nodes/{name}/status", {"status": {"conditions": [condition]}}, content)

    def _ready(self, name: str) -> bool:
        conditions = self.plane.request("GET", f"/api/v1/nodes/{name}")["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def unreachable(self, gone: bool) -> None:
        """Kill the API server, or start it again."""
        if gone:
            self.plane.processes["kube-apiserver"].stop(signal.SIGKILL)
        else:
            self.plane.processes["kube-apiserver"].start()
            self.plane.until_ready()

    @contextmanager
    def without_watches(self) -> Iterator[None]:
        """What happens in here is told to nobody: streams break at once and new ones are let through afterwards only,
        by an API server that remembers nothing of it."""
        self._no_watches = True
        self.unreachable(True)
        self.unreachable(False)
        try:
            yield
            self.compact()
            self.unreachable(True)
            self.unreachable(False)
        finally:
            self._no_watches = False

    def compact(self) -> None:
        """Have etcd forget every revision but the last."""
        revision = self._etcd("maintenance/status")["header"]["revision"]
        self._etcd("kv/compaction", revision=revision, physical=True)

    def _etcd(self, call: str, **body: Any) -> Any:
        asked = urllib.request.Request(f"{self.plane.etcd}/v3/{call}", json.dumps(body).encode())
        with urllib.request.urlopen(asked, timeout=75) as answer:
            return json.load(answer)

    def _patch(self, path: str, change: Any, content: str = _MERGE) -> Any:
        return self.plane.request("PATCH", path, change, content=content)

    def clean(self) -> None:
        """Take away whatever a test left; what else would be made meanwhile by controllers goes as well."""
        for process in self.plane.processes.values():
            if not process.running:
                process.start()
        self.plane.until_ready()
        for node in self.plane.request("GET", "/api/v1/nodes")["items"]:
            self._reset_node(node)
        for path in _LOCKS:
            self._remove(path, finalizers=False)
        deadline = time.monotonic() + 75
        while left := {path: found for base, plural in _LEFT for path, found in self._left(base, plural)}:
            assert time.monotonic() < deadline, f"still there: {left}"
            for path, found in left.items():
                self._empty(path, found)
            time.sleep(0.05)

    def _left(self, base: str, plural: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Per namespace that has some, the path of a collection and the metadata of what is in it."""
        found: dict[str, list[dict[str, Any]]] = {}
        for metadata in self._metadata(f"{base}/{plural}"):
            namespace = metadata["namespace"]
            if not namespace.startswith("kube-") and (plural, namespace, metadata["name"]) not in _KEPT:
                found.setdefault(f"{base}/namespaces/{namespace}/{plural}", []).append(metadata)
        yield from found.items()

    def _metadata(self, path: str) -> list[dict[str, Any]]:
        """The metadata of what there is, once the kind's storage is up."""

        def listed() -> list[list[dict[str, Any]]]:
            try:
                return [[each["metadata"] for each in self.plane.request("GET", path)["items"]]]
            except HTTPError as error:
                if error.code == 404:  # a kind that is not served
                    return [[]]
                if error.code == 429:  # "storage is (re)initializing"
                    return []
                raise

        return self.plane.wait(listed, 75, f"{path} is read")[0]

    def _empty(self, path: str, found: list[dict[str, Any]]) -> None:
        kept = path.rpartition("/")[2] in {plural for plural, *_ in _KEPT}
        if len(found) > _MANY and not kept and not any(metadata.get("finalizers") for metadata in found):
            self.plane.request("DELETE", path, _AT_ONCE, seconds=75)
            return
        for metadata in found:
            self._remove(f"{path}/{metadata['name']}", bool(metadata.get("finalizers")))

    def _remove(self, path: str, finalizers: bool) -> None:
        try:
            if finalizers:
                self._patch(path, {"metadata": {"finalizers": None}})
            self.plane.request("DELETE", path, _AT_ONCE)
        except HTTPError as error:
            if error.code not in (404, 409):
                raise

    def _reset_node(self, node: dict[str, Any]) -> None:
        metadata = node["metadata"]
        labels = {key: None for key in metadata["labels"] if not key.startswith(_NODE_PREFIXES)}
        if labels:
            self._patch(f"/api/v1/nodes/{metadata['name']}", {"metadata": {"labels": labels}})
        if VANISHED in metadata.get("annotations", {}):
            self.set_node_ready(metadata["name"], True)


def plural_of(path: str) -> str:
    """The plural in a path of the API, `deployments` of `/apis/apps/v1/namespaces/default/deployments/g`."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if len(rest) > 2 and rest[0] == "namespaces":
        rest = rest[2:]
    return rest[0] if rest else ""


@contextmanager
def as_product(plane: ControlPlane) -> Iterator[RealCluster]:
    """A real cluster in which the product is a user with its own roles, and what is asked of it is counted."""
    allow(plane)
    real = RealCluster(plane)
    with real.counting():
        yield real
