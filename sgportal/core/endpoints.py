"""The endpoints of a Service as Kubernetes' own endpointslice controller would list them (its reconciler and utils,
v1.37; kubernetes.io/docs "EndpointSlices"), before anybody adds hints."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from .places import Places
from .pods import PodView
from .service import ServiceFacts, target_port

_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod as an endpoint of one address family. `numbers` are its ports, one for each entry of `ports`, the indexes
    into the Service's ports that the pod has."""

    pod: PodView
    unit: str
    zone: str
    address: str
    ready: bool
    ports: tuple[int, ...]
    numbers: tuple[int, ...]


def endpoints_of(service: ServiceFacts, where: Places, pods: Iterable[PodView], family: str) -> tuple[Endpoint, ...]:
    """The endpoints of a Service in one family, in order of NodeUnit, pod and uid."""
    found = (_endpoint(service, where, pod, family) for pod in pods if _belongs(service, where, pod))
    listed = [each for each in found if each]
    return tuple(sorted(listed, key=lambda each: (each.unit, each.pod.name, each.pod.uid)))


def units_served(service: ServiceFacts, where: Places, pods: Iterable[PodView]) -> set[str]:
    """The NodeUnits that have a ready endpoint of a Service, in any family."""
    pods = tuple(pods)
    found = (each for family in service.families for each in endpoints_of(service, where, pods, family))
    return {each.unit for each in found if each.ready and each.unit}


def _belongs(service: ServiceFacts, where: Places, pod: PodView) -> bool:
    """A pod on a node that nobody knows is left out, unless the Service publishes what is not ready."""
    labels = pod.labels
    return (
        pod.namespace == service.namespace
        and all(labels.get(name) == value for name, value in service.selector.items())
        and bool(pod.ips)
        and pod.phase not in _ENDED
        and (pod.node in where.unit or service.publish_not_ready)
    )


def _endpoint(service: ServiceFacts, where: Places, pod: PodView, family: str) -> Endpoint | None:
    address = next((text for ip in pod.ips for kind, text in (read_address(ip),) if kind == family), None)
    if address is None:
        return None
    targets = [(index, target_port(port, pod)) for index, port in enumerate(service.ports)]
    had = [(index, number) for index, number in targets if number is not None]
    return Endpoint(
        pod,
        where.unit.get(pod.node, ""),
        where.zone.get(pod.node, ""),
        address,
        service.publish_not_ready or (pod.ready and not pod.terminating),
        tuple(index for index, _ in had),
        tuple(number for _, number in had),
    )


@lru_cache(maxsize=65536)
def read_address(text: str) -> tuple[str, str]:
    """(family, canonical text) of an IP address, as kube-proxy reads it: leading zeros of IPv4 mean nothing, IPv4
    within IPv6 is IPv4. ("", "") for what is none."""
    if ":" not in text:
        text = ".".join(part.lstrip("0") or "0" for part in text.split("."))
    try:
        found = ip_address(text)
    except ValueError:
        return "", ""
    if found.version == 6 and found.ipv4_mapped:
        found = found.ipv4_mapped
    return f"IPv{found.version}", str(found)


def endpoint_body(
    service: ServiceFacts, endpoint: Endpoint, hints: Mapping[str, list[dict[str, str]]] | None
) -> dict[str, Any]:
    """The endpoint as an entry of an EndpointSlice; `hints` None leaves them out."""
    pod = endpoint.pod
    body: dict[str, Any] = {
        "addresses": [endpoint.address],
        "conditions": {"ready": endpoint.ready, "serving": pod.ready, "terminating": pod.terminating},
        "targetRef": {"kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid},
    }
    if pod.node:
        body["nodeName"] = pod.node
    if endpoint.zone:
        body["zone"] = endpoint.zone
    if pod.hostname and pod.subdomain == service.name:
        body["hostname"] = pod.hostname
    if hints is not None:
        body["hints"] = hints
    return body


def port_bodies(service: ServiceFacts, ports: tuple[int, ...], numbers: tuple[int, ...]) -> list[dict[str, Any]]:
    """The ports of an EndpointSlice whose endpoints have these `ports` and `numbers`."""
    return [_port_body(service, index, number) for index, number in zip(ports, numbers, strict=True)]


def _port_body(service: ServiceFacts, index: int, number: int) -> dict[str, Any]:
    port = service.ports[index]
    body: dict[str, Any] = {"name": port.name, "port": number, "protocol": port.protocol}
    return body | ({"appProtocol": port.app_protocol} if port.app_protocol else {})


def by_unit(endpoints: Iterable[Endpoint]) -> Iterator[tuple[str, tuple[Endpoint, ...]]]:
    """The endpoints of each unit that has any, in the order given."""
    found: dict[str, list[Endpoint]] = {}
    for each in endpoints:
        found.setdefault(each.unit, []).append(each)
    yield from ((unit, tuple(members)) for unit, members in found.items())
