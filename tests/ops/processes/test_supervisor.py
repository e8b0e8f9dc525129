"""The supervisor of processes: asleep while nothing happens to them, and there when something does."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ...services import wait_for
from ..runtime.workers import children_of, is_alive

PROGRAM = """
import pathlib, signal, sys, threading, time
from sgportal.management import supervisor

supervisor.CALM_SECONDS = 0.0
HERE, STUBBORN = pathlib.Path(sys.argv[1]), sys.argv[2:] == ["stubborn"]


class Waits:
    def __init__(self):
        self.asked = threading.Event()

    def run(self):
        self.asked.wait()
        if STUBBORN:
            threading.Event().wait()
        (HERE / str(time.monotonic_ns())).touch()

    def stop(self):
        self.asked.set()


supervisor.supervise(Waits, 2, 1.0 if STUBBORN else 60.0)
"""
Begin = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begin the program; what it logs is in the file `log`."""
    begun = []

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("w") as log:
            command = [sys.executable, "-c", PROGRAM, str(tmp_path), *arguments]
            begun.append(subprocess.Popen(command, stderr=log))
        return begun[-1]

    yield run
    for each in begun:
        for pid in children_of(each.pid) if each.poll() is None else ():
            os.kill(pid, signal.SIGKILL)
        each.kill()
        each.wait()


def is_asleep(pid: int) -> bool:
    return b"asleep.py" in Path(f"/proc/{pid}/cmdline").read_bytes()


def asleep(process: subprocess.Popen[bytes]) -> set[int]:
    """Its two processes, once it sleeps."""
    wait_for(lambda: is_asleep(process.pid), 75, "the supervisor sleeps")
    found = set(children_of(process.pid))
    assert len(found) == 2
    return found


def test_asleep_it_has_nothing_of_ours_in_memory(begin: Begin) -> None:
    process = begin()
    asleep(process)
    mapped = Path(f"/proc/{process.pid}/maps").read_text()
    assert "site-packages" not in mapped
    said = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    anonymous = next(int(line.split()[1]) for line in said.splitlines() if line.startswith("Anonymous:"))
    assert anonymous < 12 * 1024  # KiB; 45 MiB with Django


def test_it_wakes_for_one_that_ends_and_begins_another_beside_the_one_that_lives(begin: Begin, tmp_path: Path) -> None:
    process = begin()
    first, second = asleep(process)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(set(children_of(process.pid)) - {first, second}) == 1, 75, "another one follows")
    assert asleep(process) > {second}
    assert is_alive(second)
    assert f"process {first} ended by itself (-9)" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_while_asleep_all_end_as_they_should(begin: Begin, tmp_path: Path, number: int) -> None:
    process = begin()
    children = asleep(process)
    process.send_signal(number)
    assert process.wait(75) == 0
    assert len([each for each in tmp_path.iterdir() if each.name.isdecimal()]) == 2
    wait_for(lambda: not any(map(is_alive, children)), 75, "none is left")


def test_one_that_will_not_end_is_killed_and_named(begin: Begin, tmp_path: Path) -> None:
    process = begin("stubborn")
    children = asleep(process)
    process.terminate()
    assert process.wait(75) == 0
    wait_for(lambda: not any(map(is_alive, children)), 75, "none is left")
    said = (tmp_path / "log").read_text()
    assert "did not end in time and were killed" in said
    assert all(str(each) in said for each in children)


def test_killed_while_asleep_it_leaves_nobody(begin: Begin) -> None:
    process = begin()
    children = asleep(process)
    process.kill()
    process.wait(75)
    wait_for(lambda: not any(map(is_alive, children)), 75, "they end by themselves")
