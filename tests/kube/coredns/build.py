"""CoreDNS, compiled once per machine and version, outside the checkout."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .. import binaries

HERE = Path(__file__).parent


def version() -> str:
    """The version in go.mod, such as `v1.15.0`."""
    return re.search(r"coredns/coredns (v[\d.]+)", (HERE / "go.mod").read_text())[1]


def _folder() -> Path:
    sources = [HERE / "go.mod", HERE / "go.sum", HERE / "main.go"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    return binaries.cache().parent / f"coredns-{version()}-{digest}"


def find() -> Path | None:
    """The program, or None where it was not compiled yet."""
    path = _folder() / "coredns"
    return path if os.access(path, os.X_OK) else None


def build() -> Path:
    """Compile it, unless it is there; progress on standard error. The program."""
    if found := find():
        return found
    print(f"Compiling CoreDNS {version()}; cold, this takes some minutes", file=sys.stderr)
    begun, folder = time.monotonic(), _folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(made / "coredns"), "."]
        subprocess.run(command, cwd=HERE, check=True)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    print(f"  compiled in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return folder / "coredns"


if __name__ == "__main__":
    print(build())
