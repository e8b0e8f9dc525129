"""Celery's consumer in a worker: it brings keys sooner than asking the rows does. It may fail in any way; then it is
begun anew, and the rows are asked meanwhile."""

import logging
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from celery import Celery
from celery.exceptions import WorkerShutdown, WorkerTerminate
from celery.worker import WorkController, state

from .queue import broker

log = logging.getLogger(__name__)
LEAST_PAUSE, MOST_PAUSE = 1.0, 5.0  # seconds between two tries
Told = Callable[[dict[str, Any]], None]
# What Celery loads only when it begins to consume.
_LOADED_LATE = (
    "celery.app.control",
    "celery.backends.base",
    "celery.concurrency.solo",
    "celery.events",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.strategy",
)


def load(app: Celery) -> None:
    """Load what it takes to consume, so that processes that are forked afterwards share it. No connection is made."""
    for name in (*_LOADED_LATE, *app.conf.include):
        import_module(name)
    app.connection_for_read().get_transport_cls()


class Consumer:
    """Takes messages until it is asked to stop. `tell` hears of the broker whenever something is known of it."""

    def __init__(self, app: Celery, tell: Told) -> None:
        self._app = app
        self._tell = tell
        self._said: broker.State = "ok"

    def run(self, stop: threading.Event) -> None:
        """Consume for as long as there is a broker, which may come and go."""
        pause = LEAST_PAUSE
        while broker.is_configured() and not stop.is_set():
            try:
                broker.check()
                self._note("ok")
                self._consume()
                pause = LEAST_PAUSE
            except Exception as error:  # Celery, its transport and Redis each have their own
                self._note(broker.state_of(found := broker.explained(error)), found)
            if not stop.wait(pause):
                pause = min(pause * 2, MOST_PAUSE)

    def _consume(self) -> None:
        """Take messages until the broker is lost, or `end` was called."""
        worker = WorkController(
            app=self._app,
            pool="solo",  # a task only hands its key to the executor
            concurrency=1,
            use_eventloop=False,
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        try:
            worker.blueprint.start(worker)
        except (WorkerShutdown, WorkerTerminate) as ended:
            log.debug("the consumer ends: %r", ended)
        finally:
            worker.stop()

    def _note(self, found: broker.State, error: Exception | None = None) -> None:
        self._tell(broker.told(found, str(error) if found == "taken" else ""))
        if found != self._said:
            log.warning(
                "the broker answers again" if error is None else "without the broker this worker asks the rows: %s",
                *([] if error is None else [error]),
            )
        self._said = found

    @staticmethod
    def end() -> None:
        """Ask the consumer of this process to stop taking messages."""
        state.should_stop = 0
