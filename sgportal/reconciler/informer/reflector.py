"""One thread per resource: list, watch, resume, list again. It reads and translates; it never touches the database."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from ...cluster import AnotherCluster, Cluster, ClusterError, Expired, NotFound, Watch, WatchEvent
from .messages import Bookmark, Failed, Message, NotServed, Replaced, Rewound, Rows
from .source import Source

log = logging.getLogger(__name__)
STREAM_SECONDS = 20  # a watch is begun anew so often: proof, for an idle resource, that its news is fresh
AGAIN_SECONDS = 2.0  # between two looks at what cannot be believed: another cluster, a list without anything known
SHORT_SECONDS = 0.5  # a stream that ends sooner is no good sign
FORBIDDEN = 403
MOST_BESIDES = 20  # more are had by a list of everything


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. `silence`: a stream mute for so long is dead; `recheck`: between looks at a kind that is not served;
    `backoff_first`, `backoff_cap`: after the first failure in a row, and at most. `probe`: between two probes of the
    API server; `probe_patience`: how long one waits."""

    silence: float = 75.0
    recheck: float = 30.0
    backoff_first: float = 0.2
    backoff_cap: float = 30.0
    probe: float = 1.0
    probe_patience: float = 2.0

    @property
    def stream(self) -> int:
        """How long a stream lasts: well below `silence`, so that a healthy one ends before it seems dead."""
        return max(1, min(STREAM_SECONDS, int(self.silence * 0.6)))

    @property
    def again(self) -> float:
        """The wait before another look at what cannot be believed."""
        return min(AGAIN_SECONDS, self.recheck)

    def backoff(self, failures: int, at_least: float | None) -> float:
        """The wait after the (failures+1)th failure in a row: doubling, jittered, capped."""
        seconds = min(self.backoff_first * 2.0 ** min(failures, 20), self.backoff_cap) * (0.5 + random.random() / 2)
        return max(seconds, at_least or 0.0)


class Preparation(Protocol):
    """What must be done before a resource is listed for the first time."""

    def before_list(self, cluster: Cluster) -> None:
        """Before any list. Raises ClusterError."""

    def ensure(self, cluster: Cluster) -> None:
        """Before custom resources are listed. Raises ClusterError."""


