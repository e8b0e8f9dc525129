"""Where the programs of a real control plane come from: `KUBEBUILDER_ASSETS`, else a cache, which `make kube` fills.

The Go module beside this file is one program that is every component, and what the tests need beside: a stand-in for
the kubelets, callers, and kube-proxy's own rule to ask. It is compiled once for a version of it, outside the checkout.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubectl")
OWN = ("kubelets", "traffic", "proxy-oracle")


def kubernetes_version() -> str:
    """The version in go.mod, such as `v1.37.2`."""
    return re.search(r"k8s\.io/kubernetes (v[\d.]+)", (HERE / "go.mod").read_text())[1]


def cache() -> Path:
    """The folder of what is built from these very sources."""
    sources = sorted([*HERE.glob("*.go"), *HERE.glob("containers/*.go"), HERE / "go.mod", HERE / "go.sum"])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "sgportal-tests" / f"kube-{kubernetes_version()}-{digest}"


def find(component: str) -> Path | None:
    """A component's program, or None."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    folders = [Path(assets)] if assets and component in COMPONENTS else []
    return next((path for folder in [*folders, cache()] if os.access(path := folder / component, os.X_OK)), None)


def worlds() -> Path | None:
    """The program of `worlds/`: kube-proxy's reading of EndpointSlices, to ask. Compiled at first; None without Go."""
    sources = sorted([*(HERE / "worlds").glob("*.go"), HERE / "go.mod", HERE / "go.sum"])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    program = cache().parent / f"worlds-{kubernetes_version()}-{digest}"
    if not program.exists():
        if not shutil.which("go"):
            return None
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
            made = Path(scratch) / "worlds"
            command = ["go", "build", "-trimpath", "-buildvcs=false", "-o", str(made), "./worlds"]
            subprocess.run(command, cwd=HERE, check=True)
            made.rename(program)
    return program


def missing() -> list[str]:
    """The components there is no program for."""
    return [each for each in (*COMPONENTS, *OWN) if find(each) is None]


def build() -> Path:
    """Compile everything into the cache, unless it is there; progress on standard error. The folder."""
    folder = cache()
    if (folder / "manifest.json").exists():
        return folder
    if not shutil.which("go"):
        raise SystemExit("The control plane is compiled with Go, which is not installed (golang.org/dl).")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        _compile(made / "kube")
        for each in (*COMPONENTS, *OWN):
            (made / each).symlink_to("kube")
        (made / "manifest.json").write_text(json.dumps(_manifest(made), indent=2) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return folder


def _compile(program: Path) -> None:
    version = kubernetes_version()
    _, minor, _ = version[1:].split(".")
    stamp = "k8s.io/component-base/version"
    values = {"gitVersion": version, "gitMajor": "1", "gitMinor": minor, "gitTreeState": "clean"}
    flags = " ".join(["-s", "-w", *(f"-X {stamp}.{key}={value}" for key, value in values.items())])
    command = ["go", "build", "-trimpath", "-buildvcs=false", f"-ldflags={flags}", "-o", str(program), "."]
    packages = _count(["go", "list", "-deps", "."])
    print(f"Compiling Kubernetes {version}, {packages} packages; cold, this takes some minutes", file=sys.stderr)
    begun = said = time.monotonic()
    process = subprocess.Popen([*command[:2], "-v", *command[2:]], cwd=HERE, stderr=subprocess.PIPE, text=True)
    errors: list[str] = []
    for done, line in enumerate(process.stderr, 1):
        errors = [*errors[-40:], line]
        if time.monotonic() - said > 15:
            said = time.monotonic()
            print(f"  {done} of at most {packages} packages, {said - begun:.0f} s", file=sys.stderr, flush=True)
    if process.wait():
        raise SystemExit("".join(errors) + "Compiling the control plane failed.")
    print(f"  compiled in {time.monotonic() - begun:.0f} s", file=sys.stderr)


def _count(command: list[str]) -> int:
    return len(subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE).stdout.splitlines())


def _manifest(folder: Path) -> dict[str, str]:
    def says(component: str, *arguments: str) -> str:
        command = [str(folder / component), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0]

    versions = {each: says(each, "--version") for each in COMPONENTS if each != "kubectl"}
    return {
        **versions,
        "kubectl": says("kubectl", "version", "--client"),
        "go": subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.strip(),
    }


if __name__ == "__main__":
    print((build() / "manifest.json").read_text(), end="")
