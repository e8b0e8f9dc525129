"""Whose turn it is: of several keeper processes the one with the lease acts. Only this thread asks the database.

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
LEASE_SECONDS = 15.0
LOOK_SECONDS = 0.5  # between two reads of lease and management mode
JOIN_SECONDS = 4.0
_DATABASE_TROUBLE = (OperationalError, InterfaceError)


class LeaderElection:
    """Runs a keeper whenever the lease is ours."""

    def __init__(self, pace: Pace | None = None, lease_seconds: float = LEASE_SECONDS) -> None:
        self._pace = pace or Pace(silence=float(settings.SGPORTAL_WATCH_SILENCE_SECONDS))
        self._lease = ProcessLease(lease_seconds, "keeper")
        self._look_seconds = lease_seconds * LOOK_SECONDS / LEASE_SECONDS
        self._sign = HeartbeatWriter("keeper", self._lease.holder)
        self._metrics = ControllerMetrics()
        self._may_write = False

    def run(self, stop: threading.Event) -> None:
        """Act whenever it is our turn, until `stop` is set; then leave within a few seconds."""
        try:
            while not stop.is_set():
                if self._is_ours(before=False):
                    log.info("keeping closed loops, as %s", self._lease.holder)
                    self._act(stop)
                stop.wait(self._look_seconds)
            self._leave()
        finally:
            connection.close()

    def _act(self, stop: threading.Event) -> None:
        over = threading.Event()
        keeper = EndpointController(
            access.reading, self._cluster, settings.SGPORTAL_NAMESPACE, self._pace, self._metrics
        )
        thread = threading.Thread(target=self._keep, args=(keeper, over), name="keeper", daemon=True)
        thread.start()
        while not stop.is_set() and thread.is_alive() and self._is_ours(before=True):
            stop.wait(self._look_seconds)
        over.set()
        thread.join(JOIN_SECONDS)
        self._metrics.kept = 0

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
