"""Every kubectl that people come with: the control plane's own, the one before, one that is two years old, and Debian's
of its stable release. `make kube` gets them once per machine, outside the checkout."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import binaries

HERE = Path(__file__).parent / "kubectl"
MODULES = {"one-before": "go.mod", "two-years-old": "v1.31.mod"}
_PACKAGE = "kubernetes-client"  # Debian 12 has 1.20
NAMES = ("newest", *MODULES, "debian")


def _folder(name: str) -> Path:
    """Where a kubectl is kept: by the sources that it is made from."""
    home = binaries.cache().parent
    if name == "debian":
        return home / "kubectl-debian"
    module = HERE / MODULES[name]
    sources = [HERE / "main.go", module, module.with_suffix(".sum")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    return home / f"kubectl-{_version(module)}-{digest}"


def _version(module: Path) -> str:
    """The version of kubectl in a module file, such as `v1.36.6`."""
    return "v1." + re.search(r"k8s\.io/kubectl v0\.([\d.]+)", module.read_text())[1]


def find(name: str) -> Path | None:
    """One of `NAMES`, or None where it is not there."""
    if name == "newest":
        return binaries.find("kubectl")
    path = _folder(name) / "kubectl"
    return path if os.access(path, os.X_OK) else None


def missing() -> list[str]:
    """Those that are not there."""
    return [name for name in NAMES if find(name) is None]


def build() -> None:
    """Compile, or fetch from Debian, what is missing; says so on standard error."""
    for name in missing():
        if name != "newest":
            folder = _folder(name)
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                made = Path(scratch) / "made"
                made.mkdir()
                if _fetch(made) if name == "debian" else _compile(name, made):
                    made.rename(folder)


def _compile(name: str, made: Path) -> bool:
    print(f"Compiling kubectl ({_folder(name).name})", file=sys.stderr)
    stamp = f"-X k8s.io/component-base/version.gitVersion={_version(HERE / MODULES[name])}"
    command = ["go", "build", "-trimpath", "-buildvcs=false", f"-modfile={MODULES[name]}", f"-ldflags=-s -w {stamp}"]
    subprocess.run([*command, "-o", str(made / "kubectl"), "."], cwd=HERE, check=True)
    return True


def _fetch(made: Path) -> bool:
    """Debian's package, unpacked and not installed. Another system than Debian has none."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return False
    print(f"Fetching {_PACKAGE}", file=sys.stderr)
    done = subprocess.run(["apt-get", "download", "-qq", _PACKAGE], cwd=made, check=False)
    for package in made.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(made)], check=True)
        (made / "usr" / "bin" / "kubectl").rename(made / "kubectl")
        package.unlink()
        shutil.rmtree(made / "usr")
    return done.returncode == 0


if __name__ == "__main__":
    build()
    print("\n".join(f"{name}: {find(name) or 'not to be had here'}" for name in NAMES))
