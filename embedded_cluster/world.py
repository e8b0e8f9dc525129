"""Sample worlds: the nodes an embedded cluster starts with."""

from collections.abc import Iterator

from .nodes.nodes import set_ready, told
from .objects.store import Store
from .objects.values import Object, new_uid, now

_SITES = {
    "beijing-01": 3,
    "chengdu-01": 2,
    "guangzhou-01": 3,
    "hamburg-01": 3,
    "hangzhou-01": 4,
    "rotterdam-01": 2,
    "shanghai-01": 4,
    "shanghai-02": 3,
    "shenzhen-01": 5,
    "wuhan-01": 2,
    "xian-01": 2,
}
_OFFLINE, _NOT_READY, _TAINTED, _CORDONED = "xian-01", "chengdu-01-node-2", "shenzhen-01-node-5", "hangzhou-01-node-4"


def build(world: str, store: Store) -> None:
    """Fill an empty store: `walkthrough`, `sites`, `large:<nodes>x<units>` or `empty`. Raises ValueError for others."""
    for index, (name, labels) in enumerate(_nodes(world)):
        store.put("nodes", node(name, index, labels))
    if world == "sites":
        _make_trouble(store)


def _nodes(world: str) -> Iterator[tuple[str, dict[str, str]]]:
    if world in ("walkthrough", "sites"):
        yield from ((f"node{number}", {}) for number in range(3))
    if world == "sites":
        for site, count in _SITES.items():
            tier = "flagship" if count > 3 else "store"
            yield from ((f"{site}-node-{number}", {"site": site, "tier": tier}) for number in range(1, count + 1))
    elif world.startswith("large:"):
        nodes, _, units = world.removeprefix("large:").partition("x")
        if not (nodes.isdecimal() and units.isdecimal() and int(units)):
            raise ValueError(f"a large world is written large:<nodes>x<units>, not {world!r}")
        yield from ((f"edge-{number:05}", {"site": f"site-{number % int(units):04}"}) for number in range(int(nodes)))
    elif world not in ("walkthrough", "empty"):
        raise ValueError(f"unknown world {world!r}: walkthrough, sites, large:<nodes>x<units> or empty")


def _metadata(name: str, labels: dict[str, str]) -> Object:
    return {"name": name, "uid": new_uid(), "creationTimestamp": now(), "labels": labels}


def node(name: str, index: int, labels: dict[str, str]) -> Object:
    """A Ready node with an address and a pod network of its own."""
    own = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", **labels}
    capacity = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "64Gi"}
    kinds = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    cidr = f"10.{128 + index // 256}.{index % 256}.0/24"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _metadata(name, own),
        "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [told({"type": each}, "True") for each in kinds],
            "addresses": [
                {"type": "InternalIP", "address": f"172.20.{index // 250}.{index % 250 + 1}"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.34.0",
                "osImage": "Embedded Linux",
                "kernelVersion": "6.12.0",
                "containerRuntimeVersion": "none://0",
                "architecture": "amd64",
                "operatingSystem": "linux",
            },
        },
    }


def _make_trouble(store: Store) -> None:
    """What a fleet looks like on an ordinary day: a site without uplink, a sick node, a taint, a cordon."""
    for body in list(store.each("nodes")):
        if body["metadata"]["labels"].get("site") == _OFFLINE:
            set_ready(store, body["metadata"]["name"], "Unknown")
    set_ready(store, _NOT_READY, "False")
    tainted = store.get("nodes", "", _TAINTED)
    cordoned = store.get("nodes", "", _CORDONED)
    if tainted and cordoned:
        taint = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
        store.put("nodes", {**tainted, "spec": {**tainted["spec"], "taints": [taint]}})
        store.put("nodes", {**cordoned, "spec": {**cordoned["spec"], "unschedulable": True}})
