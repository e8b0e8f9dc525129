"""The watch: several processes may run it, one acts for each shard. It lists and watches the cluster into rows, wakes
the grids concerned, and decides nothing.

Readers (threads, one per resource) talk to the cluster; the thread that calls `run` alone talks to the database. Every
transaction renews the lease first, so what is written is written by its holder, and nobody takes over in between.
Each shard has such a thread, which is idle in all processes but one.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from ..cluster import Cluster
from ..core.fleet.halt import DEFINITIONS_GONE, GRIDS_GONE
from ..core.grids.kinds import BY_PLURAL
from ..core.names import APISERVER
from ..core.shards import WHOLE, Shard, all_of
from .cache import refresh
from .cache.enqueue import Changes, enqueue, enqueue_all
from .cache.freshness import SyncFreshness
from .cache.pod_scope import PODS, CurrentScope
from .cache.resources import DIVIDED, sources_of
from .discovery import dataplane
from .discovery.detector import EVERY_SECONDS, ControllerObserved, Detection, Detector, Inspected
from .discovery.installer import Installer
from .fleet.doubts import Doubts
from .fleet.guard import Guard
from .grids.resource import absence
from .informer.messages import Bookmark, Failed, Inbox, Message, NotServed, Replaced, Rewound, Rows
from .informer.probe import Probe
from .informer.reflector import Pace, Reflector
from .process import connection as access
from .process.turns import Turns, together
from .queue.together import requests_together

log = logging.getLogger(__name__)
LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
STANDBY_SECONDS = 0.5  # between two looks at another's lease
JOIN_SECONDS = 2.0
FIRST = ("nodes",)  # their labels make workloads come and go
_DATABASE_TROUBLE = (OperationalError, InterfaceError)  # locked, gone, restarted: the same batch again, nothing lost


def watch(
    stop: threading.Event,
    count: int | None = None,
    connect: Callable[[], Cluster] = access.writable,
    pace: Pace | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> None:
    """Keep the mirror of as many shards of `count` (as set) as are for this process, until `stop` is set."""
    count = count or int(settings.SGPORTAL_SHARDS)
    turns = Turns("watch", count, lease_seconds, LEASE_SECONDS)
    together([Watcher(connect, pace, lease_seconds, shard, turns).run for shard in all_of(count)], stop)


class Watcher:
    """Keeps the mirror of a shard. `connect` gives the cluster; it may raise ClusterError while there is no
    configuration. `turns` are those of its process."""

    def __init__(
        self,
        connect: Callable[[], Cluster] = access.writable,
        pace: Pace | None = None,
        lease_seconds: float = LEASE_SECONDS,
        shard: Shard = WHOLE,
        turns: Turns | None = None,
    ) -> None:
        self._shard = shard
        self._turns = turns or Turns("watch", shard.count, lease_seconds, LEASE_SECONDS)
        self._connect = connect
        self._pace = pace or Pace(silence=float(settings.SGPORTAL_WATCH_SILENCE_SECONDS))
        self._lease = self._turns.lease(lease_seconds, shard)
        self._renew_seconds = lease_seconds * RENEW_SECONDS / LEASE_SECONDS
        self._standby_seconds = lease_seconds * STANDBY_SECONDS / LEASE_SECONDS
        self._renew_at = 0.0

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
        if self._turns.take(self._lease, self._shard):
            log.info("watching %s", f"{self._shard.text} as {self._lease.holder}".lstrip())
            try:
                self._act(stop)
            finally:
                self._turns.lost(self._shard)
        else:
            self._turns.beat()
            stop.wait(self._standby_seconds)

    def _leave(self) -> None:
        try:
            self._lease.release()
            self._turns.end()
        except _DATABASE_TROUBLE as error:
            log.warning("the lease could not be released and will run out: %s", error)

    def _act(self, stop: threading.Event) -> None:
        shard = self._shard
        inbox, witness, guard = Inbox(FIRST), Detection(), Guard(access.identity(), alone=shard.is_whole)
        lookout = Detector(self._connect, inbox.put, witness, min(EVERY_SECONDS, self._pace.recheck))
        installer = Installer(settings.SGPORTAL_INSTALL_CRDS, lookout, guard)
        sources = {each.resource: each for each in sources_of(shard)}
        readers = {
            name: Reflector(each, self._connect, inbox.put, installer, self._pace) for name, each in sources.items()
        }
        pace = self._pace
        hurry = partial(_hurry, list(readers.values()))
        probe = Probe(self._connect, inbox.put, hurry, pace.probe, pace.probe_patience)
        doubts = Doubts(lambda what, later: readers[what].list_again(pace.recheck if later else pace.again), shard)
        pods = CurrentScope(readers[PODS].list_also, shard)
        news = SyncFreshness([*sources, APISERVER], DIVIDED | {APISERVER}, shard)
        store = Store(news, witness, guard, doubts, pods, shard)
        threads: list[Reflector | Detector | Probe] = [*readers.values(), lookout, probe]
        for thread in threads:
            thread.start()
        hurry_at = time.monotonic()
        try:
            while not stop.is_set():
                if not self._store(inbox.take(min(0.5, self._renew_seconds)), store, stop):
                    return
                if self._turns.is_to_give(shard):
                    log.info("shard %s is left to a process that has none", shard.text)
                    self._lease.release()
                    return
                # Whoever waits for a kind that is not served would install it only after `recheck`.
                if shard.leads and installer.due and time.monotonic() >= hurry_at:
                    _hurry(readers[each] for each in BY_PLURAL if not store.news.serves(each))
                    hurry_at = time.monotonic() + pace.again
        finally:
            _end(threads)

    def _store(self, batch: Sequence[Message], store: "Store", stop: threading.Event) -> bool:
        """Write what the readers said, again and again until the database takes it. False where the lease is lost, or
        the grids belong to another cluster from now on, so that there is nothing to write."""
        store.guard.refresh()
        if store.is_mere_news(batch):
            batch = ()
        if not (batch or store.due) and time.monotonic() < self._renew_at:
            return True
        if time.monotonic() >= self._renew_at:
            self._lease.keep()
        while not stop.is_set():
            try:
                with transaction.atomic():
                    if not self._lease.renew():
                        log.warning("another process has taken over the watch")
                        return False
                    if not store.guard.hold():
                        log.warning("the grids belong to another cluster from now on: all of it is read")
                        return False
                    with requests_together():
                        store.write(batch)
                break
            except _DATABASE_TROUBLE as error:
                log.warning("a batch could not be stored and is tried again: %s", error)
                connection.close()
                stop.wait(0.2)
        else:
            return True
        store.saved()
        self._renew_at = time.monotonic() + self._renew_seconds
        self._turns.beat()
        return True


def _goes_first(batch: Sequence[Message]) -> bool:
    """Whether these are of what goes first alone, so that it is as quick as it can be."""
    return bool(batch) and all(message.resource in FIRST for message in batch)


def _hurry(readers: Iterable[Reflector]) -> None:
    for reader in readers:
        reader.hurry()


def _end(readers: Iterable[Reflector | Detector | Probe]) -> None:
    for reader in readers:
        reader.stop()
    deadline = time.monotonic() + JOIN_SECONDS
    for reader in readers:
        reader.join(max(0.0, deadline - time.monotonic()))  # one in the middle of a request ends by itself


@dataclass
class Store:
    """Brings the rows in line with what the reflectors say and enqueues the grids concerned. `write` is called within a
    transaction, `saved` once it is committed."""

    news: SyncFreshness
    witness: Detection
    guard: Guard
    doubts: Doubts
    pods: CurrentScope
    shard: Shard = WHOLE

    @property
    def due(self) -> bool:
        """Whether there is something to write though no reader said anything."""
        return self.news.due or self.guard.due or self.guard.moved

    def is_mere_news(self, batch: Sequence[Message]) -> bool:
        """Whether all that was said is that the cluster was heard, which is noted here, and written every so often
        (`due`): a transaction for each of these was most of what a watch did at rest."""
        if not all(isinstance(message, Bookmark) for message in batch):
            return False
        for message in batch:
            self._note(message)
        return True

    def write(self, batch: Sequence[Message]) -> None:
        """Write what was said."""
        self.guard.conclude()
        if not _goes_first(batch):
            self.pods.refresh()
        changes = Changes()
        rows: dict[str, dict[str, Any]] = {}
        deleted: dict[str, list[Mapping[str, Any]]] = {}
        for message in batch:
            if isinstance(message, Rows):
                some = self.pods.scope.restrict(message.rows) if message.resource == PODS else message.rows
                rows.setdefault(message.resource, {}).update(some)
                deleted.setdefault(message.resource, []).extend(message.deleted.values())
                self.witness.read(message.resource, message.rows)
                self.news.heard(message.resource, message.at)
            elif isinstance(message, Replaced):
                refresh.write(message.resource, rows.pop(message.resource, {}), changes)
                self.pods.listed(message.resource)
                owns = None if self.shard.is_whole or message.resource not in DIVIDED else self.shard.owns
                if refresh.write_absent(message.resource, message.keys, changes, self.doubts.believes, owns):
                    self.news.synced(message.resource, message.at)
            else:
                self._note(message)
        self.witness.conclude()
        for resource, changed in rows.items():
            refresh.write(resource, changed, changes)
            self.pods.changed(resource)
        for resource in deleted.keys() & BY_PLURAL.keys():
            absence.note_deleted(BY_PLURAL[resource].kind, deleted[resource])
        self.doubts.look_at_nodes(changes.nodes)
        if self.shard.leads and self.guard.halted in (DEFINITIONS_GONE, GRIDS_GONE):
            absence.look_whether_back(self.guard.halted)
        enqueue(changes)
        if self.news.recovered:
            enqueue_all()
        if self.news.due:
            self.news.save()

    def _note(self, message: Message) -> None:
        if isinstance(message, Bookmark):
            self.news.heard(message.resource, message.at)
        elif isinstance(message, Failed):
            self.news.failed(message.resource, message.error)
        elif isinstance(message, Rewound):
            refresh.rewound(message.resource)
        elif isinstance(message, NotServed):
            self.news.not_served(message.resource)
            if message.resource in BY_PLURAL:
                absence.definition_gone(BY_PLURAL[message.resource].kind)
        elif isinstance(message, ControllerObserved):
            self.witness.saw(message.sight)
        elif isinstance(message, Inspected) and self.shard.leads:
            dataplane.note(message.seen)

    def saved(self) -> None:
        """It is committed."""
        self.news.saved()
        self.witness.saved()
        self.pods.saved()
