"""What the closed loop needs to know of a Service, read from the live object alone."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..names import CLOSURE, SELECTOR
from ..pods import PodView
from .closure import Closure, cannot_be_managed, read_closure
from .rules import TOPOLOGY_MODE

FAMILIES = ("IPv4", "IPv6")


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service. `target` is a number, or the name of a pod's port; `name` is "" for an only port."""

    name: str
    protocol: str
    port: int
    target: int | str
    app_protocol: str = ""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A Service and how it is kept. `families` are its address families, `selector` the labels of the pods that serve,
    `key` the node label that makes NodeUnits, `local` that each node may use its own pods only
    (internalTrafficPolicy). `external`: of type ExternalName. `annotated`: it asks old kube-proxies to obey hints for
    zones (topology-mode)."""

    namespace: str
    name: str
    uid: str
    closure: Closure
    key: str
    selector: Mapping[str, str]
    ports: tuple[ServicePort, ...]
    families: tuple[str, ...] = ("IPv4",)
    labels: Mapping[str, str] = field(default_factory=dict)
    publish_not_ready: bool = False
    headless: bool = False
    local: bool = False
    external: bool = False
    annotated: bool = False


def service_facts(body: Mapping[str, Any]) -> ServiceFacts | None:
    """What a live Service says of itself in our annotations; None where its slices are not ours to keep: it lacks an
    annotation, or has one that we would not have written, or cannot be steered."""
    annotations = body["metadata"].get("annotations") or {}
    found = read_closure(annotations.get(CLOSURE) or "")
    selector = read_selector(annotations.get(SELECTOR) or "")
    if not found or not selector or not found[0].manages_slices or cannot_be_managed(body.get("spec") or {}):
        return None
    return described(body, *found, selector)


def described(
    body: Mapping[str, Any], closure: Closure, key: str, selector: Mapping[str, str] | None = None
) -> ServiceFacts:
    """A Service that is kept in any mode; its selector is its own unless one is given."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    return ServiceFacts(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata.get("uid") or "",
        closure=closure,
        key=key,
        selector=spec.get("selector") or {} if selector is None else selector,
        ports=tuple(_ports(spec)),
        families=_families(spec),
        labels=metadata.get("labels") or {},
        publish_not_ready=bool(spec.get("publishNotReadyAddresses")),
        headless=spec.get("clusterIP") in (None, "", "None"),
        local=spec.get("internalTrafficPolicy") == "Local",
        external=spec.get("type") == "ExternalName",
        annotated=asks_for_zones(metadata.get("annotations") or {}),
    )


def asks_for_zones(annotations: Mapping[str, str]) -> bool:
    """Whether a Service's annotations ask for hints for zones, as kube-proxy before 1.31 reads them (pkg/proxy/
    serviceport.go; the older annotation comes first)."""
    value = next((annotations[each] for each in TOPOLOGY_MODE if annotations.get(each)), "")
    return value not in ("", "disabled", "Disabled")


def read_selector(text: str) -> Mapping[str, str] | None:
    """The labels that the annotation SELECTOR names; None where it is not as we write it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
        return None
    return value


def _ports(spec: Mapping[str, Any]) -> Iterator[ServicePort]:
    for port in spec.get("ports") or ():
        yield ServicePort(
            port.get("name") or "",
            port.get("protocol") or "TCP",
            port["port"],
            port.get("targetPort") or port["port"],
            port.get("appProtocol") or "",
        )


def _families(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """As the cluster's own controller finds them: `ipFamilies`, else the family of the ClusterIP, else both."""
    if families := tuple(each for each in FAMILIES if each in (spec.get("ipFamilies") or ())):
        return families
    address = spec.get("clusterIP") or "None"
    if address == "None":
        return FAMILIES
    return ("IPv6",) if ":" in address else ("IPv4",)


def target_port(port: ServicePort, pod: PodView) -> int | None:
    """The number behind a Service's port on a pod; None where the pod has no port of that name and protocol."""
    if isinstance(port.target, int):
        return port.target
    wanted = (port.target, port.protocol)
    return next((number for name, number, protocol in pod.ports if (name, protocol) == wanted), None)
