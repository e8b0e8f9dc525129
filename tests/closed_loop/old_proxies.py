"""`python -m tests.closed_loop.old_proxies [v1.33.13 …]`: a cluster in which one node has a kube-proxy of an earlier
version, for real. What the portal says of that node is held against whom its calls meet, without zones, in a zone that
all share, and in one of its unit's own. Run on demand: it compiles those versions."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.house.tree import ROOT
from tests.kube.binaries import kubernetes_version
from tests.kube.proxies import program
from tests.services import run_redis, wait_for

from .edge import Edge, edge

VERSIONS = ("v1.30.14", "v1.32.13", "v1.33.13")
MODES = {"v1.30.14": ("iptables",)}  # nftables is not on by default there
UNITS = {"node0": "a", "node1": "b", "node2": "b"}
OLD = "node0"
ZONES: dict[str, dict[str, str | None]] = {
    "no zones": dict.fromkeys(UNITS),
    "one zone for all": dict.fromkeys(UNITS, "z"),
    "a zone for each unit": {"node0": "za", "node1": "zb", "node2": "zb"},
}
KEY = "topology.kubernetes.io/zone"
SERVICE = "servicegrid-demo"
LOOKS = 6  # in a row, a second apart, at which the portal says the same


def main() -> None:
    """Each version in each mode; ends with 1 where the portal says what is not so."""
    wrong = 0
    for version in sys.argv[1:] or VERSIONS:
        for mode in MODES.get(version, ("iptables", "nftables")):
            with tempfile.TemporaryDirectory() as folder:
                for zones, state, said, met in run(version, mode, Path(folder)):
                    agrees = met <= said and (state == "leaking") == bool(met & {"node1", "node2"})
                    wrong += not agrees
                    print(
                        f"{version} {mode}, {zones}: the portal says {state} {sorted(said)}; calls met {sorted(met)}"
                        f"{'' if agrees else '   <-- NOT SO'}",
                        flush=True,
                    )
    raise SystemExit(bool(wrong))


def run(version: str, mode: str, folder: Path) -> Iterator[tuple[str, str, set[str], set[str]]]:
    """For each layout of zones what the portal says of the old node: its state and which nodes' pods it reaches, and
    those of which calls from there were answered."""
    old = program(version)
    with run_redis(folder) as redis, edge(folder, mode, list(UNITS), redis.url) as here:
        here.net.processes[f"kube-proxy@{OLD}"].stop()
        here.net.start_proxy(OLD, old)
        for node, unit in UNITS.items():
            _proxy_pod(here, node, version if node == OLD else kubernetes_version())
            here.label(node, zone1=unit)
        examples = ROOT / "docs" / "examples"
        here.post("deploymentgrids", yaml.safe_load((examples / "deploymentgrid.yaml").read_text()))
        grid = yaml.safe_load((examples / "servicegrid.yaml").read_text())
        grid["spec"]["closure"] = {"mode": "strict"}
        here.post("servicegrids", grid)
        here.net.wait(lambda: len(here.running("appGrid%3Decho")) == 4, 75, "the pods run")
        address = here.address(f"{SERVICE}-svc")
        for name, zones in ZONES.items():
            for node, zone in zones.items():
                body = {"metadata": {"labels": {KEY: zone}}}
                here.net.request("PATCH", f"/api/v1/nodes/{node}", body, content="application/merge-patch+json")
            row = _at_rest(here)
            here.net.proxies_follow(5)
            calls = here.net.caller(f"{address}:80", {OLD: here.net.namespace(OLD)}, count=300).finish()
            yield name, row["state"], {each["node"] for each in row["endpoints"]}, {c.node for c in calls if c.node}


def _proxy_pod(here: Edge, node: str, version: str) -> None:
    """The pod of a kube-proxy, by which the portal knows its version."""
    metadata = {"name": f"kube-proxy-{node}", "namespace": "kube-system", "labels": {"k8s-app": "kube-proxy"}}
    spec = {"nodeName": node, "containers": [{"name": "kube-proxy", "image": f"registry.k8s.io/kube-proxy:{version}"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    here.net.request("POST", "/api/v1/namespaces/kube-system/pods", body)


def _at_rest(here: Edge) -> dict[str, Any]:
    """What the portal says of the old node, once it says the same."""
    seen: list[Any] = []

    def settled() -> Any:
        found = here.proof(SERVICE)
        seen.append(
            (found[OLD]["state"], found[OLD]["reason"], sorted(each["pod"] for each in found[OLD]["endpoints"]))
        )
        return found[OLD] if len(seen) > 6 and len(set(map(repr, seen[-6:]))) == 1 and found[OLD]["observed"] else None

    return dict(wait_for(settled, 75, "the portal says the same", 1.0))


if __name__ == "__main__":
    main()
