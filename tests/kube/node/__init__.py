"""A node that is none of the stand-in's: containerd with runc, the kubelet and a kube-proxy, for containers that really
run. It lives in namespaces and control groups of its own, and all of it ends with its first process."""

import contextlib
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from embedded_cluster.tls import make_certificates
from tests.kube import binaries
from tests.kube.control_plane import ControlPlane, Process, ready

from . import programs

HERE = Path(__file__).parent
HOST, ADDRESS = "172.29.255.1", "172.29.255.2"  # this machine as the node sees it, and the node
_PODS = "10.100.0.0/24"
_GROUPS = Path("/sys/fs/cgroup")
API_PORT = 6443
API_SERVICE = "10.96.0.1"


class _Passage(socketserver.ThreadingTCPServer):
    """Passes connections on from the node to the API server, which listens on this machine's loopback alone."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int) -> None:
        class Through(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", port)) as behind:
                    back = threading.Thread(target=_pump, args=(behind, self.request), daemon=True)
                    back.start()
                    _pump(self.request, behind)
                    back.join()

        super().__init__((HOST, API_PORT), Through)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class Node:
    """`plane` is the cluster that it joins, `name` what it is called there and in `ip netns`."""

    def __init__(self, plane: ControlPlane, folder: Path, name: str) -> None:
        self.plane, self.folder, self.name = plane, folder, name
        self._group = f"sgportal-{name}"
        self._link = f"v{name}"[:15]
        self.passage: _Passage | None = None

    @property
    def inside(self) -> list[str]:
        """What is put before a command, so that it runs in the node's network."""
        return ["nsenter", f"--net=/run/netns/{self.name}"]

    def begin(self) -> None:
        """Start everything, and wait until the node is Ready."""
        _ip(f"netns add {self.name}")
        _ip(f"link add {self._link} type veth peer name eth0 netns {self.name}")
        _ip(f"address add {HOST}/30 dev {self._link}")
        _ip(f"link set {self._link} up")
        for each in (f"address add {ADDRESS}/30 dev eth0", "link set eth0 up", "link set lo up"):
            _ip(f"-netns {self.name} {each}")
        _ip(f"-netns {self.name} route add default via {HOST}")
        self.passage = _Passage(self.plane.port)
        threading.Thread(target=self.passage.serve_forever, daemon=True).start()
        self._write()
        for each in self._controllers():
            (each / self._group).mkdir(exist_ok=True)
        self._start_kubelet()
        self.plane.wait(lambda: ready(self.plane, self.name), 150, "the node is Ready", 0.5)
        self._start_proxy()
        self._publish()

    def _controllers(self) -> list[Path]:
        return [each for each in _GROUPS.iterdir() if each.is_dir() and not each.is_symlink()]

    def _write(self) -> None:
        kubeconfig = yaml.safe_load(self.plane.kubeconfig("kubelets").read_text())
        kubeconfig["clusters"][0]["cluster"]["server"] = f"https://{HOST}:{API_PORT}"
        (self.folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
        settings = HERE / "settings"
        for each in ("containerd.toml", "kubelet.yaml", "network.conflist"):
            text = (settings / each).read_text()
            for word, meant in {
                "$FOLDER": str(self.folder),
                "$GROUP": self._group,
                "$PODS": _PODS,
                "$PAUSE": programs.PAUSE,
                "$ADDRESS": ADDRESS,
            }.items():
                text = text.replace(word, meant)
            place = self.folder / "network" / each if each.endswith("conflist") else self.folder / each
            place.parent.mkdir(exist_ok=True)
            place.write_text(text)

    def _start_kubelet(self) -> None:
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", str(HERE / "begin.sh")]
        arguments = [
            str(self.folder),
            str(programs.kubelet()),
            f"--config={self.folder / 'kubelet.yaml'}",
            f"--kubeconfig={self.folder / 'kubeconfig'}",
            f"--hostname-override={self.name}",
            f"--node-ip={ADDRESS}",
            "--v=2",
        ]
        self._add(Process(f"kubelet@{self.name}", [*apart[1:], *arguments], self.folder, self.inside, Path("unshare")))

    def _start_proxy(self) -> None:
        arguments = [
            f"--kubeconfig={self.folder / 'kubeconfig'}",
            f"--hostname-override={self.name}",
            "--proxy-mode=iptables",
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-close-wait=0",
            "--conntrack-tcp-timeout-established=0",
            f"--cluster-cidr={_PODS}",
        ]
        inside = ["ip", "netns", "exec", self.name]
        self._add(Process(f"kube-proxy@{self.name}", arguments, self.folder, inside, binaries.find("kube-proxy")))

    def _publish(self) -> None:
        """Tell pods where the API server is, which by itself would name its loopback."""
        slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
        metadata = {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}}
        ports = [{"name": "https", "port": API_PORT, "protocol": "TCP"}]
        body = {"metadata": metadata, "addressType": "IPv4", "endpoints": [{"addresses": [HOST]}], "ports": ports}
        self.plane.request("POST", slices, body)

    def _add(self, process: Process) -> None:
        self.plane.processes[process.name] = process
        process.start()

    def call(self, url: str) -> str:
        """What a GET from the node's network is answered. Raises CalledProcessError."""
        asked = f"import urllib.request as u; print(u.urlopen({url!r}, timeout=3).read().decode(), end='')"
        command = [*self.inside, sys.executable, "-c", asked]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def end(self) -> None:
        """End everything and take away what it left on the machine."""
        for name in (f"kube-proxy@{self.name}", f"kubelet@{self.name}"):
            if process := self.plane.processes.pop(name, None):
                process.stop()
        if self.passage:
            self.passage.shutdown()
            self.passage.server_close()
        for command in (f"netns delete {self.name}", f"link delete {self._link}"):
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip(command)
        for each in self._controllers():
            folders = sorted((each / self._group).rglob("*/"), reverse=True)
            for place in [*folders, each / self._group]:
                _remove(place)


def _remove(group: Path) -> None:
    """A control group goes once the last process in it has gone."""
    for _ in range(50):
        try:
            group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.1)


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, capture_output=True, text=True)


@contextlib.contextmanager
def run(folder: Path, name: str, *archives: Path) -> Iterator[tuple[ControlPlane, Node]]:
    """A control plane with this one node, Ready, which has the images of these archives. Raises SystemExit where
    packages are missing."""
    if wanted := programs.missing():
        raise SystemExit(f"apt-get install {' '.join(wanted)}")
    (folder / "plane").mkdir()
    make_certificates(folder / "plane", HOST, API_SERVICE)
    plane = ControlPlane(folder / "plane", apiserver=["--kubelet-preferred-address-types=InternalIP"])
    del plane.processes["kubelets"]  # the stand-in
    place = folder / "node"
    place.mkdir()
    for archive in (*programs.images(folder), *archives):
        shutil.move(archive, place)
    node = Node(plane, place, name)
    with contextlib.ExitStack() as ends:
        ends.callback(plane.stop)
        plane.start()
        ends.callback(node.end)
        node.begin()
        yield plane, node
