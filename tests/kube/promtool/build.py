"""promtool, which checks alert rules: Debian's, unpacked once per machine and not installed; elsewhere the one that is
installed."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import binaries

_PACKAGE = "prometheus"


def _place() -> Path:
    return binaries.cache().parent / "promtool-debian" / "promtool"


def find() -> Path | None:
    """The program, or None where it was not fetched and is not installed."""
    installed = shutil.which("promtool")
    return _place() if os.access(_place(), os.X_OK) else Path(installed) if installed else None


def build() -> Path | None:
    """Fetch it, unless it is there. None where there is no Debian to fetch it from."""
    if find() or not (shutil.which("apt-get") and shutil.which("dpkg")):
        return find()
    print("Fetching promtool", file=sys.stderr)
    folder = _place().parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        subprocess.run(["apt-get", "download", "-qq", _PACKAGE], cwd=scratch, check=False)
        for package in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), scratch], check=True)
            folder.mkdir(exist_ok=True)
            shutil.move(Path(scratch) / "usr" / "bin" / "promtool", _place())
    return find()


if __name__ == "__main__":
    print(build() or "promtool: not to be had for this machine")
