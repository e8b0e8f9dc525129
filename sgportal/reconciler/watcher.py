"""The watch: several processes may run it, one acts. It lists and watches the cluster into rows, wakes the grids
concerned, and decides nothing.

Readers (threads, one per resource) talk to the cluster; the thread that calls `run` alone talks to the database. Every
transaction renews the lease first, so what is written is written by its holder, and nobody takes over in between.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from ..cluster import Cluster
from ..core.names import APISERVER
from ..models import Heartbeat
from .cache import refresh
from .cache.enqueue import Effects, tell, wake_all
from .cache.freshness import News
from .cache.resources import SOURCES
from .discovery import dataplane
from .discovery.detector import EVERY_SECONDS, Inspected, Lookout, Sighted, Witness
from .discovery.installer import Installer
from .fleet.guard import Guard
from .informer.messages import Failed, Heard, Inbox, Listed, Message, NotServed, Rows
from .informer.probe import Probe
from .informer.reflector import Pace, Reader
from .process import connection as access
from .process.lease import WatchLease

log = logging.getLogger(__name__)
LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
STANDBY_SECONDS = 2.0  # between two looks at another's lease
HEARTBEAT_SECONDS = 10.0
JOIN_SECONDS = 2.0
_DATABASE_TROUBLE = (OperationalError, InterfaceError)  # locked, gone, restarted: the same batch again, nothing lost


class Watcher:
    """Keeps the mirror. `connect` gives the cluster; it may raise ClusterError while there is no configuration."""

    def __init__(
        self,
        connect: Callable[[], Cluster] = access.unchecked,
        pace: Pace | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._connect = connect
        self._pace = pace or Pace(silence=float(settings.SGPORTAL_WATCH_SILENCE_SECONDS))
        self._lease = WatchLease(lease_seconds)
        self._renew_seconds = lease_seconds * RENEW_SECONDS / LEASE_SECONDS
        self._standby_seconds = lease_seconds * STANDBY_SECONDS / LEASE_SECONDS
        self._renew_at = self._heartbeat_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Act whenever the lease is ours, until `stop` is set; then leave within a few seconds."""
        try:
            while not stop.is_set():
                try:
                    self._round(stop)
                except _DATABASE_TROUBLE as error:
                    log.warning("the database does not answer: %s", error)
                    connection.close()
                    stop.wait(1.0)
            self._leave()
        finally:
            connection.close()

    def _round(self, stop: threading.Event) -> None:
        if self._lease.take():
            log.info("watching, as %s", self._lease.holder)
            self._act(stop)
        else:
            self._beat()
            stop.wait(self._standby_seconds)

    def _leave(self) -> None:
        try:
            self._lease.release()
            Heartbeat.objects.filter(kind="watch", name=self._lease.holder).delete()
        except _DATABASE_TROUBLE as error:
            log.warning("the lease could not be released and will run out: %s", error)

    def _act(self, stop: threading.Event) -> None:
        news, inbox = News([*refresh.BY_RESOURCE, APISERVER]), Inbox()
        witness, guard = Witness(), Guard(access.identity())
        lookout = Lookout(self._connect, inbox.put, witness, min(EVERY_SECONDS, self._pace.recheck))
        installer = Installer(settings.SGPORTAL_INSTALL_CRDS, lookout)
        readers = [Reader(source, self._connect, inbox.put, installer, self._pace) for source in SOURCES]
        probe = Probe(self._connect, inbox.put, partial(_hurry, readers), self._pace.probe, self._pace.probe_patience)
        for thread in (*readers, lookout, probe):
            thread.start()
        try:
            while not stop.is_set():
                if not self._store(inbox.take(min(0.5, self._renew_seconds)), news, witness, guard, stop):
                    return
        finally:
            _end([*readers, lookout, probe])

    def _store(
        self, batch: Iterable[Message], news: News, witness: Witness, guard: Guard, stop: threading.Event
    ) -> bool:
        """Write what the readers said, again and again until the database takes it. False where the lease is lost, or
        the grids belong to another cluster from now on, so that there is nothing to write."""
        guard.refresh()
        if not (batch or news.due or guard.due or guard.moved) and time.monotonic() < self._renew_at:
            return True
        while not stop.is_set():
            try:
                with transaction.atomic():
                    if not self._lease.renew():
                        log.warning("another process has taken over the watch")
                        return False
                    if not guard.hold():
                        log.warning("the grids belong to another cluster from now on: all of it is read")
                        return False
                    guard.conclude()
                    _write(batch, news, witness)
                break
            except _DATABASE_TROUBLE as error:
                log.warning("a batch could not be stored and is tried again: %s", error)
                connection.close()
                stop.wait(0.2)
        else:
            return True
        news.saved()
        witness.saved()
        self._renew_at = time.monotonic() + self._renew_seconds
        self._beat()
        return True

    def _beat(self) -> None:
        """Say that this process lives, now and then."""
        if time.monotonic() < self._heartbeat_at:
            return
        now = timezone.now()
        Heartbeat.objects.filter(kind="watch", at__lt=now - timedelta(days=1)).delete()
        Heartbeat.objects.bulk_create(
            [Heartbeat(kind="watch", name=self._lease.holder, at=now)],
            update_conflicts=True,
            unique_fields=["kind", "name"],
            update_fields=["at"],
        )
        self._heartbeat_at = time.monotonic() + HEARTBEAT_SECONDS


def _hurry(readers: Iterable[Reader]) -> None:
    for reader in readers:
        reader.hurry()


def _end(readers: Iterable[Reader | Lookout | Probe]) -> None:
    for reader in readers:
        reader.stop()
    deadline = time.monotonic() + JOIN_SECONDS
    for reader in readers:
        reader.join(max(0.0, deadline - time.monotonic()))  # one in the middle of a request ends by itself


def _write(batch: Iterable[Message], news: News, witness: Witness) -> None:
    """Bring the rows in line with what was said, wake and tell whom it concerns; within a transaction."""
    effects = Effects()
    rows: dict[str, dict[str, Any]] = {}
    for message in batch:
        resource = message.resource
        if isinstance(message, Rows):
            rows.setdefault(resource, {}).update(message.rows)
            witness.read(resource, message.rows)
            news.heard(resource, message.at)
        elif isinstance(message, Listed):
            refresh.write(resource, rows.pop(resource, {}), effects)
            refresh.write_absent(resource, message.keys, effects)
            news.synced(resource, message.at)
        elif isinstance(message, Heard):
            news.heard(resource, message.at)
        elif isinstance(message, Failed):
            news.failed(resource, message.error)
        elif isinstance(message, NotServed):
            news.not_served(resource)
        elif isinstance(message, Sighted):
            witness.saw(message.sight)
        elif isinstance(message, Inspected):
            dataplane.note(message.seen)
    witness.conclude()
    for resource, changed in rows.items():
        refresh.write(resource, changed, effects)
    tell(effects)
    if news.recovered:
        wake_all()
    if news.due:
        news.save()
