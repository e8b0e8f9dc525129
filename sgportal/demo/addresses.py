"""Addresses the API server hands out: ClusterIPs and node ports."""

from ipaddress import IPv4Address, IPv4Network

from .store import Store
from .values import Object

SERVICES = IPv4Network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)


def allocate(body: Object, before: Object | None, store: Store) -> None:
    """Give a Service its ClusterIP and node ports, in place; those it had it keeps."""
    spec, old = body["spec"], (before or {}).get("spec") or {}
    if spec["type"] == "ExternalName":
        return
    if spec.get("clusterIP") is None:
        spec["clusterIP"] = old.get("clusterIP") or _free_address(store)
    spec["clusterIPs"] = [spec["clusterIP"]]
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _allocate_ports(spec, old, store)


def _free_address(store: Store) -> str:
    used = {each["spec"].get("clusterIP") for each in store.each("services")}
    first = int(SERVICES.network_address) + 10
    number = next(
        n for n in range(first + len(used), first + SERVICES.num_addresses) if str(IPv4Address(n)) not in used
    )
    return str(IPv4Address(number))


def _allocate_ports(spec: Object, old: Object, store: Store) -> None:
    kept = {(port.get("name"), port.get("port")): port.get("nodePort") for port in old.get("ports") or ()}
    used = {port.get("nodePort") for each in store.each("services") for port in each["spec"].get("ports") or ()}
    for port in spec.get("ports") or ():
        if not port.get("nodePort"):
            port["nodePort"] = kept.get((port.get("name"), port["port"])) or next(
                n for n in NODE_PORTS if n not in used
            )
            used.add(port["nodePort"])