class Reflector(threading.Thread):
    """Follows one resource until `stop`, whatever happens to the cluster, and says what it saw to `emit`."""

    def __init__(
        self,
        source: Source,
        connect: Callable[[], Cluster],
        emit: Callable[[Message, threading.Event], None],
        installer: Preparation | None,
        pace: Pace,
    ) -> None:
        super().__init__(name=f"watch {source.resource}", daemon=True)
        self._source = source
        self._connect = connect
        self._emit = emit
        self._installer = installer
        self._pace = pace
        self._stopping = threading.Event()
        self._hurry = threading.Event()  # ends the pause of a back-off
        self._stream: Watch | None = None
        self._version = ""  # where to go on from; "": list first
        self._doubted = False  # whether the cluster may have gone back to an earlier version meanwhile
        self._failures = 0  # in a row
        self._again: float | None = None
        self._also: deque[tuple[str, str]] = deque()  # namespaces, each with a label selector, to be listed besides

    def list_again(self, seconds: float) -> None:
        """From another thread, which does not believe the last list: make another in so many seconds."""
        self._again = seconds
        stream = self._stream
        if stream:
            stream.close()

    def list_also(self, places: Iterable[tuple[str, str]]) -> None:
        """From another thread, which wants to know of more than before: list these namespaces, each with a label
        selector, and go on with the watch. What was said of them before may have been left out."""
        self._also.extend(places)
        stream = self._stream
        if stream:
            stream.close()

    def stop(self) -> None:
        """Say no more, and end soon."""
        self._stopping.set()
        self._hurry.set()
        stream = self._stream
        if stream:
            stream.close()

    def hurry(self) -> None:
        """Try again now: the API server answers."""
        self._hurry.set()

    def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        if not self._stopping.is_set():
            self._hurry.wait(seconds)

    def run(self) -> None:
        """Follow the resource."""
        while not self._stopping.is_set():
            try:
                self._step()
                again, self._again = self._again, None
                if again is not None:
                    self._version, self._failures = "", 0
                    self._pause(again)
            except ClusterError as error:
                self._pause(self._after(error))
            except Exception as error:
                log.exception("reading %s went wrong", self._source.resource)
                self._version = ""
                self._pause(self._after(ClusterError(f"{type(error).__name__}: {error}")))

    def _after(self, error: ClusterError) -> float:
        """Note a failure; the seconds to wait. A stream that breaks, or is too old to resume, is no news yet: only if
        the next request fails as well the resource cannot be reached."""
        broke, self._stream = self._stream is not None, None
        self._doubted = True
        failures, self._failures = self._failures, self._failures + 1
        if isinstance(error, AnotherCluster):
            self._version, self._failures = "", 0
            self._say(Failed(self._source.resource, str(error)))
            return self._pace.again
        if isinstance(error, NotFound) or (self._source.optional and error.status == FORBIDDEN):
            self._version, self._failures = "", 0
            self._say(NotServed(self._source.resource))
            return self._pace.recheck
        if isinstance(error, Expired):
            self._version = ""
            log.info("%s: the version is too old, listing again", self._source.resource)
            return self._pace.backoff(failures, 0.0) if failures else 0.0
        if not broke:
            self._say(Failed(self._source.resource, str(error)))
        log.log(logging.INFO if broke else logging.WARNING, "%s: %s", self._source.resource, error)
        return self._pace.backoff(failures, error.retry_after)

    def _step(self) -> None:
        """List where need be, and watch. Nothing is told before it is confirmed that it came from the cluster that is
        meant: another may have taken its address since the last answer."""
        cluster = self._connect()
        try:
            self._read(cluster)
        except NotFound:
            cluster.confirm()
            raise

    def _read(self, cluster: Cluster) -> None:
        if self._version and self._doubted and self._went_back(cluster):
            self._say(Rewound(self._source.resource))
            self._version = ""
        self._doubted = False
        if not self._version:
            if self._installer:
                self._installer.before_list(cluster)
            if self._source.custom and self._installer:
                self._installer.ensure(cluster)
            self._list(cluster)
        self._list_besides(cluster)
        began = time.monotonic()
        with cluster.watch(
            self._source.kind,
            self._version,
            silence_seconds=self._pace.silence,
            timeout_seconds=self._pace.stream,
        ) as self._stream:
            cluster.confirm()
            self._follow(self._stream)
        self._stream = None
        lasted = time.monotonic() - began
        self._doubted = lasted < self._pace.stream - 1
        asked = self._again is not None or self._also or self._stopping.is_set()
        if not asked and lasted < SHORT_SECONDS:
            self._failures += 1
            self._pause(self._pace.backoff(self._failures, None))
        else:
            self._failures = 0

    def _went_back(self, cluster: Cluster) -> bool:
        """Whether the cluster is at an earlier version than we have seen of it, as after etcd was restored: a watch
        from there would be silent until that version is reached again, and never tell what is otherwise now. A stream
        that lasted as long as it was to has seen no such thing. Versions are numbers that grow: KEP-5504."""
        now = next(iter(cluster.pages(self._source.kind, limit=1, metadata_only=True))).resource_version
        if not (now.isdecimal() and self._version.isdecimal()) or int(now) >= int(self._version):
            return False
        cluster.confirm()
        log.warning("%s: the cluster went back from version %s to %s", self._source.resource, self._version, now)
        return True

    def _list_besides(self, cluster: Cluster) -> None:
        """List what was asked for besides. The watch then goes on from where it was: it tells once more what happened
        before these lists, and then what happened since."""
        if len(self._also) > MOST_BESIDES:
            self._list(cluster)
        while self._also:
            namespace, selector = self._also[0]
            for page in cluster.pages(self._source.kind, namespace, label_selector=selector):
                rows, _ = self._source.translate(page.items)
                cluster.confirm()
                self._say(Rows(self._source.resource, rows, datetime.now(UTC)))
            self._also.popleft()

    def _list(self, cluster: Cluster) -> None:
        self._also.clear()
        keys: set[str] = set()
        version = ""
        for page in cluster.pages(self._source.kind):
            rows, there = self._source.translate(page.items)
            cluster.confirm()
            self._say(Rows(self._source.resource, rows, datetime.now(UTC)))
            keys |= there
            version = page.resource_version
        self._say(Replaced(self._source.resource, keys, datetime.now(UTC)))
        self._version = version

    def _follow(self, stream: Iterable[WatchEvent]) -> None:
        self._say(Bookmark(self._source.resource, datetime.now(UTC)))
        if self._stopping.is_set() or self._again is not None or self._also:  # asked before there was a stream to close
            return
        for event in stream:
            self._failures = 0
            if event.type == "BOOKMARK" or not self._source.is_anothers(event.body):
                self._say(self._message(event))
            self._version = event.resource_version

    def _message(self, event: WatchEvent) -> Message:
        resource, now = self._source.resource, datetime.now(UTC)
        if event.type in ("ADDED", "MODIFIED"):
            return Rows(resource, self._source.translate([event.body])[0], now)
        if event.type == "DELETED":
            key = self._source.key(event.body)
            return Rows(resource, {key: None}, now, {key: event.body})
        return Bookmark(resource, now)

    def _say(self, message: Message) -> None:
        self._emit(message, self._stopping)
