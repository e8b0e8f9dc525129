"""Whose turn it is: of several keeper processes the one with the lease acts, or the lease of each shard, and the others
know as much as it does, so that one of them goes on within seconds of its death. Only this thread asks the database.

A database that does not answer stops nobody: whoever acts goes on, since what a keeper writes does no harm twice.
"""

import logging
import threading

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from ..cluster import Cluster
from ..core.shards import Shard, all_of
from ..queries.standing import Standing
from .endpoints.controller import EndpointController
from .endpoints.metrics import ControllerMetrics
from .informer.reflector import Pace
from .process import connection as access
from .process.lease import ProcessLease
from .process.turns import Turns

log = logging.getLogger(__name__)
LEASE_SECONDS = 4.0  # until others take over from one that is frozen, or dead where the database is SQLite
LOOK_SECONDS = 0.5  # at most, between two reads of lease and management mode
JOIN_SECONDS = 4.0
_DATABASE_TROUBLE = (OperationalError, InterfaceError)


class LeaderElection:
    """Runs a keeper, which acts for the shards of `count` (as set) whose leases are ours."""

    def __init__(
        self, pace: Pace | None = None, lease_seconds: float = LEASE_SECONDS, count: int | None = None
    ) -> None:
        count = count or int(settings.SGPORTAL_SHARDS)
        self._pace = pace or Pace(silence=float(settings.SGPORTAL_WATCH_SILENCE_SECONDS))
        self._turns = Turns("keeper", count, lease_seconds, LEASE_SECONDS)
        self._leases = {shard: self._turns.lease(lease_seconds, shard) for shard in all_of(count)}
        self._look_seconds = min(LOOK_SECONDS, lease_seconds / 8)
        self._metrics = ControllerMetrics()
        self._may_write = False
        self._held: frozenset[Shard] = frozenset()

    def run(self, stop: threading.Event) -> None:
        """Know everything, and act whenever it is our turn, until `stop` is set; then leave within a few seconds."""
        over = threading.Event()
        thread = None
        try:
            while not stop.is_set():
                self._held = self._ours(before=self._held)
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
            lambda: self._held,
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

    def _ours(self, before: frozenset[Shard]) -> frozenset[Shard]:
        """The shards that it is our turn to act for; those of `before` where the database does not say."""
        try:
            standing = Standing.now()
            self._may_write, access.identity().expected = standing.may_write, standing.uid
            ours = frozenset(shard for shard, lease in self._leases.items() if self._is_ours(shard, lease))
            for shard in ours - before:
                log.info("keeping closed loops, %s", f"{shard.text} as {self._turns.holder}".lstrip())
            self._turns.beat(self._metrics.figures())
        except _DATABASE_TROUBLE as error:
            log.warning("the database does not answer: %s", error)
            connection.close()
            return before
        return ours

    def _is_ours(self, shard: Shard, lease: ProcessLease) -> bool:
        if not self._turns.take(lease, shard):
            return False
        if self._turns.is_to_give(shard):
            log.info("shard %s is left to a process that has none", shard.text)
            lease.release()
            self._turns.lost(shard)
            return False
        return True

    def _leave(self) -> None:
        try:
            for lease in self._leases.values():
                lease.release()
            self._turns.end()
        except _DATABASE_TROUBLE as error:
            log.warning("the lease could not be released and will run out: %s", error)
