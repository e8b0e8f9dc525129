"""What are processes of their own in production (web, worker, watch, keeper), as threads of one process."""

import logging
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)
JOIN_SECONDS = 6.0
WORKER_THREADS = 4


class Threads:
    """Named threads, each with a way to be asked to end. One that dies by itself ends the whole process."""

    def __init__(self, on_death: Callable[[], None]) -> None:
        self._on_death = on_death
        self._running: list[tuple[threading.Thread, Callable[[], None]]] = []
        self._ending = threading.Event()

    def start(self, name: str, run: Callable[[], None], stop: Callable[[], None]) -> None:
        """Run a thread until `stop` is called."""
        thread = threading.Thread(target=self._guard, args=(name, run), name=name, daemon=True)
        self._running.append((thread, stop))
        thread.start()

    def _guard(self, name: str, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception:
            log.exception("the %s ended with an error", name)
        if not self._ending.is_set():
            log.error("the %s ended by itself", name)
            self._on_death()

    def end(self) -> list[str]:
        """Ask all to end and wait; the names of those that would not."""
        self._ending.set()
        for _, stop in self._running:
            stop()
        for thread, _ in self._running:
            thread.join(JOIN_SECONDS)
        return [thread.name for thread, _ in self._running if thread.is_alive()]


def worker_part() -> tuple[str, Callable[[], None], Callable[[], None]]:
    """The worker as (name, run, stop)."""
    from .worker_process import WorkerProcess

    worker = WorkerProcess(WORKER_THREADS, patience=JOIN_SECONDS / 2)
    return "worker", worker.run, worker.stop


def watch_part() -> tuple[str, Callable[[], None], Callable[[], None]]:
    """The watch as (name, run, stop)."""
    from ..reconciler.watcher import watch

    stop = threading.Event()
    return "watch", lambda: watch(stop), stop.set


def keeper_part() -> tuple[str, Callable[[], None], Callable[[], None]]:
    """The keeper of closed loops as (name, run, stop)."""
    from ..reconciler.keeper_process import LeaderElection

    stop = threading.Event()
    turns: Any = LeaderElection()
    return "keeper", lambda: turns.run(stop), stop.set
