"""Which shards a process acts for. Each shard is acted for by one process, by its lease. A process that acts for none
takes a free one at once; one that has some lets others go first, and gives one up to a process that has none."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from ...core.shards import Shard
from ...models import clock
from . import heartbeat
from .heartbeat import HeartbeatWriter
from .identity import new_name
from .lease import ProcessLease

YIELD_SECONDS = 1.5  # for each shard that it has already, a process leaves one that is free to others
REST_SECONDS = 60.0  # between two that are given up
LOOK_SECONDS = 0.2  # between two looks at whether all still run
AWAKE = timedelta(seconds=15)  # a process that said less long ago that it has none would take one


class Turns:
    """The leases of a process of a `kind` in `heartbeat.KINDS`, out of `count`, and its sign of life. Used by the
    threads of its shards. `seconds` is how long a lease lasts, `usual_seconds` how long in production."""

    def __init__(self, kind: str, count: int, seconds: float, usual_seconds: float) -> None:
        self._kind, self._count = kind, count
        self.holder = new_name()
        self._yield_seconds = YIELD_SECONDS * seconds / usual_seconds
        self._sign = HeartbeatWriter(kind, self.holder)
        self._held: set[int] = set()
        self._free_since: dict[int, float] = {}
        self._rested_at = 0.0
        self._lock = threading.Lock()

    def lease(self, seconds: float, shard: Shard) -> ProcessLease:
        """The lease of a shard."""
        return ProcessLease(seconds, self._kind, shard, self.holder)

    @property
    def held(self) -> frozenset[int]:
        """The numbers of the shards that it acts for."""
        return frozenset(self._held)

    def take(self, lease: ProcessLease, shard: Shard) -> bool:
        """Take a shard's lease where it is free and it is for us to take it. Whether we hold it now. Raises
        DatabaseError."""
        with self._lock:
            if not self._is_for_us(lease, shard.index) or not lease.take():
                self._held.discard(shard.index)
                return False
            self._free_since.pop(shard.index, None)
            self._held.add(shard.index)
            return True

    def _is_for_us(self, lease: ProcessLease, index: int) -> bool:
        others = self._held - {index}
        if index in self._held or not others:
            return True
        if not lease.is_free():
            self._free_since.pop(index, None)
            return False
        since = self._free_since.setdefault(index, time.monotonic())
        return time.monotonic() - since >= self._yield_seconds * len(others)

    def lost(self, shard: Shard) -> None:
        """It is not acted for any more."""
        with self._lock:
            self._held.discard(shard.index)

    def is_to_give(self, shard: Shard) -> bool:
        """Whether this one is to be given up, since another process has none. Raises DatabaseError."""
        with self._lock:
            now = time.monotonic()
            if len(self._held) < 2 or shard.index != max(self._held) or now < self._rested_at:
                return False
            if not self._has_idle_company():
                return False
            self._rested_at = now + REST_SECONDS
            return True

    def _has_idle_company(self) -> bool:
        rows = heartbeat.living().filter(kind=self._kind, at__gt=clock.now(-AWAKE)).exclude(name=self.holder)
        told = rows.values_list("figures", flat=True)
        return any(each.get("of") == self._count and not each.get("shards") for each in told)

    def beat(self, figures: Mapping[str, Any] | None = None) -> None:
        """Say that this process lives, which shards it has and what it has counted. Raises DatabaseError."""
        with self._lock:
            if self._sign.is_due:
                shards = {} if self._count == 1 else {"shards": [each + 1 for each in sorted(self._held)]}
                self._sign.beat({**(figures or {}), **shards, **({"of": self._count} if shards else {})})

    def end(self) -> None:
        """Take the sign of life away: the process ends as it should."""
        self._sign.end()


def together(runs: Sequence[Callable[[threading.Event], None]], stop: threading.Event) -> None:
    """Run each until `stop` is set, in a thread of its own where there are several. One that ends with an error ends
    the others, and is raised."""
    if len(runs) == 1:
        runs[0](stop)
        return
    over = threading.Event()
    with ThreadPoolExecutor(len(runs), thread_name_prefix="shard") as pool:
        running = [pool.submit(run, over) for run in runs]
        while not stop.is_set() and not any(each.done() for each in running):
            stop.wait(LOOK_SECONDS)
        over.set()
    for each in running:
        each.result()
