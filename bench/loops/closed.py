"""Fifty closed Services over a thousand NodeUnits with a zone each, beside ordinary Services over the same pods: how
many EndpointSlices, how many writes for a pod that changes, and what a change costs a real kube-proxy."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from .. import stage
from ..following import follow
from .freshness import UNREADY, _is_ready

SERVICES, FEW, TWINS = 50, 5, 100  # Services in all, those that kube-proxy is measured with, units with a second pod
CHANGES, EVERY, CALM = 60, 0.5, 6.0
TICKS = os.sysconf("SC_CLK_TCK")
# Carries connections between a port and a Unix socket, which is the same file in every network namespace.
FORWARD = """
import asyncio, sys
async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data); await writer.drain()
    finally:
        writer.close()
async def main(role, path, port):
    async def joined(reader, writer):
        far = asyncio.open_connection("127.0.0.1", port) if role == "outside" else asyncio.open_unix_connection(path)
        there, back = await far
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)
    unix, address = asyncio.start_unix_server, asyncio.start_server
    async with await (unix(joined, path) if role == "outside" else address(joined, "127.0.0.1", port)) as server:
        await server.serve_forever()
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


class Slices:
    """The live slices of each Service, and how often they were written, by a watch of its own."""

    def __init__(self) -> None:
        self.live: dict[str, dict[str, frozenset[str]]] = {}
        self.writes: Counter[str] = Counter()

    def learn(self, event: Any) -> None:
        """An EndpointSlice was written."""
        metadata = event.body["metadata"]
        service = (metadata.get("labels") or {}).get("kubernetes.io/service-name", "")
        known = self.live.setdefault(service, {})
        endpoints = event.body.get("endpoints") or ()
        ready = (each for each in endpoints if each["conditions"]["ready"] and each.get("targetRef"))
        shown = frozenset(each["targetRef"]["name"] for each in ready)
        self.writes[service] += 1
        if event.type == "DELETED":
            known.pop(metadata["name"], None)
        else:
            known[metadata["name"]] = shown

    def ready(self, service: str) -> int:
        """How many pods are shown as ready."""
        return len(frozenset().union(*self.live.get(service, {}).values()))


