"""The refusing Services: they have no endpoints, so that every kube-proxy refuses at their addresses.

One is enough for a small cluster. Where sentinels have more to name there are more of them, so that all stand in one
slice of each Service.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...cluster import Cluster, ClusterError, NotFound
from ...core.names import refusing_name, refusing_number
from ...core.traffic.slices.sentinels import MOST_ADDRESSES, Refusal
from ...core.traffic.slices.slices import Wanted
from ..informer.source import Body

_PROTOCOLS = ("TCP", "UDP", "SCTP")


@dataclass
class Needed:
    """What the refusing Services shall be: how many `services`, with how many `ports` of each protocol, from 1 on, and
    which address `families` some Service lacks, by its name. It only grows."""

    services: int = 1
    ports: dict[str, int] = field(default_factory=lambda: {"TCP": 2})
    lacking: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def families(self) -> set[str]:
        """The address families that they need at least."""
        return {family for several in self.lacking.values() for family in several}

    def grow(self, services: int, ports: Mapping[str, int]) -> None:
        """Need as much at least."""
        self.services = max(self.services, services)
        self.ports = {name: max(self.ports.get(name, 0), ports.get(name, 0)) for name in {*self.ports, *ports}}

    def take_over(self, live: Mapping[int, Body]) -> None:
        """Need what is there: keepers of other shards need it, and would put back what a write of ours took away."""
        for number, service in live.items():
            if known := _known(service):
                self.grow(number, known[1])

    def lacks(self, service: str, answer: Wanted, have: "Refusing", wait: bool) -> bool:
        """Whether the slices of a Service send to ports that are not there yet; or, where it may `wait`, whether more
        refusing Services are on their way, with which there would be fewer slices. From now on that is needed."""
        if answer.missing:
            self.lacking[service] = answer.missing
        self.grow(answer.refusing_services, {})
        if wait and have.services < self.services:
            return True
        self.grow(1, answer.refusing_ports)
        return any(have.ports.get(protocol, 0) < count for protocol, count in answer.refusing_ports.items())

    def missing(self, live: Mapping[int, Body]) -> list[int]:
        """The numbers of the Services that are not there or have to change, the first at last: while it has fewer ports
        than others, the others are good for what it is good for."""
        return [number for number in range(self.services, 0, -1) if not self._suits(live.get(number))]

    def _suits(self, service: Body | None) -> bool:
        known = _known(service)
        if known is None:
            return False
        addresses, ports = known
        return self.families <= addresses.keys() and all(ports[name] >= count for name, count in self.ports.items())


@dataclass(frozen=True, slots=True)
class Refusing:
    """The refusing Services as they are: their addresses, how many ports each of them has by protocol, and how many
    Services there are."""

    refusal: Refusal
    ports: Mapping[str, int]
    services: int


def refusing(live: Mapping[int, Body]) -> Refusing | None:
    """What live Services, by number, refuse with; None where the first would not refuse: it is not there, has a
    selector or no address. Others count as far as they have all ports of the first."""
    first = _known(live.get(1))
    if first is None:
        return None
    _, ports = first
    known = [found for number in sorted(live) if number <= MOST_ADDRESSES and (found := _known(live[number]))]
    usable = [addresses for addresses, have in known if all(have[name] >= count for name, count in ports.items())]
    families = dict.fromkeys(family for addresses in usable for family in addresses)
    by_family = {family: tuple(each[family] for each in usable if family in each) for family in families}
    return Refusing(Refusal(by_family), ports, len(usable))


def _known(service: Body | None) -> tuple[dict[str, str], dict[str, int]] | None:
    """The addresses of a refusing Service by family, and its number of ports by protocol."""
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
    return addresses, ports


def numbered(services: Mapping[str, Body], namespace: str) -> dict[int, Body]:
    """Of Services by `<namespace>/<name>` the refusing ones, by number."""
    places = ((f"{namespace}/{refusing_name(number)}", number) for number in range(1, MOST_ADDRESSES + 1))
    return {number: services[place] for place, number in places if place in services}


def concerns(places: Iterable[str], namespace: str) -> bool:
    """Whether a refusing Service is among these, each `<namespace>/<name>`."""
    return any(
        refusing_number(name) for place in places for where, _, name in [place.partition("/")] if where == namespace
    )


def refusing_service(namespace: str, number: int, ports: Mapping[str, int]) -> dict[str, Any]:
    """A refusing Service with so many ports of each protocol, from 1 on."""
    listed = [
        {"name": f"{protocol.lower()}-{port}", "protocol": protocol, "port": port, "targetPort": port}
        for protocol in _PROTOCOLS
        for port in range(1, ports.get(protocol, 0) + 1)
    ]
    labels = {"app.kubernetes.io/managed-by": "sgportal", "app.kubernetes.io/component": "refusal"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": refusing_name(number), "namespace": namespace, "labels": labels},
        "spec": {"ipFamilyPolicy": "PreferDualStack", "ports": listed},
    }


def ensure(
    cluster: Cluster, namespace: str, number: int, ports: Mapping[str, int], families: Collection[str] = ()
) -> Body:
    """Have a refusing Service, and its namespace where that is missing, with an address of each of these families and
    of whichever else the cluster has; the Service as it is then. Raises ClusterError."""
    body = refusing_service(namespace, number, ports)
    try:
        live = _put(cluster, body)
    except NotFound:
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        live = _put(cluster, body)
    known = _known(live)
    if known and not known[0].keys() >= set(families):
        # The API server gives no second address to a Service that merely prefers two and was made with one.
        return _put(cluster, {**body, "spec": {**body["spec"], "ipFamilyPolicy": "RequireDualStack"}})
    return live


@dataclass(frozen=True, slots=True)
class PutRight:
    """Refusing Services that were put right, as they are now, and why others were not."""

    bodies: tuple[Body, ...]
    error: ClusterError | None = None


def put_right(
    connect: Callable[[], Cluster],
    namespace: str,
    numbers: Iterable[int],
    ports: Mapping[str, int],
    families: Collection[str],
) -> PutRight:
    """Have these refusing Services. After a failure only the first is tried, for it can do without the others."""
    done: list[Body] = []
    error = None
    for number in numbers:
        try:
            if error is None or number == 1:
                done.append(ensure(connect(), namespace, number, ports, families))
        except ClusterError as problem:
            error = problem
    return PutRight(tuple(done), error)


def _put(cluster: Cluster, body: dict[str, Any]) -> Body:
    live = cluster.apply(body, force=True).body
    if (live["spec"] or {}).get("selector"):
        metadata = live["metadata"]
        cluster.delete("Service", metadata["namespace"], metadata["name"], uid=metadata["uid"])
        live = cluster.apply(body, force=True).body
    return live
