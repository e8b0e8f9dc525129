"""Keeps processes alive: one that ends by itself, however it does, is begun anew. Between two such events it lies
`asleep`."""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .. import tracing
from . import asleep
from .ending import LOOK_SECONDS, asked

log = logging.getLogger(__name__)
MOST_PAUSE = 30.0  # seconds until a process that ends again and again is begun anew
SETTLED_SECONDS = 60.0  # one that lived so long is begun anew at once
CALM_SECONDS = 10.0  # once all have lived so long, this one falls asleep


class Runs(Protocol):
    """What a process does."""

    def run(self) -> None:
        """Do it until it is asked to stop."""

    def stop(self) -> None:
        """Ask it to stop."""


class Place:
    """One of the processes, and when it may be begun anew. `known` is what was told of one that runs already."""

    def __init__(self, make: Callable[[], Runs], known: dict[str, Any] | None = None) -> None:
        self._make = make
        self._next: float | None = None if known else 0.0  # when to begin; None while it runs
        self._pid = int(known["pid"]) if known else 0  # 0: none that was not buried
        self._pause, self.begun = (float(known["pause"]), float(known["begun"])) if known else (0.0, 0.0)
        self._exit: int | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What another life of the supervisor has to know of it."""
        return {"pid": self._pid, "pause": self._pause, "begun": self.begun}

    def look(self) -> None:
        """Begin it where there is none; one that ends again and again ever later."""
        if self._next is None and not self.is_alive:
            settled = time.monotonic() - self.begun > SETTLED_SECONDS
            self._pause = 0.0 if settled else min(MOST_PAUSE, self._pause * 2 or 0.5)
            self._next = time.monotonic() + self._pause
            ended = (self._pid, self._exit, self._pause)
            log.error("process %s ended by itself (%s); another follows in %.1f s", *ended)
        if self._next is not None and time.monotonic() >= self._next:
            self.begun, self._next = time.monotonic(), None
            self._pid, self._exit = _fork(self._make), None

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        if self._pid and self._exit is None:
            try:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:  # somebody else has buried it
                pid, status = self._pid, 0
            self._exit = os.waitstatus_to_exitcode(status) if pid else None
        return bool(self._pid) and self._exit is None

    def terminate(self) -> None:
        """Ask it to end."""
        if self.is_alive:
            os.kill(self._pid, signal.SIGTERM)

    def end(self, deadline: float) -> int | None:
        """Wait for its end until then; the id of one that had to be killed."""
        while self.is_alive and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS / 4)
        if not self.is_alive:
            return None
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._exit = -signal.SIGKILL
        return self._pid


def supervise(make: Callable[[], Runs], count: int, patience: float) -> None:
    """Run so many processes until SIGTERM or SIGINT; each gets `patience` seconds to end. Called from the main thread,
    before anything else has begun a thread or opened a connection."""
    end_asked = asked()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, asleep.SIGNALS)
    before = json.loads(os.environ.pop(asleep.STATE, "{}"))
    known = before.get("places", [])
    places = [Place(make, each) for each in known] + [Place(make) for _ in range(count - len(known))]
    if before.get("asked"):
        end_asked.append(signal.SIGTERM)
        patience = 0.0
    while not end_asked:
        for each in places:
            each.look()
        if all(each.is_alive and time.monotonic() - each.begun > CALM_SECONDS for each in places):
            _fall_asleep(places, patience, end_asked)
        time.sleep(LOOK_SECONDS)
    for each in places:
        each.terminate()
    deadline = time.monotonic() + patience
    killed = [pid for each in places if (pid := each.end(deadline))]
    if killed:
        log.error("these did not end in time and were killed: %s", killed)


def _fall_asleep(places: list[Place], patience: float, end_asked: list[int]) -> None:
    """Become `asleep`; only returns where the end was asked for just now."""
    signal.pthread_sigmask(signal.SIG_BLOCK, asleep.SIGNALS)
    if end_asked:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, asleep.SIGNALS)
        return
    state = json.dumps({"places": [each.told for each in places], "patience": patience})
    _flush()
    program = [sys.executable, "-I", "-S", str(Path(asleep.__file__).resolve())]
    os.execv(sys.executable, [*program, state, *sys.orig_argv])  # noqa: S606 - our own


def _fork(make: Callable[[], Runs]) -> int:
    """Begin a process, which shares what is loaded; its id."""
    _flush()
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, asleep.SIGNALS)  # until it is known who is asked
    pid = os.fork()
    if not pid:
        try:
            _child(make, parent)
        except BaseException:
            log.exception("a process ended with an error")
        finally:
            os._exit(1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, asleep.SIGNALS)
    return pid


def _child(make: Callable[[], Runs], parent: int) -> None:
    end_asked, runs = asked(), make()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, asleep.SIGNALS)
    threading.Thread(target=_end_with, args=(parent, end_asked, runs.stop), name="parent", daemon=True).start()
    runs.run()
    tracing.end()
    _flush()
    os._exit(0 if end_asked else 1)  # not held up by a thread that hangs


def _end_with(parent: int, end_asked: list[int], stop: Callable[[], None]) -> None:
    """End what is asked to, and what nobody watches and would begin anew."""
    while not end_asked and os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    end_asked.append(0)
    stop()


def _flush() -> None:
    for each in (sys.stdout, sys.stderr):
        each.flush()
