"""What the API server refuses of Services and EndpointSlices."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from ..objects.errors import cause, doubled, required, too_many
from ..objects.formats import is_label, is_port, is_port_or_name, is_subdomain, label_values, one_of
from ..objects.values import Object

PROTOCOLS = ("SCTP", "TCP", "UDP")
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
POLICIES = ("Cluster", "Local")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
ENDPOINTS, ADDRESSES, SLICE_PORTS, HINTS = 1000, 100, 20_000, 8  # the most of each in an EndpointSlice
Causes = Iterator[dict[str, str]]


def service(spec: Object, before: Object | None) -> Causes:
    """The causes for refusing a Service's spec; `before` is what it was."""
    kind = spec.get("type")
    yield from one_of(kind, "spec.type", *TYPES)
    yield from one_of(spec.get("sessionAffinity"), "spec.sessionAffinity", "ClientIP", "None")
    yield from one_of(spec.get("internalTrafficPolicy"), "spec.internalTrafficPolicy", *POLICIES)
    yield from one_of(spec.get("trafficDistribution"), "spec.trafficDistribution", *DISTRIBUTIONS)
    yield from label_values(spec.get("selector") or {}, "spec.selector")
    if kind == "ExternalName":
        if not spec.get("externalName"):
            yield required("spec.externalName")
        return
    if not spec.get("ports") and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    yield from _service_ports(spec.get("ports") or [])
    yield from _families(spec)
    old = (before or {}).get("clusterIP")
    if old and spec.get("clusterIP") != old:
        wrong = f'Invalid value: ["{spec.get("clusterIP")}"]: may not change once set'
        yield cause("spec.clusterIPs[0]", wrong)


def _families(spec: Object) -> Causes:
    if spec.get("ipFamilyPolicy") == "RequireDualStack":
        wrong = 'Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'
        yield cause("spec.ipFamilyPolicy", wrong)
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family != "IPv4":
            yield cause(f"spec.ipFamilies[{index}]", f'Invalid value: "{family}": not configured on this cluster')


def _service_ports(ports: list[Any]) -> Causes:
    names, numbers = Counter[str](), Counter[tuple[Any, Any]]()
    for index, port in enumerate(ports):
        place, name = f"spec.ports[{index}]", port.get("name")
        if not name and len(ports) > 1:
            yield required(f"{place}.name")
        elif name and not is_label(name):
            yield cause(f"{place}.name", f'Invalid value: "{name}": a lowercase RFC 1123 label is required')
        elif name and names[name]:
            yield doubled(f"{place}.name", name)
        if not is_port(port.get("port")):
            yield cause(f"{place}.port", f"Invalid value: {port.get('port')}: must be between 1 and 65535, inclusive")
        if port.get("targetPort") is not None and not is_port_or_name(port["targetPort"]):
            yield cause(f"{place}.targetPort", f"Invalid value: {port['targetPort']}: it is neither port nor name")
        yield from one_of(port.get("protocol"), f"{place}.protocol", *PROTOCOLS)
        key = (port.get("protocol"), port.get("port"))
        if numbers[key]:
            yield doubled(place, port.get("port"))
        names[name or ""] += 1
        numbers[key] += 1


def endpoint_slice(body: Object, before: Object | None) -> Causes:
    """The causes for refusing an EndpointSlice; `before` is what it was."""
    kind, endpoints = body.get("addressType"), body.get("endpoints") or []
    if not kind:
        yield required("addressType")
    else:
        yield from one_of(kind, "addressType", *ADDRESS_TYPES)
    if before and before.get("addressType") != kind:
        yield cause("addressType", f'Invalid value: "{kind}": field is immutable')
    if len(endpoints) > ENDPOINTS:
        yield too_many("endpoints", len(endpoints), ENDPOINTS)
        return
    for index, endpoint in enumerate(endpoints):
        yield from _endpoint(endpoint, kind, f"endpoints[{index}]")
    yield from _slice_ports(body.get("ports") or [])


def _endpoint(endpoint: Object, kind: Any, place: str) -> Causes:
    addresses = endpoint.get("addresses") or []
    if not addresses:
        yield required(f"{place}.addresses")
    if len(addresses) > ADDRESSES:
        yield too_many(f"{place}.addresses", len(addresses), ADDRESSES)
    if kind in ("IPv4", "IPv6"):
        for index, address in enumerate(addresses):
            yield from _address(address, kind, f"{place}.addresses", index)
    name = endpoint.get("nodeName")
    if name is not None and not is_subdomain(name):
        yield cause(f"{place}.nodeName", f'Invalid value: "{name}": a lowercase RFC 1123 subdomain is required')
    hints = endpoint.get("hints") or {}
    yield from _hints(hints.get("forNodes") or [], f"{place}.hints.forNodes", node=True)
    yield from _hints(hints.get("forZones") or [], f"{place}.hints.forZones", node=False)


def _address(text: str, kind: str, field: str, index: int) -> Causes:
    try:
        address = ip_address(text)
    except ValueError:
        wrong = f'Invalid value: "{text}": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
        yield cause(f"{field}[{index}]", wrong)
        return
    if f"IPv{address.version}" != kind:
        yield cause(field, f'Invalid value: "{text}": must be an {kind} address')
        return
    for bad, words in (
        (address.is_unspecified, f"may not be unspecified ({text})"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (text.startswith("224.0.0."), "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ):
        if bad:
            yield cause(f"{field}[{index}]", f'Invalid value: "{text}": {words}')


def _hints(entries: list[Any], field: str, node: bool) -> Causes:
    """Names of nodes are names of DNS; those of zones are values of labels, and so may be empty."""
    if len(entries) > HINTS:
        yield too_many(field, len(entries), HINTS)
        return
    seen = set()
    for index, entry in enumerate(entries):
        name, place = entry.get("name", ""), f"{field}[{index}].name"
        if node and not is_subdomain(name):
            yield cause(place, f'Invalid value: "{name}": a lowercase RFC 1123 subdomain is required')
        elif not node:
            yield from label_values({"": name}, place)
        if name in seen:
            yield doubled(place, name)
        seen.add(name)


def _slice_ports(ports: list[Any]) -> Causes:
    if len(ports) > SLICE_PORTS:
        yield too_many("ports", len(ports), SLICE_PORTS)
    seen = set()
    for index, port in enumerate(ports):
        name = port.get("name") or ""
        if name and not is_label(name):
            yield cause(f"ports[{index}].name", f'Invalid value: "{name}": a lowercase RFC 1123 label is required')
        if name in seen:
            yield doubled(f"ports[{index}].name", name)
        seen.add(name)
        yield from one_of(port.get("protocol"), f"ports[{index}].protocol", *PROTOCOLS)
