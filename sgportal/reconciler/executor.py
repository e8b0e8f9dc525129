"""The threads of a worker process, which make keys right. Messages and rows both bring them keys; each is due once."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections, connections

from .worker import run

log = logging.getLogger(__name__)
Run = Callable[[str], None]


class Executor:
    """So many keys at once and no more."""

    def __init__(self, threads: int, run: Run = run) -> None:
        self._run = run
        self._threads = threads
        self._free = threading.Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reconcile")
        self._stopped = threading.Event()

    def offer(self, key: str, seconds: float | None = None) -> bool:
        """Have a key made right as soon as a thread is free, waiting so long for one, or until the process ends.
        Whether it was taken."""
        deadline = time.monotonic() + (seconds if seconds is not None else float("inf"))
        while not self._stopped.is_set():
            if self._free.acquire(timeout=min(0.2, max(0.0, deadline - time.monotonic()))):
                self._pool.submit(self._one, key)
                return True
            if time.monotonic() >= deadline:
                return False
        return False

    def _one(self, key: str) -> None:
        try:
            close_old_connections()
            self._run(key)
        except Exception:  # the database did not answer; the key stays due
            log.exception("%s: not done", key)
        finally:
            connections.close_all()
            self._free.release()

    def stop(self, seconds: float) -> bool:
        """Begin nothing more, and wait for what is under way; whether all of it ended in time."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + seconds
        return all(self._free.acquire(timeout=max(0.0, deadline - time.monotonic())) for _ in range(self._threads))


current: list[Executor] = []  # that of this process, where it is a worker