def run(world: str) -> dict[str, Any]:
    """`{slices: {builtin, closed, ratio}, writes: {beside, alone}, proxy: {plain, closed, ratio}, own: {…}, nft: {…}}`:
    slices of one Service, writes for each change and Service (of a pod beside another of its unit, of a unit's only
    one), milliseconds of processor time for each change and Service: of kube-proxy with the `nft` that it starts, and
    of either."""
    units = int(world.partition("x")[2])
    with stage.stage(world), stage.portal("keeper"):
        from sgportal.reconciler.process import connection

        cluster, slices = connection.writable(), Slices()
        pods = _prepared(cluster, units)
        follow(cluster, "EndpointSlice", slices.learn)
        costs, builtin = {}, 0
        for kind in ("plain", "closed"):
            names = [f"few-{kind}-{number}" for number in range(FEW)]
            _services(cluster, names, slices, len(pods))
            builtin = builtin or len(slices.live[names[0]])
            with _kube_proxy() as pid:
                costs[kind] = [each / FEW for each in _cost(cluster, pods, pid)]
            for name in names:  # all of them: kube-proxy works for each that is left
                cluster.delete("Service", "default", name)
        names = [f"web-{number:02}-closed" for number in range(SERVICES)]
        _services(cluster, names, slices, len(pods))
        time.sleep(CALM)
        counted = {"builtin": builtin, "closed": max(len(slices.live[name]) for name in names)}
        twins, alone = [each for each in pods if each.endswith("-1")], [each for each in pods if each.endswith("-0")]
        writes = {
            what: _writes(cluster, some, names, slices)
            for what, some in (("beside", twins), ("alone", alone[TWINS : TWINS + CHANGES // 2]))
        }
    return {
        "slices": {**counted, "ratio": counted["closed"] / counted["builtin"]},
        "writes": writes,
        **_compared(costs),
    }


def _compared(costs: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Both kinds beside each other: kube-proxy with its children, its own time, and that of its children."""
    found = {}
    for what, of in (("proxy", sum), ("own", lambda each: each[0]), ("nft", lambda each: each[1])):
        plain, closed = of(costs["plain"]), of(costs["closed"])
        found[what] = {"plain": plain, "closed": closed, "ratio": closed / plain}
    return found


def _prepared(cluster: Any, units: int) -> list[str]:
    """A zone for each node, and the pods: one on each node, two on the first ones."""
    from sgportal.cluster import MERGE_PATCH

    def prepare(number: int) -> None:
        node, unit = f"edge-{number:05}", f"unit-{number:04}"
        zone = {"metadata": {"labels": {"topology.kubernetes.io/zone": f"zone-of-{unit}"}}}
        cluster.patch("Node", "", node, zone, MERGE_PATCH)
        for twin in range(2 if number < TWINS else 1):
            spec = {"nodeName": node, "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 8080}]}]}
            metadata = {"name": f"pod-{number:05}-{twin}", "namespace": "default", "labels": {"app": "web"}}
            cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(prepare, range(units)))

    def running() -> list[str]:
        found = [each for each in cluster.list("Pod", "default").items if _is_ready(each)]
        return [each["metadata"]["name"] for each in found] if len(found) == units + TWINS else []

    return sorted(stage.wait(running, 300, "the pods run", pause=1))


def _services(cluster: Any, names: list[str], slices: Slices, pods: int) -> None:
    annotations = {
        "sgportal.superedge.io/closure": json.dumps({"mode": "strict", "key": "site", "failover": []}),
        "sgportal.superedge.io/selector": json.dumps({"app": "web"}),
    }
    for name in names:
        metadata, spec = {"name": name, "namespace": "default"}, {"ports": [{"port": 80, "targetPort": 8080}]}
        if "closed" in name:
            metadata["annotations"] = annotations
        else:
            spec["selector"] = {"app": "web"}
        cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    stage.wait(lambda: all(slices.ready(name) == pods for name in names), 600, "every pod is listed", pause=0.5)


def _flip(cluster: Any, pod: str, ready: bool) -> None:
    from sgportal.cluster import MERGE_PATCH

    change = {"metadata": {"annotations": {UNREADY: str(not ready).lower()}}}
    cluster.patch("Pod", "default", pod, change, MERGE_PATCH)


def _flips(cluster: Any, pods: list[str]) -> int:
    """Pods fail their probe one after the other, and pass it again; how many changes that were."""
    some = pods[: CHANGES // 2]
    for ready in (False, True):
        for pod in some:
            _flip(cluster, pod, ready)
            time.sleep(EVERY)
    time.sleep(CALM)
    return 2 * len(some)


def _writes(cluster: Any, pods: list[str], names: list[str], slices: Slices) -> float:
    before = sum(slices.writes[name] for name in names)
    changes = _flips(cluster, pods)
    return (sum(slices.writes[name] for name in names) - before) / changes / len(names)


def _cost(cluster: Any, pods: list[str], pid: int) -> tuple[float, float]:
    """Milliseconds of processor time for each change of a pod, beside what is needed at rest: of a process, and of the
    children that it has waited for."""
    _flip(cluster, pods[-1], False)
    _flip(cluster, pods[-1], True)
    time.sleep(CALM)
    since, used = time.monotonic(), _cpu(pid)
    time.sleep(CALM)
    span = time.monotonic() - since
    idle = [(now - then) / span for now, then in zip(_cpu(pid), used, strict=True)]
    since, used = time.monotonic(), _cpu(pid)
    changes = _flips(cluster, [each for each in pods if each.endswith("-1")])
    span = time.monotonic() - since
    now = _cpu(pid)
    own, children = ((now[i] - used[i] - idle[i] * span) * 1000 / changes for i in range(2))
    return own, children


def _cpu(pid: int) -> tuple[float, float]:
    """Seconds of processor time of a process, and of its children that have ended."""
    fields = [int(each) for each in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]]
    return sum(fields[:2]) / TICKS, sum(fields[2:]) / TICKS


@contextlib.contextmanager
def _kube_proxy() -> Iterator[int]:
    """A real kube-proxy of the first node, in a network namespace of its own, once it has written its rules; its id."""
    from tests.kube import binaries

    name = f"bench-{uuid.uuid4().hex[:8]}"
    inside = ["ip", "netns", "exec", name]
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    port = int(config["clusters"][0]["cluster"]["server"].rpartition(":")[2])
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        socket, kubeconfig = f"{folder}/api", Path(folder) / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        for command in (["ip", "netns", "add", name], [*inside, "ip", "link", "set", "lo", "up"]):
            subprocess.run(command, check=True)  # noqa: S603 - our own
        stack.callback(subprocess.run, ["ip", "netns", "del", name], check=True)

        def start(command: list[str]) -> int:
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            return process.pid

        start([sys.executable, "-c", FORWARD, "outside", socket, str(port)])
        stage.wait(lambda: Path(socket).exists(), 20, "the way to the API server")
        start([*inside, sys.executable, "-c", FORWARD, "inside", socket, str(port)])
        time.sleep(1)
        arguments = ["--hostname-override=edge-00000", "--proxy-mode=nftables", "--conntrack-max-per-core=0"]
        proxy = [str(binaries.find("kube-proxy")), f"--kubeconfig={kubeconfig}", *arguments]
        pid = start([*inside, *proxy])
        rules = [*inside, "nft", "list", "table", "ip", "kube-proxy"]
        stage.wait(lambda: subprocess.run(rules, capture_output=True).returncode == 0, 60, "kube-proxy writes", pause=1)  # noqa: S603
        time.sleep(CALM)
        yield pid
