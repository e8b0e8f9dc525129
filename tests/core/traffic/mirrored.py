"""A Service that the cluster's own endpointslice controller serves, beside what we would list for it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sgportal.core.names import MANAGED_BY, SERVICE_NAME
from sgportal.core.pods import pod_view
from sgportal.core.traffic.closure import Closure
from sgportal.core.traffic.service import described
from sgportal.core.traffic.slices.sentinels import Refusal, sentinel_number
from sgportal.core.traffic.slices.slices import built_in, is_kept, wanted
from sgportal.core.traffic.slices.topology import places
from sgportal.core.units import NodeView
from tests.kube.control_plane import ControlPlane

KEY = "kubernetes.io/hostname"
NAMESPACE = "mirrored"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
MERGE = "application/merge-patch+json"
REFUSAL = Refusal({"IPv4": ("10.96.0.200", "10.96.0.201"), "IPv6": ("fd00:96::200", "fd00:96::201")})
UNREADY = "test.sgportal.example/unready"  # see tests/kube/node.go
Body = dict[str, Any]


@dataclass
class Mirrored:
    """A Service `name`, the pods labelled `app: <name>`, and both answers to which slices it should have."""

    plane: ControlPlane
    name: str

    def service(self, ports: list[Body] | None = None, labels: dict[str, str] | None = None, **spec: Any) -> None:
        """Create the Service."""
        spec = {"selector": {"app": self.name}, "ports": ports or [{"port": 80, "targetPort": 8080}], **spec}
        metadata = {"name": self.name, "labels": labels or {}}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        self.plane.request("POST", f"{CORE}/services", body)

    def edit(self, **change: Any) -> None:
        """Change the Service."""
        self.plane.request("PATCH", f"{CORE}/services/{self.name}", change, content=MERGE)

    def pod(self, suffix: str, node: str = "node0", ready: bool = True, settled: bool = True, **options: Any) -> str:
        """Create a pod; with `settled` once its kubelet has taken it. `options` are of its spec, but `ports`, `labels`
        and `finalizers`. Its name."""
        name, ports = f"{self.name}-{suffix}", options.pop("ports", [{"name": "http", "containerPort": 8080}])
        metadata = {
            "name": name,
            "labels": {"app": self.name, **options.pop("labels", {})},
            "finalizers": options.pop("finalizers", []),
            "annotations": {} if ready else {UNREADY: "true"},
        }
        spec = {"nodeName": node or None, "containers": [{"name": "c", "image": "x", "ports": ports}], **options}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        self.plane.request("POST", f"{CORE}/pods", body)
        if settled:
            self.plane.wait(lambda: self.seen(name)["status"].get("podIP"), 20, f"{name} has an address")
        return name

    def seen(self, pod: str) -> Body:
        """A pod as it is."""
        return self.plane.request("GET", f"{CORE}/pods/{pod}")

    def change(self, pod: str, **change: Any) -> None:
        """Change a pod."""
        self.plane.request("PATCH", f"{CORE}/pods/{pod}", change, content=MERGE)

    def says(self, pod: str, **status: Any) -> None:
        """Have its kubelet say something of a pod."""
        self.plane.request("PATCH", f"{CORE}/pods/{pod}/status", {"status": status}, content=MERGE)

    def condition(self, pod: str, kind: str, status: str) -> None:
        """Have a condition of a pod."""
        change = {"status": {"conditions": [{"type": kind, "status": status}]}}
        content = "application/strategic-merge-patch+json"
        self.plane.request("PATCH", f"{CORE}/pods/{pod}/status", change, content=content)

    def addressed(self, pod: str, *addresses: str) -> None:
        """Give a pod its addresses."""
        self.says(pod, podIP=addresses[0], podIPs=[{"ip": each} for each in addresses])

    def delete(self, pod: str) -> None:
        """Delete a pod; its finalizers hold it."""
        self.plane.request("DELETE", f"{CORE}/pods/{pod}")

    def live(self) -> list[Body]:
        """The EndpointSlices that carry the Service's name."""
        found = self.plane.request("GET", f"{SLICES}?labelSelector={quote(f'{SERVICE_NAME}={self.name}')}")
        return list(found["items"])

    def ours(self, mode: str = "strict", live: Iterable[Body] = ()) -> tuple[Body, ...]:
        """The slices we would write."""
        service, where, pods = self._world(mode)
        return wanted(service, where, pods, REFUSAL, live).slices

    def foreseen(self) -> tuple[Body, ...]:
        """The slices we expect of the cluster's own controller."""
        return built_in(*self._world("open"))

    def _world(self, mode: str) -> tuple[Any, ...]:
        nodes = self.nodes()
        body = self.plane.request("GET", f"{CORE}/services/{self.name}")
        pods = [pod_view(each) for each in self.plane.request("GET", f"{CORE}/pods")["items"]]
        return described(body, Closure(mode), KEY), places(nodes, KEY), pods

    def nodes(self) -> list[NodeView]:
        """The nodes of the cluster."""
        found = self.plane.request("GET", "/api/v1/nodes")["items"]
        return [NodeView(each["metadata"]["name"], each["metadata"]["labels"], version="v1.37.2") for each in found]

    def agreed(self, *expected: str) -> dict[str, Body]:
        """What is said of each pod, by the rest of its name (with "/IPv6" for that family), once both say the same of
        just these pods. The slices that we would write and those that we foresee are both held to the cluster's."""
        seen: Body = {}

        def agree() -> list[Body] | None:
            seen["theirs"] = theirs = told(each for each in self.live() if not is_kept(each))
            seen["ours"] = answers = [told(each) for each in (self.ours(), self.ours("prefer"), self.foreseen())]
            same = all(answer == theirs for answer in answers)
            return theirs if same and sorted(map(self._short, theirs)) == sorted(expected) else None

        try:
            found = self.plane.wait(agree, 20, f"both list {expected}")
        except AssertionError as error:
            raise AssertionError(json.dumps(seen, indent=1)) from error
        return {self._short(each): each for each in found}

    def _short(self, told_of: Body) -> str:
        name = told_of["endpoint"]["targetRef"]["name"].removeprefix(f"{self.name}-")
        return name if told_of["family"] == "IPv4" else f"{name}/{told_of['family']}"


def told(slices: Iterable[Body]) -> list[Body]:
    """What slices say of each endpoint, but for hints, whose they are, how they are packed, and sentinels."""
    found = []
    for each in slices:
        if sentinel_number(each):
            continue
        labels = {name: value for name, value in each["metadata"]["labels"].items() if name != MANAGED_BY}
        shared = {
            "family": each["addressType"],
            "ports": sorted(each["ports"] or (), key=str),
            "labels": labels,
            "owners": each["metadata"]["ownerReferences"],
        }
        for endpoint in each["endpoints"] or ():
            shown = {name: value for name, value in endpoint.items() if name != "hints"}
            found.append({**shared, "endpoint": shown})
    return sorted(found, key=str)


def conditions(told_of: Body) -> tuple[bool, bool, bool]:
    """(ready, serving, terminating)."""
    shown = told_of["endpoint"]["conditions"]
    return shown["ready"], shown["serving"], shown["terminating"]


def numbers(told_of: Body) -> dict[str, int]:
    """The ports by name."""
    return {each["name"]: each["port"] for each in told_of["ports"]}
