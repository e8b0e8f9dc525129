"""Keeps processes alive: one that ends by itself, however it does, is begun anew."""

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Protocol

from .ending import LOOK_SECONDS, asked

log = logging.getLogger(__name__)
MOST_PAUSE = 30.0  # seconds until a process that ends again and again is begun anew
SETTLED_SECONDS = 60.0  # one that lived so long is begun anew at once
FORK = multiprocessing.get_context("fork")  # so that they share what is loaded


class Runs(Protocol):
    """What a process does."""

    def run(self) -> None:
        """Do it until it is asked to stop."""

    def stop(self) -> None:
        """Ask it to stop."""


class Place:
    """One of the processes, and when it may be begun anew."""

    def __init__(self, make: Callable[[], Runs]) -> None:
        self._make = make
        self._pause = self._begun = 0.0
        self._next: float | None = 0.0  # when to begin; None while it runs
        self.process = FORK.Process()

    def look(self) -> None:
        """Begin it where there is none; one that ends again and again ever later."""
        if self._next is None and not self.process.is_alive():
            settled = time.monotonic() - self._begun > SETTLED_SECONDS
            self._pause = 0.0 if settled else min(MOST_PAUSE, self._pause * 2 or 0.5)
            self._next = time.monotonic() + self._pause
            ended = (self.process.pid, self.process.exitcode, self._pause)
            log.error("process %s ended by itself (%s); another follows in %.1f s", *ended)
        if self._next is not None and time.monotonic() >= self._next:
            self.process = FORK.Process(target=_child, args=(self._make, os.getpid()))
            self._begun, self._next = time.monotonic(), None
            self.process.start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._next is None and self.process.is_alive()

    def end(self, deadline: float) -> bool:
        """Wait for its end until then; whether it had to be killed."""
        if self.is_alive:
            self.process.join(max(0.0, deadline - time.monotonic()))
        if not self.is_alive:
            return False
        self.process.kill()
        self.process.join()
        return True


def supervise(make: Callable[[], Runs], count: int, patience: float) -> None:
    """Run so many processes until SIGTERM or SIGINT; each gets `patience` seconds to end. Called from the main thread,
    before anything else has begun a thread or opened a connection."""
    end_asked = asked()
    places = [Place(make) for _ in range(count)]
    while not end_asked:
        for each in places:
            each.look()
        if not wait([each.process.sentinel for each in places if each.is_alive], timeout=LOOK_SECONDS):
            time.sleep(LOOK_SECONDS)
    for each in places:
        if each.is_alive:
            each.process.terminate()
    deadline = time.monotonic() + patience
    killed = [each.process.pid for each in places if each.end(deadline)]
    if killed:
        log.error("these did not end in time and were killed: %s", killed)


def _child(make: Callable[[], Runs], parent: int) -> None:
    end_asked, runs = asked(), make()
    threading.Thread(target=_end_with, args=(parent, end_asked, runs.stop), name="parent", daemon=True).start()
    runs.run()
    os._exit(0 if end_asked else 1)  # not held up by a thread that hangs


def _end_with(parent: int, end_asked: list[int], stop: Callable[[], None]) -> None:
    """End what is asked to, and what nobody watches and would begin anew."""
    while not end_asked and os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    end_asked.append(0)
    stop()
