"""The Makefile and .ci/run where they are most needed: on a machine that has little."""

import os
import shutil
import subprocess

from tests.house.tree import ROOT


def _make(folder, *words: str, **variables: str) -> subprocess.CompletedProcess:
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements").mkdir()
    for name in ("runtime", "dev", "uv"):
        (folder / "requirements" / f"{name}.txt").touch()
    environment = {"PATH": os.environ["PATH"], **variables}
    command = [shutil.which("make"), *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)


def _tools(folder, **scripts: str) -> str:
    """A PATH with the system's small tools and these scripts, and no Python of its own."""
    folder.mkdir()
    for name in ("sh", "cat", "cksum", "rm", "awk"):
        (folder / name).symlink_to(shutil.which(name))
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_make_alone_says_what_there_is(tmp_path):
    said = _make(tmp_path).stdout
    for target in ("demo", "test", "lint", "bench", "faults", "clean"):
        assert f"make {target}" in said


def test_a_python_that_is_too_old_is_said_plainly(tmp_path):
    path = _tools(tmp_path / "bin", python3="exit 1")
    done = _make(tmp_path, "demo", PATH=path)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_python_without_venv_is_said_plainly(tmp_path):
    path = _tools(tmp_path / "bin", python3='[ "$1" = -m ] && exit 1; exit 0')
    done = _make(tmp_path, "demo", PATH=path)
    assert done.returncode != 0
    assert "python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_script_of_ci_is_sound_and_executable():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], capture_output=True).stderr == b""
    assert "set -euo pipefail" in script.read_text()
