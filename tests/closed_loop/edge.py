"""An edge of real parts: a control plane, nodes that are network namespaces with their own kube-proxies, pods that
answer at their addresses, and the portal as production runs it, used over REST."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kube import network
from tests.kube.product import allow
from tests.ops.access.walk import Door
from tests.ops.runtime.processes import Portal, command_of, settings_beside
from tests.services import wait_for

PROCESSES = ("web", "worker", "watch", "keeper")
MERGE = "application/merge-patch+json"
TOKEN = """
from django.contrib.auth import get_user_model
from sgportal.models import ApiToken
user = get_user_model().objects.create_superuser('ada', password='correct horse')
print(ApiToken.issue(user, 'test', 'write')[1])
"""


@dataclass
class Edge:
    """`net` is the cluster and its network, `portal` our processes, `door` REST."""

    net: network.Network
    portal: Portal
    door: Door
    nodes: Sequence[str]

    def label(self, node: str, **labels: str | None) -> None:
        """Label a node over REST."""
        body = json.dumps({"metadata": {"labels": labels}}).encode()
        status, answer, _ = self.door.ask("PATCH", f"nodes/{node}", body)
        assert status == 200, answer

    def post(self, kind: str, manifest: Mapping[str, Any]) -> None:
        """Create a grid over REST; 202 says that the API server, fresh as it is, has just asked the portal to wait."""
        status, answer, _ = self.door.ask("POST", kind, json.dumps(manifest).encode())
        assert status in (201, 202), answer

    def change(self, path: str, patch: Mapping[str, Any]) -> None:
        """Edit a grid over REST."""
        _, _, headers = self.door.ask("GET", path)
        body = json.dumps(patch).encode()
        status, answer, _ = self.door.ask("PATCH", path, body, MERGE, **{"If-Match": headers["ETag"]})
        assert status == 200, answer

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """The pods that run."""
        found = self.net.request("GET", f"/api/v1/namespaces/default/pods?labelSelector={selector}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def address(self, service: str) -> str:
        """The ClusterIP of a Service, once it is there."""
        path = f"/api/v1/namespaces/default/services/{service}"
        return str(self.net.wait(lambda: self.net.get(path), 30, f"the Service {service}")["spec"]["clusterIP"])

    def proof(self, service: str) -> dict[str, dict[str, Any]]:
        """What the portal says each node reaches, by node."""
        return {each["node"]: each for each in self.door.get(f"servicegrids/default/{service}/endpoints")["items"]}

    def until_proved(self, service: str, states: Mapping[str, str], seconds: float = 75) -> None:
        """Until the portal sees these nodes in these states, by the slices in the cluster; and kube-proxy has them."""

        def proved() -> bool:
            found = self.proof(service)
            return all(found[node]["observed"] and found[node]["state"] == state for node, state in states.items())

        wait_for(proved, seconds, f"the proof says {dict(states)}", 0.2)
        self.net.proxies_follow()

    def clients(self) -> None:
        """A pod on every node that calls and serves nobody."""
        labels = {"app": "client"}
        pod = {"containers": [{"name": "c", "image": "client", "ports": [{"containerPort": 9}]}]}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "client"}, "spec": spec}
        self.net.request("POST", "/apis/apps/v1/namespaces/default/daemonsets", body)
        self.net.wait(lambda: len(self.running("app%3Dclient")) == len(self.nodes), 30, "the clients run")

    def running(self, selector: str) -> list[dict[str, Any]]:
        """The pods that are ready."""
        return [
            pod
            for pod in self.pods(selector)
            if any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))
        ]

    def start(self, *names: str) -> None:
        """Start processes of ours."""
        for name in names:
            self.portal.start(name, command_of(name))


@contextlib.contextmanager
def edge(folder: Path, mode: str, nodes: Sequence[str], redis: str, **more: str) -> Iterator[Edge]:
    """An edge whose kube-proxies run in `mode`, with the portal at work, as a user with its roles only;
    `more` are settings of its."""
    with network.run(folder, mode, nodes) as net:
        settings = settings_beside(folder, allow(net), redis) | more
        portal = Portal(folder, settings)
        try:
            portal.migrate()
            door = Door(f"http://127.0.0.1:{settings['UVICORN_PORT']}", portal.python(TOKEN))
            made = Edge(net, portal, door, nodes)
            made.start(*PROCESSES)
            wait_for(lambda: _seen(door) == len(nodes), 75, "the portal sees the nodes", 0.3)
            yield made
        finally:
            portal.stop()


def _seen(door: Door) -> int:
    with contextlib.suppress(OSError, AssertionError):
        return len(door.get("nodes")["items"])
    return 0
