"""The keeper: keeps the EndpointSlices of closed Services right, in memory, without a database on the way.

Readers (threads) follow nodes, pods, Services and slices; one thread knows and decides; others write, one job at most
for a Service at a time. What is found is compared with what should be, again and again, so that it may be killed at any
moment and several may run: every write names the version that it was decided on.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ...cluster import Cluster, ClusterError, Conflict
from ...core.names import REFUSING_SERVICE
from ...core.shards import WHOLE, Shard, owned
from ...core.timestamps import rfc3339
from ...core.traffic.slices.sentinels import sentinel_number
from ...core.traffic.slices.slices import is_built_in, is_kept, is_leftover, wanted
from ...core.traffic.slices.write_order import writes
from ..informer.messages import Failed, Message, Replaced, Rewound, Rows
from ..informer.reflector import Pace, Reflector
from ..informer.source import Body, place
from .cache import SOURCES, EndpointCache
from .doubts import Doubts
from .metrics import ControllerMetrics
from .naming import Naming
from .refusal import Needed, PutRight, Refusing, concerns, numbered, put_right, refusing
from .writer import Job, with_versions

log = logging.getLogger(__name__)
LOOK_SECONDS = 300.0  # a full look at everything, whether or not anything seems to have happened
BACKOFF_CAP_SECONDS = 30.0
CALM_SECONDS = 1.0  # after the last slice without hints went: the cluster may still be making another of its Endpoints
OPEN_SECONDS = 10.0  # at most, without sentinels beside slices without hints
GATHER = 200  # messages taken at once
WRITERS = 16
EVERYTHING = frozenset((WHOLE,))


class EndpointController:
    """Keeps slices from `run` until its event is set. `reading` gives the cluster to read, `writing` the one to write
    to; both may raise ClusterError. `namespace` is where the refusing Services stand, `metrics` what is counted on.
    Everything is known, to go on at once, and written for Services in one of the shards that are `held` alone; `zones`
    are those that nodes are expected to have."""

    def __init__(
        self,
        reading: Callable[[], Cluster],
        writing: Callable[[], Cluster],
        namespace: str,
        pace: Pace | None = None,
        metrics: ControllerMetrics | None = None,
        held: Callable[[], frozenset[Shard]] = lambda: EVERYTHING,
        zones: Iterable[str] = (),
    ) -> None:
        self.metrics = metrics or ControllerMetrics()
        self._reading, self._writing, self._namespace = reading, writing, namespace
        self._pace = pace or Pace()
        self._held, self._had = held, frozenset[Shard]()
        self._memory = EndpointCache(dict.fromkeys(zones))
        self._inbox: queue.Queue[Message | Job | PutRight] = queue.Queue(maxsize=20_000)
        self._listed: set[str] = set()
        self._readers: dict[str, Reflector] = {}
        self._doubts = Doubts(self._memory, lambda resource: self._readers[resource].list_again(self._pace.again))
        self._dirty: dict[str, float] = {}  # Service → when the news came
        self._busy: set[str] = set()
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._open: set[str] = set()  # Services whose nodes may go beyond their unit, by what we last wrote
        self._open_since: dict[str, float] = {}
        self._naming = Naming()
        self._refusing: Refusing | None = None
        self._needed = Needed()
        self._look_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Keep slices until `stop` is set; then end within a few seconds."""
        self._readers = {
            source.resource: Reflector(source, self._reading, self._hear, None, self._pace) for source in SOURCES
        }
        readers = self._readers.values()
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="keeper") as pool:
            for reader in readers:
                reader.start()
            try:
                while not stop.is_set():
                    self._turn(pool)
            finally:
                for reader in readers:
                    reader.stop()
        for reader in readers:
            reader.join(1.0)

    def _hear(self, message: Message, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                self._inbox.put(message, timeout=0.5)
            except queue.Full:
                continue
            return

    def _turn(self, pool: ThreadPoolExecutor) -> None:
        for message in self._news():
            self._learn(message)
        now = time.monotonic()
        had, self._had = self._had, self._held()
        self.metrics.kept = len(owned(self._memory.kept, self._had))
        self._look_at = self._look_at if self._had <= had else 0.0
        if len(self._listed) < len(SOURCES) or self._doubts.is_blind():
            return
        if not self._had:
            self._look_at = 0.0
            return
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._soil({*self._memory.kept, *self._memory.slices})
        for service in owned(self._naming.due(now), self._had):
            self._dirty.setdefault(service, now)
        self._keep_refusal(pool, now)
        self._dirty = {each: self._dirty[each] for each in owned(self._dirty, self._had)}
        for service in [each for each in self._dirty if self._is_free(each, now)]:
            self._start(service, pool)

    def _news(self) -> list[Message | Job | PutRight]:
        """What there is to learn: all that waits, or the next to come before something else is due."""
        now = time.monotonic()
        due = [self._not_before[each] for each in self._dirty if each in self._not_before] + [now + 0.5]
        found: list[Message | Job | PutRight] = []
        with suppress(queue.Empty):
            found.append(self._inbox.get(timeout=max(0.0, min(due) - now)))
            while len(found) < GATHER:
                found.append(self._inbox.get_nowait())
        return found

    def _learn(self, message: Message | Job | PutRight) -> None:
        if isinstance(message, Rows):
            self._soil(self._memory.take(message.resource, message.rows))
        elif isinstance(message, Replaced):
            gone = self._doubts.absent(message.resource, message.keys)
            self._soil(self._memory.take(message.resource, gone))
            self._listed.add(message.resource)
        elif isinstance(message, Rewound):
            self._memory.rewound(message.resource)
            self._listed.discard(message.resource)
        elif isinstance(message, Failed):
            log.warning("%s: %s", message.resource, message.error)
        elif isinstance(message, Job):
            self._finish(message)
        elif isinstance(message, PutRight):
            self._busy.discard(REFUSING_SERVICE)
            self._soil(self._memory.take("services", {place(each): each for each in message.bodies}))
            self._settle(REFUSING_SERVICE, message.error)

    def _soil(self, services: set[str]) -> None:
        """These Services may have slices that are no longer right."""
        now = time.monotonic()
        if concerns(services, self._namespace):
            services = services | self._memory.kept.keys()
        for each in services:
            self._dirty.setdefault(each, now)

    def _is_free(self, service: str, now: float) -> bool:
        return service not in self._busy and self._not_before.get(service, 0.0) <= now

    def _keep_refusal(self, pool: ThreadPoolExecutor, now: float) -> None:
        """Have the refusing Services while any Service is kept, with the ports and address families that are needed."""
        live = numbered(self._memory.services, self._namespace)
        self._refusing = refusing(live)
        if WHOLE not in self._had:
            self._needed.take_over(live)
        missing = self._needed.missing(live) if self._memory.kept and self._is_free(REFUSING_SERVICE, now) else ()
        if not missing:
            return
        ports, families = dict(self._needed.ports), self._needed.families
        self._busy.add(REFUSING_SERVICE)

        def put() -> None:
            self._inbox.put(put_right(self._writing, self._namespace, missing, ports, families))

        pool.submit(_logged, f"{self._namespace}/{REFUSING_SERVICE}", put)

    def _start(self, service: str, pool: ThreadPoolExecutor) -> None:
        """Begin to make one Service right, unless it is, or has to wait for the refusing Service."""
        job = self._job(service)
        if job is None:
            return
        since = self._dirty.pop(service)
        if not job.writes and not job.leftovers:
            self._settled(job)
            return
        job.since = since
        self._busy.add(service)

        def write() -> None:
            try:
                job.run(self._writing())
            except ClusterError as error:
                job.error = error
            finally:
                self._inbox.put(job)

        pool.submit(_logged, service, write)

    def _job(self, service: str) -> Job | None:
        """What is to be written for a Service; None while it must wait."""
        kept, live = self._memory.kept.get(service), self._memory.live(service)
        self._needed.lacking.pop(service, None)
        if kept is None:
            self._open_since.pop(service, None)
            self._naming.forget(service)
            leaving = writes(live, (), stays_closed=False) if self._is_handed_over(service, live) else ()
            return Job(service, with_versions(leaving, live))
        if self._refusing is None:
            return None
        where = self._memory.where(kept.facts.key)
        trigger = rfc3339(datetime.now(UTC))
        refusal = self._refusing.refusal
        kept.answer = wanted(kept.facts, where, kept.pods.values(), refusal, live, trigger, kept.answer)
        if self._needed.lacks(service, kept.answer, self._refusing, wait=REFUSING_SERVICE not in self._failures):
            return None
        has_selector = bool((self._memory.services[service].get("spec") or {}).get("selector"))
        leftovers = () if has_selector else [each for each in live if is_leftover(each)]
        closes = kept.facts.closure.mode != "prefer"
        opened = closes and self._is_still_open(service, bool(leftovers))
        slices = _without_new_sentinels(kept.answer.slices, live) if opened else kept.answer.slices
        planned = self._naming.writes(service, live, slices, service not in self._open, closes)
        return Job(service, with_versions(planned, live), leftovers, closes, opened)

    def _is_still_open(self, service: str, leftovers: bool) -> bool:
        """Whether a Service that is to be closed has slices without hints: each endpoint is everybody's then, and a
        sentinel would refuse its share of the calls. Not for ever, for some of them have no endpoint and stay."""
        if not leftovers:
            self._open_since.pop(service, None)
            return False
        now = time.monotonic()
        return now - self._open_since.setdefault(service, now) < OPEN_SECONDS

    def _is_handed_over(self, service: str, live: list[Body]) -> bool:
        """Whether our slices may go: the Service has a selector again, and the cluster's controller lists endpoints
        for each family that we list."""
        selector = (self._memory.services.get(service, {}).get("spec") or {}).get("selector")
        ours = {each["addressType"] for each in live if is_kept(each)}
        return bool(selector) and ours <= {each["addressType"] for each in live if is_built_in(each)}

    def _finish(self, job: Job) -> None:
        self._busy.discard(job.service)
        for body in job.made:
            self._memory.wrote(body)
        for body in job.gone:
            self._memory.deleted(body)
        self.metrics.written += len(job.made) + len(job.gone)
        if job.error:
            self.metrics.failed += 1
            self._dirty[job.service] = min(job.since, self._dirty.get(job.service, job.since))
            self._settle(job.service, job.error)
        else:
            self.metrics.took(time.monotonic() - job.since)
            self._settled(job)

    def _settled(self, job: Job) -> None:
        """The slices of a Service are as its job would have them."""
        self._settle(job.service, None)
        (self._open.discard if job.closes else self._open.add)(job.service)
        if job.again:
            self._dirty.setdefault(job.service, time.monotonic())
            self._not_before[job.service] = time.monotonic() + CALM_SECONDS

    def _settle(self, what: str, error: ClusterError | None) -> None:
        """Note how it went: the next try after a failure waits twice as long as the last, jittered and capped."""
        if error is None:
            self._failures.pop(what, None)
            self._not_before.pop(what, None)
            return
        failures = self._failures[what] = self._failures.get(what, 0) + 1
        first = 0.05 if isinstance(error, Conflict) else 0.2
        wait = min(first * 2.0 ** min(failures - 1, 20), BACKOFF_CAP_SECONDS) * (0.5 + random.random() / 2)
        self._not_before[what] = time.monotonic() + max(wait, error.retry_after or 0.0)
        log.log(logging.INFO if isinstance(error, Conflict) else logging.WARNING, "%s: %s", what, error)


def _without_new_sentinels(slices: Iterable[dict[str, Any]], live: Iterable[Body]) -> tuple[dict[str, Any], ...]:
    known = {each["metadata"]["name"] for each in live}
    return tuple(each for each in slices if not sentinel_number(each) or each["metadata"]["name"] in known)


def _logged(service: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        log.exception("%s: a write of the keeper went wrong", service)
