"""A worker: threads that make keys right, and the two that bring them keys, by messages and by asking the rows."""

import logging
import threading

from django.conf import settings
from django.db import Error, connections

from .. import tracing
from ..reconciler import executor
from ..reconciler.celery import app
from ..reconciler.consumer import Consumer
from ..reconciler.poller import Poller
from ..reconciler.queue import leases
from .process_memory import keep_trimming

log = logging.getLogger(__name__)
PATIENCE = 20.0  # seconds for what is under way when the process is asked to end
CONSUMER_SECONDS = 2.0


class WorkerProcess:
    """Runs until `stop` is called; `patience` is how long what is under way then may take."""

    def __init__(self, threads: int, patience: float = PATIENCE) -> None:
        self._threads, self._patience = threads, patience
        self._stop = threading.Event()

    def run(self) -> None:
        """Work. Returns without having been asked where the process hangs and has to be begun anew."""
        keep_trimming()
        tracing.begin("worker", settings.SGPORTAL_CLUSTER_NAME)
        hands = executor.Executor(self._threads)
        executor.current[:] = [hands]
        poller = Poller(hands)
        consumer = Consumer(app, poller.hear)
        brought = threading.Thread(target=consumer.run, args=(self._stop,), name="consumer", daemon=True)
        brought.start()
        try:
            poller.run(self._stop)
        finally:
            self._stop.set()
            consumer.end()
            if not hands.stop(self._patience):
                self._give_back()
            brought.join(CONSUMER_SECONDS)
            executor.current.clear()

    def stop(self) -> None:
        """Begin nothing more, finish what is under way, then end."""
        self._stop.set()

    @staticmethod
    def _give_back() -> None:
        log.warning("not all work was done in time; it is left to other workers")
        try:
            leases.give_back()
        except Error as error:
            log.warning("leases could not be given back and will run out: %s", error)
        finally:
            connections.close_all()
