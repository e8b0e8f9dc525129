"""The endpoints of a Service as Kubernetes' own endpointslice controller would list them (its reconciler and utils,
v1.37; kubernetes.io/docs "EndpointSlices"), before anybody adds hints."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from ...names import HEADLESS, MANAGED_BY, SERVICE_NAME, SLICE_MANAGER
from ...pods import PodView
from ..service import ServiceFacts, target_port
from .topology import Places

_RESERVED = {SERVICE_NAME, MANAGED_BY, HEADLESS}
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


def serving_pods(service: ServiceFacts, where: Places, pods: Iterable[PodView]) -> dict[str, list[PodView]]:
    """The pods that a Service lists, by NodeUnit ("" for none). A pod on a node that nobody knows is left out, unless
    the Service publishes what is not ready."""
    found: dict[str, list[PodView]] = {}
    selector = tuple(service.selector.items())
    for pod in pods:
        if pod.namespace != service.namespace or not pod.ips or pod.phase in _ENDED:
            continue
        if pod.node not in where.unit and not service.publish_not_ready:
            continue
        if all(pod.labels.get(name) == value for name, value in selector):
            found.setdefault(where.unit.get(pod.node, ""), []).append(pod)
    return found


def endpoints_of(service: ServiceFacts, where: Places, pods: Iterable[PodView], family: str) -> tuple[Endpoint, ...]:
    """The endpoints in one family of pods that a Service lists, in order of pod and uid."""
    found = (_endpoint(service, where, pod, family) for pod in pods)
    return tuple(sorted((each for each in found if each), key=lambda each: (each.pod.name, each.pod.uid)))


def units_served(service: ServiceFacts, where: Places, pods: Iterable[PodView]) -> set[str]:
    """The NodeUnits that have a ready endpoint of a Service, in any family."""
    listed = serving_pods(service, where, pods)
    return {
        unit
        for unit, members in listed.items()
        if unit
        and any(each.ready for family in service.families for each in endpoints_of(service, where, members, family))
    }


def _endpoint(service: ServiceFacts, where: Places, pod: PodView, family: str) -> Endpoint | None:
    for ip in pod.ips:
        kind, address = read_address(ip)
        if kind == family:
            break
    else:
        return None
    had = [
        (index, number) for index, port in enumerate(service.ports) if (number := target_port(port, pod)) is not None
    ]
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


def canonical(address: str) -> str:
    """An address as kube-proxy knows it; what is none stays as it is."""
    return read_address(address)[1] or address


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


def slice_body(service: ServiceFacts, name: str, family: str, ports: list[Any], endpoints: list[Any]) -> dict[str, Any]:
    """An EndpointSlice of a Service, with the labels and the owner that Kubernetes' own controller gives it."""
    labels = {key: value for key, value in service.labels.items() if key not in _RESERVED}
    labels |= {SERVICE_NAME: service.name, MANAGED_BY: SLICE_MANAGER} | ({HEADLESS: ""} if service.headless else {})
    owner = {"apiVersion": "v1", "kind": "Service", "name": service.name, "uid": service.uid}
    metadata = {
        "name": name,
        "namespace": service.namespace,
        "labels": labels,
        "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": family,
        "ports": ports,
        "endpoints": endpoints,
    }
