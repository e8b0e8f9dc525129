"""Addresses the API server hands out: ClusterIPs and node ports."""

from ipaddress import IPv4Address, IPv4Network

from ..objects.errors import cause
from ..objects.store import Store
from ..objects.values import Object

SERVICES = IPv4Network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)


def allocate(body: Object, before: Object | None, store: Store) -> list[dict[str, str]]:
    """Give a Service its ClusterIP and node ports, in place; those it had it keeps. The causes for refusing what it
    asks for."""
    spec, old = body["spec"], (before or {}).get("spec") or {}
    if spec["type"] == "ExternalName":
        return []
    if spec.get("clusterIP") is None:
        spec["clusterIP"] = _free_address(store)
    elif spec["clusterIP"] not in (old.get("clusterIP"), "None") and (
        wrong := _address_problem(spec["clusterIP"], store)
    ):
        return [wrong]
    spec["clusterIPs"] = [spec["clusterIP"]]
    return _allocate_ports(spec, old, store) if spec["type"] in ("NodePort", "LoadBalancer") else []


def _address_problem(address: str, store: Store) -> dict[str, str] | None:
    try:
        inside = IPv4Address(address) in SERVICES
    except ValueError:
        wrong = f'Invalid value: "{address}": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
        return cause("spec.clusterIPs[0]", wrong)
    start = f'Invalid value: ["{address}"]: failed to allocate IP {address}: '
    if not inside:
        words = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {SERVICES}"
        return cause("spec.clusterIPs", start + words)
    taken = any(each["spec"].get("clusterIP") == address for each in store.each("services"))
    return cause("spec.clusterIPs", start + "provided IP is already allocated") if taken else None


def _free_address(store: Store) -> str:
    used = {each["spec"].get("clusterIP") for each in store.each("services")}
    first = int(SERVICES.network_address) + 10
    number = next(
        n for n in range(first + len(used), first + SERVICES.num_addresses) if str(IPv4Address(n)) not in used
    )
    return str(IPv4Address(number))


def _allocate_ports(spec: Object, old: Object, store: Store) -> list[dict[str, str]]:
    kept = {(port.get("name"), port.get("port")): port.get("nodePort") for port in old.get("ports") or ()}
    mine = set(kept.values())
    used = {port.get("nodePort") for each in store.each("services") for port in each["spec"].get("ports") or ()} - mine
    found = []
    for index, port in enumerate(spec.get("ports") or ()):
        asked = port.get("nodePort") or kept.get((port.get("name"), port["port"]))
        if asked and (asked in used or asked not in NODE_PORTS):
            why = "provided port is already allocated" if asked in used else "provided port is not in the valid range"
            found.append(cause(f"spec.ports[{index}].nodePort", f"Invalid value: {asked}: {why}"))
        port["nodePort"] = asked or next(n for n in NODE_PORTS if n not in used | mine)
        used.add(port["nodePort"])
    return found


def settle(spec: Object, old: Object) -> None:
    """What goes with a change of type, and what an update that leaves it out keeps, in place."""
    if spec["type"] == "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(name, None)
        return
    if not spec.get("clusterIP") and old.get("clusterIP"):
        spec["clusterIP"] = old["clusterIP"]
    if spec["type"] == "ClusterIP" and old.get("type") in ("NodePort", "LoadBalancer"):
        for name in ("externalTrafficPolicy", "allocateLoadBalancerNodePorts"):
            spec.pop(name, None)
        held = {port.get("nodePort") for port in old.get("ports") or ()}
        for port in spec.get("ports") or ():
            if port.get("nodePort") in held:
                port.pop("nodePort", None)
