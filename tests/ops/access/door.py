"""The kubectl door: a real control plane with the portal's own processes beside it, and kubectl to knock with."""

import contextlib
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.kube import binaries, control_plane
from tests.services import wait_for

from ..runtime.processes import Portal, command_of, settings_beside
from .rbac import MANIFEST, bindings_for

DEFINITIONS = Path("deploy/crds.yaml")
NODES = ("node0", "node1", "node2")


@dataclass
class Kubectl:
    """One kubectl, as an administrator of the cluster, in a namespace ("": what its kubeconfig says)."""

    program: str
    kubeconfig: Path
    cache: Path
    namespace: str = ""

    def inside(self, namespace: str) -> "Kubectl":
        """The same in another namespace."""
        return Kubectl(self.program, self.kubeconfig, self.cache, namespace)

    def __call__(self, *words: str, code: int | None = 0, text: str = "", **environment: str) -> str:
        """What it prints, both streams; its exit code must be `code` (None: any)."""
        options = ["--kubeconfig", str(self.kubeconfig), f"--cache-dir={self.cache}"]
        options += ["-n", self.namespace] if self.namespace else []
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.cache)}
        command = [self.program, *options, *words]
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=100, check=False, env={**kept, **environment}
        )
        assert code in (None, done.returncode), f"{words}: {done.returncode}\n{done.stderr}{done.stdout}"
        return done.stdout + done.stderr

    def json(self, *words: str) -> Any:
        """An object, or a list's items."""
        body = yaml.safe_load(self("get", *words, "-o", "json"))
        return body.get("items", body)

    def apply(self, *manifests: dict[str, Any], code: int | None = 0) -> str:
        """`kubectl apply -f -` of these objects."""
        return self("apply", "-f", "-", code=code, text=yaml.safe_dump_all(manifests))


@dataclass
class House:
    """`plane` is the cluster, `portal` our processes."""

    plane: control_plane.ControlPlane
    portal: Portal

    def kubectl(self, version: str, cache: str = "") -> Kubectl:
        """The kubectl that is installed, or the newest, with a cache of what the server knows of its own."""
        program = str(binaries.find("kubectl")) if version == "newest" else "kubectl"
        return Kubectl(program, self.plane.kubeconfig(), self.plane.folder / f"cache-{cache or version}")

    def rows(self, namespace: str, which: str = "1") -> set[str]:
        """The names of the grids that the portal remembers in a namespace, of those with a condition in SQL."""
        with contextlib.closing(sqlite3.connect(self.portal.folder / "portal.sqlite3", timeout=75)) as database:
            found = database.execute(f"SELECT name FROM sgportal_grid WHERE namespace = ? AND {which}", [namespace])
            return {name for (name,) in found}

    def until_going(self, namespace: str) -> None:
        """Until the portal knows that all grids there are to go, or have gone."""
        wait_for(lambda: not self.rows(namespace, "deleting_since IS NULL"), 75, f"grids in {namespace} go", 0.05)

    def until_rows(self, namespace: str, *names: str) -> None:
        """Until the portal remembers just these."""
        wait_for(lambda: self.rows(namespace) == set(names), 75, f"the portal's grids in {namespace} are {names}", 0.05)

    @contextlib.contextmanager
    def paused(self, component: str) -> Iterator[None]:
        """A component of the control plane does nothing meanwhile."""
        pid = self.plane.processes[component].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def said(self) -> str:
        """All that the portal's processes said."""
        return "".join(self.portal.log(name) for name in self.portal.running)


@contextlib.contextmanager
def house(folder: Path, redis: str) -> Iterator[House]:
    """A cluster whose definitions somebody else applies, and the portal as the user `portal` with the one role that it
    needs then."""
    settings = settings_beside(folder, folder / "portal.kubeconfig", redis) | {
        "SGPORTAL_INSTALL_CRDS": "0",
        "SGPORTAL_DELETE_BRAKE_MIN": "100",  # here people delete all they have, again and again
    }
    portal = Portal(folder, settings)
    with ThreadPoolExecutor() as pool:
        migrated = pool.submit(portal.migrate)
        with control_plane.run(folder, NODES) as plane:
            made = House(plane, portal)
            kubectl = made.kubectl("newest", "before")
            assert kubectl("apply", "-f", str(DEFINITIONS)).count(" created") == 4
            kubectl("apply", "-f", str(MANIFEST))
            kubectl.apply(*bindings_for("portal", "sgportal"))
            kubectl("wait", "--for=condition=Established", "-f", str(DEFINITIONS), "--timeout=75s")
            manager = plane.processes["kube-controller-manager"]
            manager.stop()
            manager.start()  # its garbage collector looks for new kinds when it starts, then every 30 seconds only
            plane.kubeconfig("portal")
            migrated.result()
            try:
                for name in ("worker", "watch", "keeper"):
                    portal.start(name, command_of(name))
                yield made
            finally:
                portal.stop()
