"""Two versions at once; one process after the other begun anew."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from http.client import HTTPException
from pathlib import Path

from tests.house.tree import ROOT

from ..client import Client
from ..setting import Setting
from ..snapshot import KEY
from ..work import NoAnswer
from .fault import fault

CLIENTS = 8
# What they read: objects, a list, a page of sums.
READ = (
    "deploymentgrids/default/calm-0",
    "nodes/node-0",
    "servicegrids/default/calm-service",
    f"nodeunits?group={KEY}",
    "deploymentgrids/default/calm-1",
    "nodes/node-1",
    "statefulsetgrids/default/calm-set",
    f"overview?group={KEY}",
)


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if not done.returncode else ""


def _before() -> str:
    """The commit before the tables were last changed, or FAULTS_BEFORE."""
    changed = _git("log", "-1", "--format=%h", "--", "sgportal/migrations")
    return os.environ.get("FAULTS_BEFORE") or _git("rev-parse", "--short", f"{changed}^")


def _lacks() -> str:
    return "" if shutil.which("git") and _before() else "a git repository with the version before"


def _checkout(revision: str, folder: Path) -> None:
    """The files of a version, its sentences compiled."""
    packed = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    command = [Path(sys.executable).parent / "pybabel", "--quiet", "compile", "-D", "django", "-d"]
    subprocess.run([*command, folder / "sgportal" / "locale"], check=True)


@fault(
    "two-versions",
    "one of each process is of the version before the tables were last changed, and acts; then those of today again",
    _lacks,
)
def two_versions(at: Setting) -> None:
    """Both write the same rows and the same cluster."""
    with tempfile.TemporaryDirectory(prefix="sgportal-before-") as folder:
        revision = _before()
        _checkout(revision, Path(folder))
        old = ["web-1", "worker-1", "watch-1", "keeper-1"]
        at.roots.update(dict.fromkeys(old, Path(folder)))
        for name in old:
            at.stop(name)
            at.begin(name)
        at.until(lambda: at.listens("web-1"), "the version before is ready")
        time.sleep(8)
        for name in ("watch-0", "keeper-0"):
            at.kill(name)
        at.until(lambda: (at.holder("watch"), at.holder("keeper")) == ("watch-1", "keeper-1"), "the old ones act")
        at.note(f"beside {revision}")
        time.sleep(20)
        at.roots.clear()
        for name in old:
            at.stop(name)
            at.begin(name)
        at.until(lambda: at.listens("web-1"), "the version of today is ready")


@fault(
    "rolling-restart", "every process ended by SIGTERM and begun anew, one after the other, under load of four readers"
)
def rolling_restart(at: Setting) -> None:
    """No reader gets anything but an answer."""
    stop, answers, trouble = threading.Event(), [0], []

    def read() -> None:
        door = at.door()
        while not stop.is_set():
            try:
                status = door.ask("GET", "deploymentgrids/default/calm-0")[0]
            except NoAnswer as error:
                trouble.append(str(error))
                continue
            answers[0] += 1
            if status != 200:
                trouble.append(str(status))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for each in readers:
        each.start()
    codes = {}
    for name in at.names:
        codes[name] = at.stop(name)
        at.begin(name)
        if name.startswith("web"):
            at.until(lambda name=name: at.listens(name), f"{name} is back")
        time.sleep(3)
    stop.set()
    for each in readers:
        each.join()
    at.note(f"{answers[0]} answers")
    assert not trouble, trouble[:5]
    asked = (0, -signal.SIGTERM)  # uvicorn closes in order and then ends by the signal
    assert all(code in asked for code in codes.values()), codes


def _processor_seconds(pid: int) -> float:
    """What a process has used of processors so far."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


@fault(
    "many-requests", "100,000 requests by eight clients (FAULTS_REQUESTS), half of them asking whether anything changed"
)
def many_requests(at: Setting) -> None:
    """Every one is answered, within FAULTS_REQUESTS_SECONDS."""
    wanted = int(os.environ.get("FAULTS_REQUESTS", "100000"))
    seconds = float(os.environ.get("FAULTS_REQUESTS_SECONDS", "600"))
    counts: Counter[int] = Counter()
    trouble: list[str] = []
    clients = [Client(at.ports[name], at.token) for name in at.each("web") * (CLIENTS // len(at.each("web")))]
    shares = [wanted // len(clients) + (number < wanted % len(clients)) for number in range(len(clients))]
    before = sum(_processor_seconds(pid) for name in at.each("web") for pid in at.pids(name))
    began = time.monotonic()

    def ask(client: Client, share: int) -> None:
        for number in range(share):
            if time.monotonic() > began + seconds:
                return
            try:
                client.ask(READ[number % len(READ)], asks_whether_changed=number // len(READ) % 2 == 1)
            except (OSError, HTTPException, ValueError) as error:
                trouble.append(f"{READ[number % len(READ)]}: {error!r}")

    threads = [threading.Thread(target=ask, args=each) for each in zip(clients, shares, strict=True)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for client in clients:
        counts += client.answers
        client.close()
    told = ", ".join(f"{count} × {status}" for status, count in sorted(counts.items()))
    spent = sum(_processor_seconds(pid) for name in at.each("web") for pid in at.pids(name)) - before
    took = time.monotonic() - began
    at.note(f"{counts.total()} of {wanted} requests answered in {took:.0f} s ({spent:.0f} s of processor): {told}")
    assert not trouble, trouble[:5]
    assert set(counts) <= {200, 304}, counts
    assert counts.total() == wanted, f"{counts.total()} of {wanted} in {seconds:.0f} s (FAULTS_REQUESTS_SECONDS)"
