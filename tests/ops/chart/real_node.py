"""`python -m tests.ops.chart.real_node`: the chart on a node with containerd, runc and a real kubelet. The image is
built and given to the node; helm installs, upgrades with other values and another tag, rolls back and uninstalls; the
kubelet's own probes say when a pod is ready; and what runs for a grid is the same, to the container, at every step.
Run on demand, as root: it compiles a kubelet, builds an image and wants packages of Debian."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.closed_loop.real_containers import grid
from tests.house.tree import ROOT
from tests.kube import node
from tests.kube.control_plane import ControlPlane
from tests.kube.helm import build as helm
from tests.kube.node.programs import BUSYBOX
from tests.services import wait_for

from . import manifests

NODE = "machine"
IMAGE = "sgportal.example/sgportal"
NAMESPACE = "sgportal"
SECONDS = 400  # on a machine with two processors that others use as well
_GRIDS = "/apis/superedge.io/v1/namespaces/default/deploymentgrids"
_MERGE = "application/merge-patch+json"
_STANDARD = {"pod-security.kubernetes.io/enforce": "restricted"}


def archives(folder: Path) -> list[Path]:
    """The image under two tags. Raises SystemExit where none can be built."""
    script = ["sh", str(ROOT / "scripts" / "image.sh")]
    if not subprocess.run([*script, "root"], check=True, capture_output=True, text=True).stdout.strip():
        raise SystemExit("no image can be built here: sh scripts/image.sh root")
    made = []
    for tag in ("one", "two"):
        made.append(folder / f"{tag}.tar")
        subprocess.run([*script, "archive", str(made[-1]), f"{IMAGE}:{tag}"], check=True)
    return made


class Walk:
    """From the first install to the end, each step a line."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane, self.folder = plane, folder

    def run(self) -> None:
        """All steps. Raises AssertionError at the first that is not so."""
        self._prepare()
        self.release("install", "sgportal", *self.values("one"), "--wait", "--timeout", f"{SECONDS}s")
        print(f"installed: {self.ready('one')}", flush=True)
        self.plane.request("POST", _GRIDS, grid("web", BUSYBOX))
        before = self.until_running(2)
        print(f"a grid runs: {sorted(before)}", flush=True)

        more = ("--set", "logs.format=json,worker.resources.requests.cpu=150m,settings.SGPORTAL_RESYNC_SECONDS=30")
        self.release("upgrade", "sgportal", *self.values("two"), *more, "--wait", "--timeout", f"{SECONDS}s")
        print(f"upgraded: {self.ready('two')}", flush=True)
        assert self.until_running(2) == before, "what runs for the grid is not what ran before the upgrade"
        self.plane.request("PATCH", f"{_GRIDS}/web", {"spec": {"template": {"replicas": 3}}}, content=_MERGE)
        grown = self.until_running(3)
        assert before.items() <= grown.items(), "to have one more is no reason to end the others"
        print(f"the new one scales: {sorted(grown)}", flush=True)

        self.release("rollback", "sgportal", "1", "--wait", "--timeout", f"{SECONDS}s")
        print(f"rolled back: {self.ready('one')}", flush=True)
        assert self.until_running(3) == grown, "what runs for the grid is not what ran before the rollback"

        self.release("uninstall", "sgportal", "--wait", "--timeout", f"{SECONDS}s")
        wait_for(lambda: not self.pods(NAMESPACE), SECONDS, "the portal's pods are gone", 1)
        assert self.until_running(3) == grown, "what runs for the grid is not what ran before the end"
        (left,) = self.plane.request("GET", _GRIDS)["items"]
        print(f"uninstalled: the grid {left['metadata']['name']} and {len(grown)} pods are left", flush=True)

    def _prepare(self) -> None:
        """A namespace with the standard `restricted`, and a volume, which nobody provides here."""
        metadata = {"name": NAMESPACE, "labels": _STANDARD}
        self.plane.request("POST", "/api/v1/namespaces", {"metadata": metadata})
        data = self.folder / "data"
        data.mkdir()
        data.chmod(0o777)
        claim = {"namespace": NAMESPACE, "name": "data"}
        room: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
        volume = {**room, "capacity": {"storage": "2Gi"}, "hostPath": {"path": str(data)}, "claimRef": claim}
        asked = {**room, "volumeName": "data", "resources": {"requests": {"storage": "2Gi"}}}
        self.plane.request("POST", "/api/v1/persistentvolumes", {"metadata": {"name": "data"}, "spec": volume})
        path = f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims"
        self.plane.request("POST", path, {"metadata": {"name": "data"}, "spec": asked})
        labels = {"metadata": {"labels": {"zone1": "a"}}}
        self.plane.request("PATCH", f"/api/v1/nodes/{NODE}", labels, content=_MERGE)

    def values(self, tag: str) -> list[str]:
        """What the chart is given for an image of this tag."""
        given = f"image.repository={IMAGE},image.tag={tag},tls=false,database.storage.existingClaim=data"
        return [str(manifests.CHART), "--set", given]

    def release(self, *words: str) -> None:
        """helm, as the administrator of the cluster."""
        where = [f"--kubeconfig={self.plane.kubeconfig()}", "--namespace", NAMESPACE]
        environment = {**os.environ, "HELM_CACHE_HOME": str(self.folder), "HELM_DATA_HOME": str(self.folder)}
        done = subprocess.run(
            [str(helm.find()), *words, *where], capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            said = [each["status"] for each in self.pods(NAMESPACE)]
            raise AssertionError(f"helm {words[0]}: {done.stderr}\n{said}")

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Those that are not on their way out."""
        items = self.plane.request("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")["items"]
        return [each for each in items if "deletionTimestamp" not in each["metadata"]]

    def ready(self, tag: str) -> str:
        """What the kubelet says of the portal's only pod, which runs this tag."""
        (pod,) = self.pods(NAMESPACE)
        states, images = pod["status"]["containerStatuses"], {each["image"] for each in pod["spec"]["containers"]}
        assert images == {f"{IMAGE}:{tag}"}, images  # the status has one of the names that the same image has
        assert all(each["ready"] for each in states), states
        return ", ".join(f"{each['name']} ready, {each['restartCount']} restarts" for each in states)

    def until_running(self, count: int) -> dict[str, tuple[str, int]]:
        """Of each pod of the grid its container and how often that was begun anew, once so many are ready."""

        def found() -> dict[str, tuple[str, int]] | None:
            states = {e["metadata"]["name"]: e["status"].get("containerStatuses") for e in self.pods("default")}
            ready = [name for name, state in states.items() if state and state[0]["ready"]]
            if len(ready) != count or len(states) != count:
                return None
            return {name: (state[0]["containerID"], state[0]["restartCount"]) for name, state in states.items()}

        running: dict[str, tuple[str, int]] = wait_for(found, SECONDS, f"{count} pods of the grid are ready", 1)
        return running


def main() -> None:
    """Ends with 1 where something is not so."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        made = archives(folder)
        with node.run(folder, NODE, *made) as (plane, _):
            Walk(plane, folder).run()


if __name__ == "__main__":
    main()
