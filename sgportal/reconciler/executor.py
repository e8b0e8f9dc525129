"""The threads of a worker process, which make keys right. Messages and rows both bring them keys; each is due once."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from django.db import close_old_connections, connections

from .. import tracing
from ..logs import bound
from .notices.turn import KIND as NOTICES
from .queue.workqueue import is_a_grid
from .worker import run

log = logging.getLogger(__name__)
Run = Callable[[str], float | None]


class Origin(NamedTuple):
    """What brought a key, for log and trace: the message's id, that of the request that led to it, and what the message
    was sent in; "" where the rows brought it."""

    task: str = ""
    request: str = ""
    trace: str = ""

    @contextmanager
    def bound_to(self, key: str) -> Iterator[None]:
        """Within this every line of the log says which key is worked at, in which turn, and on whose request."""
        named = {"key": key, "taskId": self.task or uuid.uuid4().hex, "requestId": self.request}
        with bound(**named), tracing.brought_by(self.trace):
            yield


FROM_ROWS = Origin()


class Executor:
    """So many keys at once and no more. One of the threads is for cells and other small work alone, so that a new
    NodeUnit does not wait until some grid has been reconciled whole. Notifications have one of their own beside these:
    whom they are for may be slow to answer."""

    def __init__(self, threads: int, run: Run = run) -> None:
        self._run = run
        self._threads = threads
        self._free = threading.Semaphore(threads)
        self._free_for_grids = threading.Semaphore(max(1, threads - 1))
        self._free_for_notices = threading.Semaphore(1)
        self._pool = ThreadPoolExecutor(threads + 1, thread_name_prefix="reconcile")
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._later: set[str] = set()

    def offer(self, key: str, seconds: float | None = None, origin: Origin = FROM_ROWS) -> bool:
        """Have a key made right as soon as a thread is free for it, waiting so long for one, or until the process ends.
        Whether it was taken."""
        deadline = time.monotonic() + (seconds if seconds is not None else float("inf"))
        slots = [self._free_for_grids, self._free] if is_a_grid(key) else [self._free]
        if is_a_notice(key):
            slots, deadline = [self._free_for_notices], 0.0
        taken: list[threading.Semaphore] = []
        for slot in slots:
            if not self._acquire(slot, deadline):
                _release(taken)
                return False
            taken.append(slot)
        self._pool.submit(self._one, key, taken, origin)
        return True

    def _offer_later(self, key: str, seconds: float) -> None:
        """Offer a key in so many seconds, once however often it was asked for."""
        with self._lock:
            if key in self._later or self._stopped.is_set():
                return
            self._later.add(key)
        timer = threading.Timer(seconds, self._offer_now, (key,))
        timer.daemon = True
        timer.start()

    def _offer_now(self, key: str) -> None:
        with self._lock:
            self._later.discard(key)
        self.offer(key)

    def _acquire(self, slot: threading.Semaphore, deadline: float) -> bool:
        while not self._stopped.is_set():
            if slot.acquire(timeout=min(0.2, max(0.0, deadline - time.monotonic()))):
                return True
            if time.monotonic() >= deadline:
                return False
        return False

    def _one(self, key: str, slots: list[threading.Semaphore], origin: Origin) -> None:
        try:
            close_old_connections()
            with origin.bound_to(key):
                again = self._run(key)
            if again is not None:
                self._offer_later(key, again)
        except Exception:  # the database did not answer; the key stays due
            log.exception("%s: not done", key)
        finally:
            connections.close_all()
            _release(slots)

    def stop(self, seconds: float) -> bool:
        """Begin nothing more, and wait for what is under way; whether all of it ended in time."""
        self._stopped.set()
        self._pool.shutdown(wait=False)  # what was submitted has a thread at hand
        deadline = time.monotonic() + seconds
        return all(self._free.acquire(timeout=max(0.0, deadline - time.monotonic())) for _ in range(self._threads))


def is_a_notice(key: str) -> bool:
    """Whether this is a channel that is to be told something: nobody waits for the thread that does that."""
    return key.partition("/")[0] == NOTICES


def _release(slots: list[threading.Semaphore]) -> None:
    for slot in slots:
        slot.release()


current: list[Executor] = []  # that of this process, where it is a worker
