"""A real network under a real control plane: every node a network namespace with its own kube-proxy, every pod a server
in a namespace at its pod IP. No namespace has a route to the machine's own network."""

import contextlib
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..services import end, free_port
from . import binaries
from .control_plane import ControlPlane, Process, ready

INSIDE = "https://127.0.0.1:6443"  # where a node finds the API server
METRICS = "http://127.0.0.1:10249/metrics"  # where a kube-proxy tells of itself, on its node


@dataclass(frozen=True, slots=True)
class Call:
    """One connection: `source` called at `start` (seconds since the epoch) and after `millis` was answered by a pod on
    `node`, or met `error` (refused, timeout, reset or words)."""

    source: str
    start: float
    millis: float
    node: str = ""
    pod: str = ""
    error: str = ""


class Caller:
    """Calls a target from network namespaces; `stop` ends it and gives every connection made."""

    def __init__(self, network: "Network", target: str, sources: Mapping[str, str], count: int, pause: float) -> None:
        self._process = subprocess.Popen(
            [str(binaries.find("traffic")), f"-target={target}", f"-count={count}", f"-pause={pause * 1000:.0f}ms"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.calls: list[Call] = []
        self.sources: set[str] = set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        for name, namespace in sources.items():
            self.add(name, namespace)
        if count:
            self._say("")

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.calls.append(Call(**json.loads(line)))

    def add(self, name: str, namespace: str) -> None:
        """Have one more source call."""
        self.sources.add(name)
        self._say(f"{name}={namespace}")

    def remove(self, name: str) -> None:
        """Have a source call no more."""
        self.sources.discard(name)
        self._say(f"-{name}")

    def stop(self) -> list[Call]:
        """End, and every connection made."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._reader.join(60)
        end(self._process)
        return self.calls

    def finish(self, seconds: float = 120) -> list[Call]:
        """Wait until every source has made its connections."""
        self._reader.join(seconds)
        assert not self._reader.is_alive(), f"not through after {seconds:.0f} s, {len(self.calls)} connections"
        return self.stop()


class Network(ControlPlane):
    """A control plane whose nodes can be reached: `add_node` also starts the node's own kube-proxy."""

    def __init__(self, folder: Path, mode: str, **options: Any) -> None:
        super().__init__(folder, network=f"k{free_port() % 10000}", **options)
        self.mode = mode
        self._inside = self.kubeconfig(server=INSIDE)

    def namespace(self, node: str) -> str:
        """The network namespace of a node."""
        return f"{self.network}-{node}"

    def pod_namespace(self, uid: str) -> str:
        """The network namespace of a pod."""
        return f"{self.network}-{uid.replace('-', '')[:10]}"

    def start_proxy(self, node: str, program: Path | None = None) -> None:
        """Start the kube-proxy of a node, as its DaemonSet would, once there is the node's network; another program
        than that of the control plane's version where it is given."""
        there = Path("/run/netns") / self.namespace(node)
        self.wait(there.exists, 75, f"the network of {node}")
        arguments = [
            f"--kubeconfig={self._inside}",
            f"--hostname-override={node}",
            f"--proxy-mode={self.mode}",
            "--conntrack-max-per-core=0",
            # 0 leaves the node's own timeouts as they are; by default an end that is half done is kept for an hour.
            "--conntrack-tcp-timeout-close-wait=0",
            "--conntrack-tcp-timeout-established=0",
            "--cluster-cidr=10.100.0.0/14",
            "--v=2",
        ]
        name = f"kube-proxy@{node}"
        inside = ["ip", "netns", "exec", self.namespace(node)]
        process = Process(name, arguments, self.folder, prefix=inside, program=program)
        self.processes[name] = process
        process.start()

    def proxies_follow(self, seconds: float = 2.3) -> None:
        """Wait as long as kube-proxies need to hear of a change and write it, at most once a second; and where the
        machine is busy, until each says that it is through."""
        time.sleep(seconds)
        nodes = [name.partition("@")[2] for name in self.processes if name.startswith("kube-proxy@")]
        self.wait(lambda: all(self._idle(node) for node in nodes), 30, "the kube-proxies have followed")

    def _idle(self, node: str) -> bool:
        said = dict(re.findall(r"^kubeproxy_sync_proxy_rules_(\w+)\S* (\S+)$", self.call(node, METRICS), re.MULTILINE))
        waiting = float(said["endpoint_changes_pending"]) + float(said["service_changes_pending"])
        return not waiting and float(said["last_timestamp_seconds"]) >= float(said["last_queued_timestamp_seconds"])

    def call(self, node: str, url: str, seconds: float = 2) -> str:
        """What curl says on a node: the answer, or "" where there is none."""
        command = ["ip", "netns", "exec", self.namespace(node), "curl", "-sS", "--max-time", str(seconds), url]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    def caller(self, target: str, sources: Mapping[str, str], count: int = 0, pause: float = 0.0) -> Caller:
        """Begin to call `host:port` from namespaces, each `count` times, or until stopped."""
        return Caller(self, target, sources, count, pause)

    def sources(self, nodes: Sequence[str], selector: str = "") -> dict[str, str]:
        """Each node, and each running pod that a label selector matches, with its namespace."""
        found = {f"node/{name}": self.namespace(name) for name in nodes}
        pods = self.request("GET", f"/api/v1/pods?labelSelector={selector}")["items"]
        running = [pod for pod in pods if pod["status"].get("phase") == "Running"]
        for pod in running:
            if "deletionTimestamp" not in pod["metadata"]:
                found[f"pod/{pod['metadata']['name']}"] = self.pod_namespace(pod["metadata"]["uid"])
        return found


@contextlib.contextmanager
def run(folder: Path, mode: str, nodes: Sequence[str], **options: Any) -> Iterator[Network]:
    """A control plane with these nodes Ready, each with a kube-proxy in a mode: `iptables` or `nftables`."""
    network = Network(folder, mode, **options)
    try:
        network.start()
        for index, name in enumerate(nodes):
            network.add_node(name, index)
        network.wait(lambda: all(ready(network, name) for name in nodes), 20, "the nodes are Ready")
        for name in nodes:
            network.start_proxy(name)
        yield network
    finally:
        network.stop()
