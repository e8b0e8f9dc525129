"""What a real node is made of: the kubelet of the control plane's version, compiled when it is asked for, two images of
what this machine has, and of Debian's packages containerd, runc, containernetworking-plugins and busybox-static."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.kube import binaries

HERE = Path(__file__).parent
PLUGINS = Path("/usr/lib/cni")
_BUSYBOX = Path("/bin/busybox")
_WANTED = {
    "containerd": "containerd",
    "runc": "runc",
    "buildah": "buildah",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "busybox": "busybox-static",
}
_FLAGS = f"-s -w -X k8s.io/component-base/version.gitVersion={binaries.kubernetes_version()}"
PAUSE, BUSYBOX = "sgportal.example/pause:1", "sgportal.example/busybox:1"


def missing() -> list[str]:
    """The packages of Debian that are wanted and not installed."""
    found = [package for program, package in _WANTED.items() if not shutil.which(program)]
    return found + ([] if (PLUGINS / "bridge").exists() else ["containernetworking-plugins"])


def kubelet() -> Path:
    """The kubelet. Raises CalledProcessError where it cannot be compiled."""
    return _compiled("kubelet", [binaries.HERE / "go.mod", binaries.HERE / "go.sum"])


def pause() -> Path:
    """The program that holds the namespaces of a pod, in an image that has no library."""
    return _compiled("pause", [], CGO_ENABLED="0")


def _compiled(name: str, modules: list[Path], **more: str) -> Path:
    sources = [HERE / name / "main.go", *modules]
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]
    made = binaries.cache().parent / f"{name}-{binaries.kubernetes_version()}-{digest}" / name
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
            for each in sources:
                shutil.copy(each, scratch)
            if not modules:
                (Path(scratch) / "go.mod").write_text(f"module {name}\n")
            command = ["go", "build", "-mod=mod", "-trimpath", "-buildvcs=false", f"-ldflags={_FLAGS}", "-o", name, "."]
            subprocess.run(command, cwd=scratch, check=True, env={**os.environ, **more})
            (Path(scratch) / name).rename(made)
    return made


def images(folder: Path) -> list[Path]:
    """Archives of both images, made in `folder` by buildah."""
    root = folder / "busybox"
    (root / "bin").mkdir(parents=True)
    (root / "tmp").mkdir()
    shutil.copy(_BUSYBOX, root / "bin" / "busybox")
    for each in subprocess.run([_BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if each != "busybox":
            (root / "bin" / each).symlink_to("busybox")
    held = folder / "pause"
    held.mkdir()
    shutil.copy(pause(), held / "pause")
    return [
        _image(folder, PAUSE, held, "--entrypoint", '["/pause"]'),
        _image(folder, BUSYBOX, root, "--env", "PATH=/bin", "--cmd", '["sh"]'),
    ]


def _image(folder: Path, name: str, root: Path, *config: str) -> Path:
    store = ["--storage-driver", "vfs", "--root", str(folder / "store"), "--runroot", str(folder / "store-run")]

    def buildah(*words: str) -> str:
        command = ["buildah", *store, *words]
        environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    made = buildah("from", "scratch")
    buildah("add", "--quiet", made, str(root), "/")
    buildah("config", *config, made)
    buildah("commit", "--quiet", "--rm", made, name)
    archive = root.with_suffix(".tar")
    buildah("push", "--quiet", name, f"docker-archive:{archive}:{name}")
    return archive
