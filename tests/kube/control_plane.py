"""A real Kubernetes control plane on loopback, of its own CA, tokens and RBAC: etcd, API server, controller manager,
scheduler, and a stand-in for the kubelets. Everything it starts ends with it."""

import contextlib
import ctypes
import io
import json
import os
import secrets
import signal
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from email.message import Message
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import urllib3
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from embedded_cluster.tls import make_certificates

from ..services import end, free_port, wait_for
from . import binaries, definitions

ADMIN = "admin"
_PARENT_DEATH = 1  # prctl(2): PR_SET_PDEATHSIG


def _die_with_parent() -> None:
    """A killed test run leaves nothing behind."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)


class Process:
    """A component: it can be stopped, killed and started again, with the same arguments or others."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        folder: Path,
        prefix: Sequence[str] = (),
        program: Path | None = None,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.arguments = list(arguments)
        self._program = [*prefix, str(program or binaries.find(name.split("@")[0]))]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._program, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process:
            end(self._process, 10, number)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process, f"{self.name} does not run"
        return self._process.pid

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None


RUNNING: list["ControlPlane"] = []  # of this process, so that a failure can show what they said


class ControlPlane:
    """A running control plane. `kubeconfig(user)` is how to reach it: `admin`, or any user made by `token(user)`."""

    def __init__(
        self,
        folder: Path,
        network: str = "",
        apiserver: Sequence[str] = (),
        manager: Sequence[str] = (),
        kubelets: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.network = network
        self._etcd_port, self._peer_port = free_port(), free_port()
        users = (ADMIN, "manager", "scheduler", "kubelets", "portal", "product", "stranger")
        self._tokens = {name: secrets.token_hex(16) for name in users}
        self._ca, self._certificate, self._key = make_certificates(folder)
        # Connections are kept: a handshake for each request would take longer than the request.
        self._pool = urllib3.PoolManager(ca_certs=str(self._ca), retries=False, maxsize=8)
        self._write_secrets()
        self.processes = {each.name: each for each in self._components(apiserver, manager, kubelets)}

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        """The certificate that its own is signed with."""
        return self._ca

    @property
    def etcd(self) -> str:
        """Where etcd answers clients."""
        return f"http://127.0.0.1:{self._etcd_port}"

    def _write_secrets(self) -> None:
        groups = {"portal": "portals", "product": "products", "stranger": "strangers"}
        rows = [f'{t},{name},{name},"{groups.get(name, "system:masters")}"' for name, t in self._tokens.items()]
        (self.folder / "tokens.csv").write_text("\n".join(rows) + "\n")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / "accounts.key").write_bytes(private)

    def kubeconfig(self, user: str = ADMIN, server: str = "") -> Path:
        """The path of a kubeconfig for a user, at another address of the same server where given."""
        path = self.folder / f"{user}{'-inside' if server else ''}.kubeconfig"
        named = {
            "clusters": [
                {"name": "test", "cluster": {"server": server or self.url, "certificate-authority": str(self._ca)}}
            ],
            "users": [{"name": user, "user": {"token": self._tokens[user]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user, "namespace": "default"}}],
        }
        path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "test", **named}))
        path.chmod(0o600)
        return path

    def _audited(self) -> Path:
        """A policy that logs what a person may do through the portal at once, and nothing else."""
        rules = [
            {"level": "Metadata", "verbs": ["patch"], "resources": [{"group": "", "resources": ["nodes"]}]},
            {
                "level": "Metadata",
                "resources": [{"group": "", "resources": ["pods/log", "pods/eviction", "pods/exec"]}],
            },
            {"level": "None"},
        ]
        path = self.folder / "audit.yaml"
        about = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}
        path.write_text(yaml.safe_dump({**about, "rules": rules}))
        return path

    def _components(self, apiserver: Sequence[str], manager: Sequence[str], kubelets: Sequence[str]) -> list[Process]:
        etcd = f"http://127.0.0.1:{self._etcd_port}"
        accounts = str(self.folder / "accounts.key")
        peer = f"http://127.0.0.1:{self._peer_port}"
        quiet = ["--leader-elect=false", "--bind-address=127.0.0.1"]
        fast = ["--kube-api-qps=500", "--kube-api-burst=1000"]
        return [
            Process(
                "etcd",
                [
                    f"--data-dir={self.folder / 'etcd'}",
                    f"--listen-client-urls={etcd}",
                    f"--advertise-client-urls={etcd}",
                    f"--listen-peer-urls={peer}",
                    f"--initial-advertise-peer-urls={peer}",
                    f"--initial-cluster=default={peer}",
                    "--unsafe-no-fsync",
                    "--log-level=warn",
                ],
                self.folder,
            ),
            Process(
                "kube-apiserver",
                [
                    f"--etcd-servers={etcd}",
                    "--bind-address=127.0.0.1",
                    f"--secure-port={self.port}",
                    f"--tls-cert-file={self._certificate}",
                    f"--tls-private-key-file={self._key}",
                    f"--token-auth-file={self.folder / 'tokens.csv'}",
                    "--authorization-mode=RBAC",
                    "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
                    "--service-cluster-ip-range=10.96.0.0/16",
                    "--endpoint-reconciler-type=none",
                    f"--service-account-issuer={self.url}",
                    f"--service-account-key-file={accounts}",
                    f"--service-account-signing-key-file={accounts}",
                    "--allow-privileged",
                    "--kubelet-preferred-address-types=ExternalDNS",
                    f"--audit-policy-file={self._audited()}",
                    f"--audit-log-path={self.folder / 'audit.log'}",
                    *apiserver,
                ],
                self.folder,
            ),
            Process(
                "kube-controller-manager",
                [
                    f"--kubeconfig={self.kubeconfig('manager')}",
                    f"--service-account-private-key-file={accounts}",
                    f"--root-ca-file={self._ca}",
                    f"--secure-port={free_port()}",
                    *quiet,
                    *fast,
                    *manager,
                ],
                self.folder,
            ),
            Process(
                "kube-scheduler",
                [f"--kubeconfig={self.kubeconfig('scheduler')}", f"--secure-port={free_port()}", *quiet, *fast],
                self.folder,
            ),
            Process(
                "kubelets",
                [
                    f"--kubeconfig={self.kubeconfig('kubelets')}",
                    *([f"--network={self.network}", f"--api=127.0.0.1:{self.port}"] if self.network else []),
                    *kubelets,
                ],
                self.folder,
            ),
        ]

    def start(self) -> None:
        """Start everything; returns when pods can be created. Raises AssertionError with what a component said."""
        for name in ("etcd", "kube-apiserver"):
            self.processes[name].start()
        self.until_ready()
        for process in self.processes.values():
            if not process.running:
                process.start()
        self.wait(lambda: self.get("/api/v1/namespaces/default/serviceaccounts/default"), 75, "a ServiceAccount")

    def until_ready(self, seconds: float = 75) -> None:
        """Wait until the API server is ready."""
        self.wait(lambda: self.get("/readyz", raw=True), seconds, "the API server is ready", pause=0.05)

    def wait(self, check: Any, seconds: float, what: str, pause: float = 0.1) -> Any:
        """The first true answer of `check`; a component that ended meanwhile is named with its last words."""

        def checked() -> Any:
            for process in self.processes.values():
                assert process._process is None or process.running, f"{process.name} ended:\n{process.tail()}"
            return check()

        return wait_for(checked, seconds, what, pause)

    def stop(self) -> None:
        """Stop everything, the API server last but etcd."""
        for name in reversed(list(self.processes)):
            self.processes[name].stop()
        self._pool.clear()

    def request(
        self, method: str, path: str, body: Any = None, user: str = ADMIN, content: str = "", seconds: float = 30
    ) -> Any:
        """The JSON answer to a request. Raises urllib.error.HTTPError, OSError where there is none."""
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(
                method, self.url + path, body=data, headers=self._headers(user, content), timeout=seconds
            )
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        if answer.status >= 400:
            raise urllib.error.HTTPError(path, answer.status, answer.reason or "", Message(), io.BytesIO(answer.data))
        return json.loads(answer.data) if answer.data[:1] in (b"{", b"[") else answer.data.decode()

    def _headers(self, user: str, content: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[user]}", "Content-Type": content or "application/json"}

    def open(
        self, method: str, path: str, body: Any = None, user: str = ADMIN, content: str = "", seconds: float = 10
    ) -> HTTPResponse:
        """The answer to a request, its headers and an unread body. Raises urllib.error.HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data, self._headers(user, content), method=method)
        context = ssl.create_default_context(cafile=str(self._ca))
        return urllib.request.urlopen(asked, timeout=seconds, context=context)

    def get(self, path: str, raw: bool = False) -> Any:
        """The answer to a GET, or None where there is none (yet)."""
        try:
            return self.request("GET", path)
        except (OSError, urllib.error.HTTPError):
            return None

    def add_node(self, name: str, index: int, **labels: str) -> None:
        """Register a node, as its kubelet would; the stand-in makes it Ready."""
        cidr = f"10.{100 + index // 256}.{index % 256}.0/24"
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", **labels}
        node = {"metadata": {"name": name, "labels": labels}, "spec": {"podCIDR": cidr, "podCIDRs": [cidr]}}
        self.request("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", **node})

    def said_last(self) -> list[str]:
        """The last lines of the components whose work tests wait for."""
        names = [name for name in ("kube-apiserver", "kube-controller-manager") if self.processes[name].log.exists()]
        return [f"{name}: {line[:200]}" for name in names for line in self.processes[name].tail(2).splitlines()]

    def memory(self) -> dict[str, int]:
        """Resident MiB of each component."""
        found = {}
        for name, process in self.processes.items():
            with contextlib.suppress(AssertionError, OSError):
                pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
                found[name] = pages * os.sysconf("SC_PAGE_SIZE") >> 20
        return found


@contextlib.contextmanager
def run(folder: Path, nodes: Sequence[str] = (), **options: Any) -> Iterator[ControlPlane]:
    """A control plane with these nodes Ready; what is deleted of definitions is gone soon."""
    plane = ControlPlane(folder, **options)
    RUNNING.append(plane)
    try:
        plane.start()
        for index, name in enumerate(nodes):
            plane.add_node(name, index)
        plane.wait(lambda: all(ready(plane, name) for name in nodes), 75, "the nodes are Ready")
        with definitions.finished(plane.request):
            yield plane
    finally:
        RUNNING.remove(plane)
        plane.stop()


def ready(plane: ControlPlane, node: str) -> bool:
    """Whether a node is Ready and the scheduler may use it."""
    body = plane.get(f"/api/v1/nodes/{node}") or {}
    conditions = body.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions) and not body["spec"].get(
        "taints"
    )
