"""What the threads that read say to the one that writes, and the queue between them."""

import queue
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

ROWS_PER_BATCH = 500
GATHER_SECONDS = 0.02  # how long a batch waits for company: short against what a person notices


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
class Failed:
    """The resource cannot be read."""

    resource: str
    error: str


@dataclass(frozen=True, slots=True)
class NotServed:
    """The cluster does not know the resource."""

    resource: str


class Inbox:
    """A bounded queue: readers wait while the writer is behind, so memory stays bounded in a burst."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Message] = queue.Queue(maxsize=2000)

    def put(self, message: Message, stopping: threading.Event) -> None:
        """Add a message, waiting for room; not at all once `stopping` is set."""
        while not stopping.is_set():
            try:
                self._queue.put(message, timeout=0.5)
            except queue.Full:
                continue
            return

    def take(self, seconds: float) -> list[Message]:
        """The next messages in order: whatever is there shortly after the first, none after so many seconds."""
        try:
            batch = [self._queue.get(timeout=seconds)]
        except queue.Empty:
            return []
        count, deadline = _size(batch[0]), time.monotonic() + GATHER_SECONDS
        while count < ROWS_PER_BATCH:
            try:
                batch.append(self._queue.get(timeout=max(deadline - time.monotonic(), 0)))
            except queue.Empty:
                break
            count += _size(batch[-1])
        return batch


def _size(message: Message) -> int:
    return len(message.rows) if isinstance(message, Rows) else 1
