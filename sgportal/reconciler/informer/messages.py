"""What the threads that read say to the one that writes, and the queue between them."""

import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

ROWS_PER_BATCH = 500
MOST_ROWS = 2000  # that wait for the writer
GATHER_SECONDS = 0.02  # how long a batch waits for company: short against what a person notices
FIRST_SECONDS = 0.005  # how long what goes first does
# Where so many came within that time, a batch waits longer: each takes a dozen statements, however many rows it has.
BUSY_ROWS, BUSY_SECONDS = 5, 0.2


class Message(Protocol):
    """What any of them says: which resource it is about. Others may add messages of their own."""

    @property
    def resource(self) -> str:
        """The plural of a kind, or the name of something that is discovered."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Objects of a resource as they are now, by key; None: gone. `deleted` has the last state of those that the watch
    saw being deleted, by key; of what a list merely lacks there is none."""

    resource: str
    rows: Mapping[str, Any]
    at: datetime
    deleted: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replaced:
    """Every page of a list was sent; `keys` are all there are, so any other is gone."""

    resource: str
    keys: Collection[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The cluster answered; nothing changed."""

    resource: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rewound:
    """The cluster went back to an earlier version: what is known by version or generation is no longer so. A list
    follows."""

    resource: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The resource cannot be read."""

    resource: str
    error: str


@dataclass(frozen=True, slots=True)
class NotServed:
    """The cluster does not know the resource."""

    resource: str


class Inbox:
    """A queue that holds so many objects and no more: readers wait while the writer is behind, so memory stays bounded
    in a burst, and while a hundred thousand objects are listed. What is said of the resources in `first` (workloads are
    made of it) does not wait for all else; of each resource the order stays."""

    def __init__(self, first: Collection[str] = (), most: int = MOST_ROWS) -> None:
        self._first: deque[Message] = deque()
        self._others: deque[Message] = deque()
        self._resources, self._most, self._rows = frozenset(first), most, 0
        self._took_first = False
        self._changed = threading.Condition()

    def put(self, message: Message, stopping: threading.Event) -> None:
        """Add a message, waiting for room; not at all once `stopping` is set."""
        with self._changed:
            while self._rows >= self._most:
                self._changed.wait(0.5)
                if stopping.is_set():
                    return
            if stopping.is_set():
                return
            (self._first if message.resource in self._resources else self._others).append(message)
            self._rows += _size(message)
            self._changed.notify_all()

    def take(self, seconds: float) -> list[Message]:
        """The next messages: whatever is there shortly after the first, none after so many seconds. Those of the first
        resources go alone, but not twice in a row, so that the others are not kept waiting by them."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._first or self._others, seconds):
                return []
            self._gather()
            self._took_first = bool(self._first) and not self._took_first
            lanes = [self._first] if self._took_first else [self._first, self._others]
            batch: list[Message] = []
            count = 0
            for lane in lanes:
                while lane and count < ROWS_PER_BATCH:
                    batch.append(lane.popleft())
                    count += _size(batch[-1])
            self._rows -= count
            self._changed.notify_all()
            return batch

    def _gather(self) -> None:
        """Wait for company; longer where there is much, but for what goes first."""
        self._wait_unless_first(GATHER_SECONDS)
        if self._rows >= BUSY_ROWS:
            self._wait_unless_first(BUSY_SECONDS - GATHER_SECONDS)
        if self._first:
            self._changed.wait_for(self._is_full, FIRST_SECONDS)

    def _wait_unless_first(self, seconds: float) -> None:
        self._changed.wait_for(lambda: self._is_full() or self._first, seconds)

    def _is_full(self) -> bool:
        return self._rows >= ROWS_PER_BATCH


def _size(message: Message) -> int:
    return max(1, len(message.rows)) if isinstance(message, Rows) else 1
