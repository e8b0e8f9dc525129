"""`make demo` as a process, and what can be seen of it from outside."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.house.tree import ROOT
from tests.services import end

from ..access.walk import Door

COMMAND = [sys.executable, "manage.py", "demo"]


@dataclass
class Demo:
    """A demo that is ready. `said` is what it printed, `seconds` how long it took to be ready."""

    process: subprocess.Popen
    said: str
    seconds: float
    errors: list[str]
    reader: threading.Thread

    def told(self, what: str) -> str:
        found = re.search(rf"^\s*{what}\s+(\S+)", self.said, re.M)
        assert found, f"the demo does not say its {what}: {self.said}"
        return found[1]

    @property
    def url(self) -> str:
        return self.told("URL").rstrip("/")

    @property
    def door(self) -> Door:
        return Door(self.url, self.told("API token"))

    @property
    def kubeconfig(self) -> Path:
        return Path(self.told("kubeconfig"))

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """The exit code and how long it took."""
        since = time.monotonic()
        code = end(self.process, 20, number)
        taken = time.monotonic() - since
        self.process.stdout.close()
        self.reader.join(5)
        return code, taken


def environment(folder: Path, **more: str) -> dict[str, str]:
    """A clean environment for a demo in a folder of its own, on any free port."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {**kept, "SGPORTAL_DEMO_DIR": str(folder), "PORT": "0", "DEMO_WORLD": "walkthrough", **more}


def start(variables: Mapping[str, str], command: Sequence[str] = COMMAND, folder: Path = ROOT) -> subprocess.Popen:
    """Start a demo, and wait for nothing."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "bufsize": 1}
    return subprocess.Popen(command, cwd=folder, env=dict(variables), **pipes)


def launch(variables: Mapping[str, str], command: Sequence[str] = COMMAND, folder: Path = ROOT) -> Demo:
    """Start a demo and wait until it says that it is ready."""
    since = time.monotonic()
    process = start(variables, command, folder)
    errors: list[str] = []

    def read_errors() -> None:
        with process.stderr:
            errors.extend(process.stderr)

    reader = threading.Thread(target=read_errors, daemon=True)
    reader.start()
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    watchdog.cancel()
    demo = Demo(process, said, time.monotonic() - since, errors, reader)
    if "is ready" not in said:
        demo.stop()
        raise AssertionError(f"the demo did not get ready: {said}{''.join(errors)}")
    return demo


@contextlib.contextmanager
def running(folder: Path, **more: str) -> Iterator[Demo]:
    """A demo for the length of a block."""
    demo = launch(environment(folder, **more))
    try:
        yield demo
    finally:
        demo.stop()


def listening_addresses(pid: int) -> set[str]:
    """The addresses (hexadecimal, as the kernel writes them) on which a process listens."""
    links = (os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink())
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            cells = row.split()
            if cells[3] == "0A" and cells[9] in inodes:
                found.add(cells[1].rpartition(":")[0])
    return found


def children_of(pid: int) -> list[str]:
    """The process ids below a process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for each in tasks for child in each.read_text().split()]
