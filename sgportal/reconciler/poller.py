"""A worker asks the rows who is due: what messages bring sooner comes this way too, whether or not there is a broker.
It frees the keys of the dead, sees to it that every duty is done, and says that the worker lives."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import Error, connections

from . import duties
from .executor import Executor, is_a_notice
from .process.heartbeat import HeartbeatWriter
from .process.identity import new_name
from .queue import broker, leases, workqueue
from .queue.set_back import was_set_back

log = logging.getLogger(__name__)
MOST = 50  # keys asked for at once
ENSURE_SECONDS = 60.0
STUCK_SECONDS = 600.0  # nothing takes so long: requests, statements and leases all end sooner


class Poller:
    """The main loop of a worker."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._sign = HeartbeatWriter("worker", new_name())
        self._ensure_at = 0.0
        self._broker = broker.told("none")

    def hear(self, told: Mapping[str, Any]) -> None:
        """What the consumer found of the broker, for the sign of life."""
        self._broker = dict(told)

    def run(self, stop: threading.Event) -> None:
        """Ask again and again until `stop` is set, or until the process hangs: then it has to be begun anew."""
        try:
            while not stop.is_set() and not self._hangs():
                if not self._round():
                    stop.wait(settings.SGPORTAL_POLL_SECONDS)
            self._sign.end()
        finally:
            connections.close_all()

    def _round(self) -> bool:
        """Whether more may be due at once."""
        try:
            if self._sign.is_due:
                was_set_back()
            self._sign.beat(self._broker)
            if time.monotonic() >= self._ensure_at:
                duties.ensure()
                self._ensure_at = time.monotonic() + ENSURE_SECONDS
            keys, held = workqueue.look(MOST)
            if leases.free_of_the_dead(held):
                keys, _ = workqueue.look(MOST)
            return self._hand_out(keys)
        except Error as error:
            log.warning("the database does not answer: %s", error)
            return False
        finally:
            connections.close_all()

    def _hand_out(self, keys: Sequence[str]) -> bool:
        """Give keys to threads as these become free, for the length of a round; whether it is likely that there are
        more: without a broker one key leads to another, with one a message brings that. Where none was taken, as of
        channels while another is being told, the next round is soon enough."""
        deadline = time.monotonic() + settings.SGPORTAL_POLL_SECONDS
        is_at_work = False
        for key in keys:
            if self._executor.offer(key, max(0.0, deadline - time.monotonic())):
                is_at_work = True
            elif not is_a_notice(key):
                return True
        return is_at_work and len(keys) >= (MOST if self._broker["broker"] == "ok" else 1)

    def _hangs(self) -> bool:
        held = leases.held_longest()
        if held is None or time.monotonic() - held.since < STUCK_SECONDS:
            return False
        log.error("%s has been at it for %.0f s: the process hangs", ", ".join(sorted(held.keys)[:5]), STUCK_SECONDS)
        if isinstance(held, leases.WorkItem):
            workqueue.failed(held, f"not done after {STUCK_SECONDS:.0f} s")
        return True
