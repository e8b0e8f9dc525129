"""What the keeper writes: the slices of one Service, in an order that never opens it, and the refusing Service."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...cluster import Cluster, ClusterError, NotFound
from ...core.names import REFUSING_SERVICE
from ...core.traffic.slices.slices import Refusal
from ...core.traffic.slices.write_order import Write
from ..informer.source import Body
from .cache import is_built_in

ENDPOINTS_MANAGER = ("endpoints.kubernetes.io/managed-by", "endpoint-controller")
_PROTOCOLS = ("TCP", "UDP", "SCTP")


@dataclass
class Job:
    """The writes for one Service. `leftovers` are slices of the cluster's own controllers, to go after ours are in;
    `closes` says that no node may go beyond its unit afterwards, `again` that sentinels wait for another job; `gone`
    and `made` are what was done, `error` why the rest was not."""

    service: str
    writes: Sequence[Write]
    leftovers: Sequence[Body] = ()
    closes: bool = True
    again: bool = False
    since: float = 0.0
    made: list[Body] = field(default_factory=list)
    gone: list[Body] = field(default_factory=list)
    error: ClusterError | None = None

    def run(self, cluster: Cluster) -> "Job":
        """Write one after the other; an error ends it, and what is left is found again by the next look."""
        try:
            for write in self.writes:
                self._write(write, cluster)
            if self.leftovers:
                self._sweep(cluster)
        except ClusterError as error:
            self.error = error
        return self

    def _write(self, write: Write, cluster: Cluster) -> None:
        if write.verb == "create":
            self.made.append(cluster.create(write.body))
        elif write.verb == "update":
            self.made.append(cluster.replace(self._latest(write.body)))
        else:
            self._delete(write.body, cluster)

    def _latest(self, body: Body) -> Body:
        """The body with the version that an earlier write of this job gave its slice."""
        name = body["metadata"]["name"]
        made = next((each for each in reversed(self.made) if each["metadata"]["name"] == name), None)
        if made is None:
            return body
        return {**body, "metadata": {**body["metadata"], "resourceVersion": made["metadata"]["resourceVersion"]}}

    def _delete(self, body: Body, cluster: Cluster) -> None:
        metadata = body["metadata"]
        cluster.delete("EndpointSlice", metadata["namespace"], metadata["name"], uid=metadata["uid"])
        self.gone.append(body)

    def _sweep(self, cluster: Cluster) -> None:
        """Delete what the cluster's own controllers keep no more and would never delete: slices, and the Endpoints
        object, which one of them copies into a slice without hints (it goes with the object)."""
        namespace, _, name = self.service.partition("/")
        endpoints = cluster.get("Endpoints", namespace, name)
        label, manager = ENDPOINTS_MANAGER
        if endpoints and (endpoints["metadata"].get("labels") or {}).get(label) == manager:
            cluster.delete("Endpoints", namespace, name, uid=endpoints["metadata"]["uid"])
        for each in self.leftovers:
            if is_built_in(each):
                self._delete(each, cluster)


def with_versions(writes: Iterable[Write], live: Iterable[Body]) -> list[Write]:
    """The writes, each update with the version of the slice that it was made from."""
    versions = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in live}
    found = []
    for write in writes:
        body = write.body
        if write.verb == "update":
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": versions.get(write.name, "")}}
        found.append(Write(write.verb, body))
    return found


def refusing_service(namespace: str, ports: Mapping[str, int]) -> dict[str, Any]:
    """The Service without endpoints whose kube-proxies refuse: so many ports of each protocol, from 1 on."""
    listed = [
        {"name": f"{protocol.lower()}-{number}", "protocol": protocol, "port": number, "targetPort": number}
        for protocol in _PROTOCOLS
        for number in range(1, ports.get(protocol, 0) + 1)
    ]
    labels = {"app.kubernetes.io/managed-by": "sgportal", "app.kubernetes.io/component": "refusal"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": REFUSING_SERVICE, "namespace": namespace, "labels": labels},
        "spec": {"ipFamilyPolicy": "PreferDualStack", "ports": listed},
    }


def refusal_of(service: Body | None) -> tuple[Refusal, dict[str, int]] | None:
    """The addresses of a live refusing Service and how many ports it has by protocol; None where it would not refuse:
    it is not there, has a selector or no address."""
    spec = (service or {}).get("spec") or {}
    addresses = {
        "IPv6" if ":" in each else "IPv4": each
        for each in spec.get("clusterIPs") or [spec.get("clusterIP")]
        if each and each != "None"
    }
    if not addresses or spec.get("selector"):
        return None
    have = {(each.get("protocol") or "TCP", each["port"]) for each in spec.get("ports") or ()}
    ports = {}
    for protocol in _PROTOCOLS:
        count = 0
        while (protocol, count + 1) in have:
            count += 1
        ports[protocol] = count
    return Refusal(addresses), ports


def ensure_refusal(cluster: Cluster, namespace: str, ports: Mapping[str, int], families: Collection[str] = ()) -> Body:
    """Have the refusing Service, and its namespace where that is missing, with an address of each of these families
    and of whichever else the cluster has; the Service as it is then."""
    body = refusing_service(namespace, ports)
    try:
        live = _put(cluster, body)
    except NotFound:
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        live = _put(cluster, body)
    known = refusal_of(live)
    if known and not known[0].addresses.keys() >= set(families):
        # The API server gives no second address to a Service that merely prefers two and was made with one.
        return _put(cluster, {**body, "spec": {**body["spec"], "ipFamilyPolicy": "RequireDualStack"}})
    return live


def _put(cluster: Cluster, body: dict[str, Any]) -> Body:
    live = cluster.apply(body, force=True).body
    if (live["spec"] or {}).get("selector"):
        metadata = live["metadata"]
        cluster.delete("Service", metadata["namespace"], metadata["name"], uid=metadata["uid"])
        live = cluster.apply(body, force=True).body
    return live
