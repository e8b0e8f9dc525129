"""Who reads the EndpointSlices of Services past kube-proxy, by the objects that name a Service: Ingresses, routes of
the Gateway API, Traefik's routes, ServiceMonitors. What each field means: the API references of those projects.

Objects are anybody's: whatever does not have the shape that its kind should have names nobody.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..names import GROUP
from ..selector import matches, requirements
from ..text import Sentence, say

# An object with this annotation says that what serves it goes by the ClusterIP, so that kube-proxy decides.
BY_ADDRESS = f"sgportal.{GROUP}/by-cluster-ip"
_NGINX_BY_ADDRESS = "nginx.ingress.kubernetes.io/service-upstream"
_TRAEFIK_BY_ADDRESS = "traefik.ingress.kubernetes.io/service.nativelb"
_CLASS = "kubernetes.io/ingress.class"
MOST_NAMED = 10  # readers of one Service that are kept by name


@dataclass(frozen=True, slots=True)
class ReaderKind:
    """A kind whose objects name Services: its API group, its plural, and its versions, the preferred one first."""

    kind: str
    group: str
    plural: str
    versions: tuple[str, ...]


_GATEWAY, _TRAEFIK = "gateway.networking.k8s.io", "traefik.io"
READER_KINDS = (
    ReaderKind("Ingress", "networking.k8s.io", "ingresses", ("v1",)),
    ReaderKind("HTTPRoute", _GATEWAY, "httproutes", ("v1", "v1beta1")),
    ReaderKind("GRPCRoute", _GATEWAY, "grpcroutes", ("v1", "v1alpha2")),
    ReaderKind("TLSRoute", _GATEWAY, "tlsroutes", ("v1", "v1alpha3", "v1alpha2")),
    ReaderKind("TCPRoute", _GATEWAY, "tcproutes", ("v1", "v1alpha2")),
    ReaderKind("UDPRoute", _GATEWAY, "udproutes", ("v1", "v1alpha2")),
    ReaderKind("IngressRoute", _TRAEFIK, "ingressroutes", ("v1alpha1",)),
    ReaderKind("IngressRouteTCP", _TRAEFIK, "ingressroutetcps", ("v1alpha1",)),
    ReaderKind("IngressRouteUDP", _TRAEFIK, "ingressrouteudps", ("v1alpha1",)),
    ReaderKind("TraefikService", _TRAEFIK, "traefikservices", ("v1alpha1",)),
    ReaderKind("ServiceMonitor", "monitoring.coreos.com", "servicemonitors", ("v1",)),
)


@dataclass(frozen=True, slots=True)
class ClosedService:
    """A Service whose EndpointSlices are ours, as far as readers choose by it."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


Place = tuple[str, str]  # namespace and name


def readers_of(bodies: Iterable[Mapping[str, Any]], services: Iterable[ClosedService]) -> dict[Place, list[str]]:
    """By Service, the objects that have something read its EndpointSlices, each as `<kind> <namespace>/<name>`, in
    order."""
    known = {(each.namespace, each.name): each for each in services}
    found: dict[Place, set[str]] = {}
    for body in bodies:
        metadata = _map(body.get("metadata"))
        if _map(metadata.get("annotations")).get(BY_ADDRESS) == "true":
            continue
        reader = f"{body.get('kind')} {metadata.get('namespace')}/{metadata.get('name')}"
        for place in _monitored(body, known) if body.get("kind") == "ServiceMonitor" else set(_named(body, known)):
            found.setdefault(place, set()).add(reader)
    return {place: sorted(several) for place, several in found.items()}


def _named(body: Mapping[str, Any], known: Mapping[Place, ClosedService]) -> Iterator[Place]:
    """The Services that an object names and that what serves it reads."""
    kind, own = str(body.get("kind")), str(_map(body.get("metadata")).get("namespace"))
    spec = _map(body.get("spec"))
    if kind == "Ingress":
        for name in _of_ingress(spec):
            service = known.get((own, name))
            if service and not _ingress_goes_by_address(body, service):
                yield own, name
        return
    for reference in _of_traefik_service(spec) if kind == "TraefikService" else _of_route(spec, kind):
        place = (str(reference.get("namespace") or own), str(reference.get("name")))
        is_service = reference.get("kind") in (None, "Service") and not reference.get("group")
        if is_service and place in known and reference.get("nativeLB") is not True:
            yield place


