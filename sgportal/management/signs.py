"""Signs of life: rows by which worker and beat say that they live. Each is written from the process' own main loop, so
that one that hangs falls silent. (The watch writes its own.)

Named on the command line: `celery worker --include sgportal.management.signs` and
`celery beat --scheduler sgportal.management.signs:Scheduler`.
"""

import logging
import os
import socket
import time
from typing import Any

from celery import beat, bootsteps, signals
from django.db import DatabaseError, connection
from django.utils import timezone

from ..models import Heartbeat
from ..reconciler.celery import app
from .lasting import settle_down

log = logging.getLogger(__name__)
EVERY = 15.0
NAME = f"{socket.gethostname()[:60]}:{os.getpid()}"


def say(kind: str) -> None:
    """Write that this process lives."""
    try:
        Heartbeat.objects.update_or_create(kind=kind, name=NAME, defaults={"at": timezone.now()})
    except DatabaseError as error:
        log.warning("no sign of life could be written: %s", error)
    finally:
        connection.close()  # the worker forks children from here, which must not inherit it


def fall_silent(kind: str) -> None:
    """Take the sign away: the process ends as it should."""
    try:
        Heartbeat.objects.filter(kind=kind, name=NAME).delete()
    except DatabaseError as error:
        log.warning("the sign of life could not be taken away: %s", error)
    finally:
        connection.close()


class SignOfLife(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """A step of every worker that imports this module."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """The worker takes tasks."""
        say("worker")
        self._repeating = consumer.timer.call_repeatedly(EVERY, say, ("worker",))

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 - the name is Celery's
        """The worker has stopped, or has lost its broker."""
        self._repeating.cancel()
        fall_silent("worker")


app.steps["consumer"].add(SignOfLife)
signals.worker_init.connect(settle_down)
signals.worker_process_init.connect(settle_down)


class Scheduler(beat.Scheduler):  # type: ignore[misc]  # Celery has no types
    """Celery's scheduler, which keeps its times in memory; each round may give a sign of life."""

    _next = 0.0

    def tick(self, *args: Any, **options: Any) -> float:
        """One round."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            say("beat")
        return min(float(super().tick(*args, **options)), EVERY)

    def close(self) -> None:
        """The beat ends."""
        super().close()
        fall_silent("beat")
