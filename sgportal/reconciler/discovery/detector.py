"""How the watch notices SuperEdge's controller: a thread looks for it again and again, and what is mirrored anyway may
bear its mark. The same thread looks at the cluster's data plane."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...cluster import Cluster, ClusterError
from ...core.grids.kinds import KINDS
from ...models import Child
from ...queries.standing import Standing
from ..informer.messages import Message
from .dataplane import Inspection, Inspector
from .superedge import ControllerObservation, latest_write, look, note

log = logging.getLogger(__name__)
EVERY_SECONDS = 15.0
ASK_SECONDS = 1.0  # how old an answer of our rows may be
_TELLING = {name for kind in KINDS.values() for name in (kind.plural, kind.child_plural)}


@dataclass(frozen=True, slots=True)
class ControllerObserved:
    """What was seen of SuperEdge's controller."""

    sight: ControllerObservation
    resource: str = "superedge"


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was seen of the data plane."""

    seen: Inspection
    resource: str = "dataplane"


class Detection:
    """What the watch's own thread gathers about SuperEdge's controller, and writes to the rows within its transaction.
    If that fails the same batch comes again, so nothing is forgotten before `saved`. `may_write` is whether our rows
    let us write, a second old at most."""

    def __init__(self) -> None:
        self._sight: ControllerObservation | None = None
        self._wrote: float | None = None  # its latest write we came across
        self._news = False
        self.may_write = Standing.now().may_write
        self._asked = time.monotonic()

    def saw(self, sight: ControllerObservation) -> None:
        """A look is over."""
        self._sight, self._news = sight, True

    def read(self, resource: str, rows: Mapping[str, Any]) -> None:
        """Objects were read; its field manager may stand on them."""
        if resource not in _TELLING:
            return
        wrote = latest_write(row.body if isinstance(row, Child) else row for row in rows.values())
        if wrote is not None and (self._wrote is None or wrote > self._wrote):
            self._wrote, self._news = wrote, True

    def conclude(self) -> None:
        """Write what is new, before anybody acts on the rows of the same transaction."""
        if self._news and self._sight:
            note(self._sight, self._wrote)

    def saved(self) -> None:
        """The transaction is committed."""
        if self._news or time.monotonic() > self._asked + ASK_SECONDS:
            self.may_write, self._asked = Standing.now().may_write, time.monotonic()
        self._news = False


class Detector(threading.Thread):
    """Looks every `every` seconds and says what it saw to `emit`; it never touches the database."""

    def __init__(
        self,
        connect: Callable[[], Cluster],
        emit: Callable[[Message, threading.Event], None],
        witness: Detection,
        every: float = EVERY_SECONDS,
    ) -> None:
        super().__init__(name="watch superedge", daemon=True)
        self._witness = witness
        self._connect = connect
        self._emit = emit
        self._every = every
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._sight: ControllerObservation | None = None
        self._inspector = Inspector()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def run(self) -> None:
        """Look until stopped."""
        while not self._stopping.wait(self._every):
            try:
                self._look(self._connect())
            except ClusterError as error:
                log.info("it is not known now whether SuperEdge's controller runs: %s", error)
            except Exception:
                log.exception("looking for SuperEdge's controller went wrong")

    def look_again(self, cluster: Cluster) -> None:
        """Look now: we changed something ourselves. Raises ClusterError."""
        self._look(cluster)

    def before_list(self, cluster: Cluster) -> None:
        """Have looked once before anything else is read: what is read leads to writes. Raises ClusterError."""
        with self._lock:
            if self._sight is None:
                self._look(cluster)

    def _look(self, cluster: Cluster) -> None:
        self._sight = look(cluster)
        self._emit(ControllerObserved(self._sight), self._stopping)
        try:
            seen = self._inspector.look(cluster, self._sight.version)
            cluster.confirm()
        except ClusterError as error:
            log.info("what was last seen of the data plane stands, for it cannot be looked at: %s", error)
        else:
            self._emit(Inspected(seen), self._stopping)

    @property
    def clear(self) -> bool:
        """Whether nothing speaks against writing to the cluster: neither our rows nor what was last seen."""
        return self._witness.may_write and self._sight is not None and not self._sight.verdict.running