def _of_ingress(spec: Mapping[str, Any]) -> Iterator[str]:
    backends = [_map(spec.get("defaultBackend"))]
    for rule in _maps(spec.get("rules")):
        backends += [_map(path.get("backend")) for path in _maps(_map(rule.get("http")).get("paths"))]
    return (str(_map(backend.get("service")).get("name")) for backend in backends)


def _ingress_goes_by_address(body: Mapping[str, Any], service: ClosedService) -> bool:
    """Whether its controller is told to. What Traefik is told by an annotation of the Service counts where the Ingress
    is of no class, or of one called after Traefik; what ingress-nginx is told by one of the Ingress, where it is not of
    a class called after Traefik: neither knows the other's."""
    annotations = _map(_map(body.get("metadata")).get("annotations"))
    name = str(_map(body.get("spec")).get("ingressClassName") or annotations.get(_CLASS) or "")
    if annotations.get(_NGINX_BY_ADDRESS) == "true" and "traefik" not in name:
        return True
    return ("traefik" in name or not name) and service.annotations.get(_TRAEFIK_BY_ADDRESS) == "true"


def _of_route(spec: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    """References of a route of the Gateway API, with what it mirrors to; or of Traefik's."""
    if kind.startswith("IngressRoute"):
        for route in _maps(spec.get("routes")):
            yield from _maps(route.get("services"))
        return
    for rule in _maps(spec.get("rules")):
        references = list(_maps(rule.get("backendRefs")))
        yield from references
        for holder in (rule, *references):
            for each in _maps(holder.get("filters")):
                yield _map(_map(each.get("requestMirror")).get("backendRef"))


def _of_traefik_service(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    mirroring = _map(spec.get("mirroring"))
    yield from _maps(_map(spec.get("weighted")).get("services"))
    yield from _maps(_map(spec.get("highestRandomWeight")).get("services"))
    yield mirroring
    yield from _maps(mirroring.get("mirrors"))


def _monitored(body: Mapping[str, Any], known: Mapping[Place, ClosedService]) -> set[Place]:
    """The Services that a ServiceMonitor selects."""
    spec, own = _map(body.get("spec")), str(_map(body.get("metadata")).get("namespace"))
    namespaces = _map(spec.get("namespaceSelector"))
    chosen = namespaces.get("matchNames") or [own]
    try:
        wanted = requirements(_map(spec.get("selector")))
        return {
            place
            for place, service in known.items()
            if (namespaces.get("any") is True or place[0] in chosen) and matches(wanted, service.labels)
        }
    except (AttributeError, KeyError, TypeError):  # no selector that the API server of its kind would take
        return set()


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def readers_sentence(named: list[str], count: int) -> Sentence:
    """That these and others, `count` in all, have the EndpointSlices of a closed Service read."""
    return say(
        "%(names)s (%(count)s in all) let something read the EndpointSlices of this closed Service past kube-proxy: it "
        "reaches pods of every NodeUnit, and addresses that refuse; they have to name a plain Service (spec.front) or "
        "to go by the ClusterIP",
        names=", ".join(named),
        count=count,
    )


def external_traffic(spec: Mapping[str, Any]) -> Sentence | None:
    """What traffic from outside meets at a closed Service with this live spec, where people may think otherwise."""
    if spec.get("type") not in ("NodePort", "LoadBalancer") or spec.get("externalTrafficPolicy") == "Local":
        return None
    return say(
        "traffic from outside goes by the NodeUnit of the node that it enters by, and is refused where that has no "
        "ready pod, while a load balancer's check of the node is green; with externalTrafficPolicy “Local” a load "
        "balancer sends it to nodes with a ready pod only"
    )
