"""An API server that only reads: nodes, Deployments and a hundred thousand pods, of which so many change each second.
Each change is made once, however many watch."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

CREATED = "2026-01-01T00:00:00Z"
VERSION = 1000  # of what is there at first
REMEMBERED = 20_000  # changes that a watch can go on from, at least
_TOO_OLD = b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}\n'
_NODE = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": CREATED}


def unit_name(number: int) -> str:
    """As `rows.unit_name`."""
    return f"unit-{number:04}"


class Fleet:
    """Pod `number` runs on node `number % nodes`, for grid `number % grids`, or for nobody where it is one of the last
    `strangers`."""

    def __init__(self, nodes: int, units: int, grids: int, pods: int, strangers: int) -> None:
        self.nodes, self.units, self.grids, self.pods, self.strangers = nodes, units, grids, pods, strangers
        self.changes: list[float] = []  # when each was made, by number
        self.rate, self._condition = 0.0, threading.Condition()
        self._lines: list[bytes] = []  # the last of them, as a watch says them
        threading.Thread(target=self._change, daemon=True).start()

    def node(self, number: int) -> dict[str, Any]:
        """A node, Ready."""
        name = f"edge-{number:05}"
        labels = {"site": unit_name(number % self.units), "kubernetes.io/hostname": name}
        metadata = _metadata(name, f"n{number}", labels, namespace="")
        return {"metadata": metadata, "spec": {}, "status": {"conditions": [_NODE]}}

    def deployment(self, number: int) -> dict[str, Any]:
        """What a grid has in a unit."""
        grid, unit = f"grid-{number % self.grids:02}", unit_name(number // self.grids)
        labels = {"superedge.io/grid-selector": grid, "superedge.io/grid-uniq-key": "site"}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": grid}}, "template": {"spec": _pod_spec("")}}
        return {"metadata": _metadata(f"{grid}-{unit}", f"d{number}", labels), "spec": spec, "status": {}}

    def pod(self, number: int, ready: bool = True, version: int = VERSION, restarts: int = 0) -> dict[str, Any]:
        """A pod as an API server shows it, with all that is of no use here."""
        node = number % self.nodes
        ours = number < self.pods - self.strangers
        grid = f"grid-{number % self.grids:02}" if ours else "other"
        owner = f"{grid}-{unit_name(node % self.units)}-5d4f8c7b9"
        metadata = _metadata(
            f"{owner}-{number}", f"p{number}", {"app": grid, "pod-template-hash": "5d4f8c7b9"}, version
        )
        metadata["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": f"r{number}", "controller": True}
        ]
        address = f"10.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        kinds = ("Initialized", "Ready", "ContainersReady", "PodScheduled", "PodReadyToStartContainers")
        state = {"Ready": ready, "ContainersReady": ready}
        conditions = [
            {"type": kind, "status": str(state.get(kind, True)), "lastTransitionTime": CREATED} for kind in kinds
        ]
        container = {
            "name": "main",
            "ready": ready,
            "restartCount": restarts,
            "image": "registry.example/app:1",
            "imageID": "registry.example/app@sha256:" + "0" * 64,
            "containerID": "containerd://" + "0" * 64,
            "state": {"running": {"startedAt": CREATED}},
            "lastState": {},
        }
        status = {
            "phase": "Running",
            "conditions": conditions,
            "hostIP": "10.0.0.1",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": CREATED,
            "containerStatuses": [container],
            "qosClass": "BestEffort",
        }
        return {"metadata": metadata, "spec": _pod_spec(f"edge-{node:05}"), "status": status}

    def begin(self, rate: float) -> None:
        """Change so many pods a second from now on; none with 0."""
        with self._condition:
            self.rate = rate
            self._condition.notify_all()

    @property
    def version(self) -> int:
        """Of what is there now."""
        return VERSION + len(self.changes)

    def events(self, since: int, until: float) -> Iterator[bytes]:
        """The lines of a watch of pods from a version on. Change `n` is of pod `n` times a prime, and says so in its
        restarts."""
        position = since - VERSION
        while time.monotonic() < until:
            with self._condition:
                if len(self.changes) <= position:
                    self._condition.wait(0.2)
                first = len(self.changes) - len(self._lines)
                if position < first:
                    yield _TOO_OLD
                    return
                lines = self._lines[position - first :]
            yield from lines
            position += len(lines)

    def _change(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self.rate, 0.2)
            began, made = time.monotonic(), 0
            while rate := self.rate:
                due = int((time.monotonic() - began) * rate)
                lines = [self._event(len(self.changes) + number) for number in range(due - made)]
                with self._condition:
                    self.changes += [time.time()] * len(lines)
                    self._lines += lines
                    if len(self._lines) > 2 * REMEMBERED:
                        del self._lines[:REMEMBERED]
                    self._condition.notify_all()
                made = due
                time.sleep(0.005)

    def _event(self, change: int) -> bytes:
        body = self.pod(changed(change, self.pods), change % 2 == 0, VERSION + 1 + change, change)
        return orjson.dumps({"type": "MODIFIED", "object": body | {"apiVersion": "v1", "kind": "Pod"}}) + b"\n"


def changed(change: int, pods: int) -> int:
    """Which pod a change is of."""
    return change * 7919 % pods


def _metadata(
    name: str, uid: str, labels: dict[str, str], version: int = VERSION, namespace: str = "default"
) -> dict[str, Any]:
    fields = {"f:metadata": {"f:labels": {f"f:{key}": {} for key in labels}}, "f:spec": {"f:containers": {"k:{}": {}}}}
    entry = {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    found = {
        "name": name,
        "uid": uid,
        "labels": labels,
        "resourceVersion": str(version),
        "creationTimestamp": CREATED,
        "managedFields": [{**entry, "time": CREATED, "fieldsV1": fields} for _ in range(3)],
    }
    return {**found, "namespace": namespace} if namespace else found


def _pod_spec(node: str) -> dict[str, Any]:
    token = {"name": "kube-api-access", "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    probe = {"httpGet": {"path": "/", "port": 8080, "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10}
    container = {
        "name": "main",
        "image": "registry.example/app:1",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{each}", "value": "x" * 20} for each in range(6)],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        "volumeMounts": [token],
        "readinessProbe": probe,
        "livenessProbe": probe,
        "terminationMessagePath": "/dev/termination-log",
        "imagePullPolicy": "IfNotPresent",
    }
    taint = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    keys = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    return {
        "volumes": [{"name": "kube-api-access", "projected": {"sources": [{"serviceAccountToken": {}}]}}],
        "containers": [container],
        "restartPolicy": "Always",
        "nodeName": node,
        "serviceAccountName": "default",
        "tolerations": [{"key": key, **taint} for key in keys],
    }


class Handler(BaseHTTPRequestHandler):
    """Lists, pages of lists, and watches."""

    protocol_version = "HTTP/1.1"
    fleet: Fleet

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer."""
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        plural = parts.path.rpartition("/")[2]
        if query.get("watch") == "true":
            self._watch(plural, int(query["resourceVersion"]), float(query.get("timeoutSeconds", 20)))
        elif plural == "version":
            self._say({"gitVersion": "v1.37.2"})
        elif plural == "kube-system":
            self._say({"metadata": {"name": "kube-system", "uid": "bench", "resourceVersion": "1"}})
        elif plural == "changes":
            self._say(self.fleet.changes)
        elif plural == "count":
            self._say(len(self.fleet.changes))
        elif plural == "rate":
            self._say(self.fleet.begin(float(query.get("rate", 0))))
        elif "superedge.io" in parts.path or "admissionregistration" in parts.path:
            self._say({"kind": "Status", "code": 404, "reason": "NotFound"}, 404)
        elif parts.path == "/apis":
            self._say({"groups": []})
        else:
            self._list(plural, query)

    def _refuse(self) -> None:
        """Nothing is written here, not even definitions."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._say({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "read only"}, 403)

    do_POST = do_PATCH = do_PUT = do_DELETE = _refuse

    def _list(self, plural: str, query: dict[str, str]) -> None:
        fleet = self.fleet
        makes = {
            "nodes": (fleet.node, fleet.nodes),
            "deployments": (fleet.deployment, fleet.grids * fleet.units),
            "pods": (fleet.pod, fleet.pods),
        }
        make, count = makes.get(plural, (fleet.node, 0))
        if "fieldSelector" in query:  # who asks for one object asks for one that is not here
            count = 0
        begin, limit = int(query.get("continue", 0)), int(query.get("limit", 0)) or count
        items = [make(number) for number in range(begin, min(begin + limit, count))]
        metadata = {"resourceVersion": str(fleet.version)}
        if begin + limit < count:
            metadata["continue"] = str(begin + limit)
        self._say({"metadata": metadata, "items": items})

    def _watch(self, plural: str, since: int, seconds: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if plural != "pods":
            time.sleep(seconds)
        else:
            for line in self.fleet.events(since, time.monotonic() + seconds):
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _say(self, value: Any, code: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until the process is ended; prints the port."""
    Handler.fleet = Fleet(*map(int, sys.argv[1:]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
