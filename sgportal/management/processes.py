"""What are processes of their own in production (web, worker, watch, keeper), as threads of one process."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from typing import Any

import uvicorn

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


class WebServer(uvicorn.Server):
    """uvicorn without its own signal handling: the process that runs it decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to serve."""
        from ..api.events import streams

        streams.reopen()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the event streams, which would never end by themselves, then the rest."""
        from ..api.events import streams

        streams.close()
        await super().shutdown(sockets)


def web_server() -> WebServer:
    """The web process, to be run on a socket that is already bound. Open streams get two seconds to end."""
    return WebServer(
        uvicorn.Config(
            "sgportal.asgi:application",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # whom to believe is SGPORTAL_TRUSTED_PROXIES' affair
            timeout_graceful_shutdown=2,
            timeout_keep_alive=30,
        )
    )


def loopback_socket(port: int) -> socket:
    """A socket bound to `port` on 127.0.0.1. Raises OSError where it is taken."""
    from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET

    bound = socket(AF_INET, SOCK_STREAM)
    bound.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


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
