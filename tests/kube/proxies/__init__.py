"""kube-proxy of earlier versions, compiled when they are asked for."""

import subprocess
from pathlib import Path

from tests.kube.binaries import cache
from tests.kube.worlds.record import module

HERE = Path(__file__).parent


def program(version: str) -> Path:
    """The kube-proxy of a version such as `v1.33.13`. Raises CalledProcessError where it cannot be compiled."""
    folder = cache().parent / f"kube-proxy-{version}"
    made = folder / "kube-proxy"
    if not made.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.go").write_text((HERE / "main.go").read_text())
        (folder / "go.mod").write_text(module(folder, version))
        subprocess.run(["go", "build", "-mod=mod", "-trimpath", "-o", str(made), "."], cwd=folder, check=True)
    return made
