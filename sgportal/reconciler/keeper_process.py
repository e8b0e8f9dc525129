"""Whose turn it is: of several keeper processes the one with the lease acts, and the others know as much as it does, so
that one of them goes on within seconds of its death. Only this thread asks the database.

A database that does not answer stops nobody: whoever acts goes on, since what a keeper writes does no harm twice.
"""

import logging
import threading

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from ..cluster import Cluster
from ..queries.standing import Standing
from .endpoints.controller import EndpointController
from .endpoints.metrics import ControllerMetrics
from .informer.reflector import Pace
from .process import connection as access
from .process.heartbeat import HeartbeatWriter
from .process.lease import ProcessLease

log = logging.getLogger(__name__)
LEASE_SECONDS = 4.0  # until others take over from one that is frozen, or dead where the database is SQLite
LOOK_SECONDS = 0.5  # at most, between two reads of lease and management mode
JOIN_SECONDS = 4.0
_DATABASE_TROUBLE = (OperationalError, InterfaceError)


class LeaderElection:
    """Runs a keeper, which acts whenever the lease is ours."""

    def __init__(self, pace: Pace | None = None, lease_seconds: float = LEASE_SECONDS) -> None:
        self._pace = pace or Pace(silence=float(settings.SGPORTAL_WATCH_SILENCE_SECONDS))
        self._lease = ProcessLease(lease_seconds, "keeper")
        self._look_seconds = min(LOOK_SECONDS, lease_seconds / 8)
        self._sign = HeartbeatWriter("keeper", self._lease.holder)
        self._metrics = ControllerMetrics()
        self._may_write = False
        self._acts = False

    def run(self, stop: threading.Event) -> None:
        """Know everything, and act whenever it is our turn, until `stop` is set; then leave within a few seconds."""
        over = threading.Event()
        thread = None
        try:
            while not stop.is_set():
                self._acts = self._is_ours(before=self._acts)
                if thread is None or not thread.is_alive():
                    thread = self._begin(over)
                stop.wait(self._look_seconds)
            over.set()
            if thread:
                thread.join(JOIN_SECONDS)
            self._leave()
        finally:
            over.set()
            connection.close()

    def _begin(self, over: threading.Event) -> threading.Thread:
        keeper = EndpointController(
            access.reading,
            self._cluster,
            settings.SGPORTAL_NAMESPACE,
            self._pace,
            self._metrics,
            lambda: self._acts,
            settings.SGPORTAL_EXPECTED_ZONES,
        )
        thread = threading.Thread(target=self._keep, args=(keeper, over), name="keeper", daemon=True)
        thread.start()
        return thread

    @staticmethod
    def _keep(keeper: EndpointController, over: threading.Event) -> None:
        try:
            keeper.run(over)
        except Exception:
            log.exception("the keeper went wrong and is begun anew")

    def _cluster(self) -> Cluster:
        """The cluster to write to, without the database: what the last read of the management mode said holds."""
        return access.writable() if self._may_write else access.reading()

    def _is_ours(self, before: bool) -> bool:
        """Whether it is our turn; `before` where the database does not say."""
        try:
            standing = Standing.now()
            self._may_write, access.identity().expected = standing.may_write, standing.uid
            ours = self._lease.take()
            if ours and not before:
                log.info("keeping closed loops, as %s", self._lease.holder)
            self._sign.beat(self._metrics.figures())
        except _DATABASE_TROUBLE as error:
            log.warning("the database does not answer: %s", error)
            connection.close()
            return before
        return ours

    def _leave(self) -> None:
        try:
            self._lease.release()
            self._sign.end()
        except _DATABASE_TROUBLE as error:
            log.warning("the lease could not be released and will run out: %s", error)
