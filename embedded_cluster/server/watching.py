"""The stream of a watch."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..kinds.served import Kind
from ..objects.store import Change, Store
from ..objects.values import Object
from .faults import Faults

BATCH = 500  # events sent in one chunk
TOO_SLOW = 50_000  # events that may wait for a slow reader before its watch is ended


def bookmark(kind: Kind, version: int, initial_events_end: bool = False) -> bytes:
    """A bookmark: the version up to which all is said; or that all initial events are (KEP-3157)."""
    metadata: Object = {"resourceVersion": str(version), "creationTimestamp": None}
    if initial_events_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    body = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
    return orjson.dumps({"type": "BOOKMARK", "object": body}) + b"\n"


@dataclass
class Watch:
    """The changes of one kind, as they come, for `seconds`, with a bookmark where nothing else was to be said for
    `bookmark_every` seconds; from its making on it misses none."""

    store: Store
    kind: Kind
    faults: Faults
    encode: Callable[[Change], bytes]
    seconds: float
    bookmarks: bool
    bookmark_every: float
    _queue: "asyncio.Queue[Change | bytes | None]" = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self._stop = self.store.listen(self._note)
        self.faults.watches.add(self)

    def __hash__(self) -> int:
        return id(self)

    def _note(self, change: Change) -> None:
        if change.key != self.kind.key:
            return
        if self._queue.qsize() > TOO_SLOW:
            self.end()
        else:
            self._queue.put_nowait(change)

    def begin(self, changes: Iterable[Change]) -> None:
        """Say these changes first."""
        for change in changes:
            self._queue.put_nowait(change)

    def say(self, line: bytes, last: bool = False) -> None:
        """Say a line in its turn, and perhaps nothing after it."""
        self._queue.put_nowait(line)
        if last:
            self._queue.put_nowait(None)

    def end(self) -> None:
        """End the stream as soon as what waits is said."""
        self._release()
        self._queue.put_nowait(None)

    def _release(self) -> None:
        if self in self.faults.watches:
            self.faults.watches.discard(self)
            self._stop()

    async def stream(self) -> AsyncIterator[bytes]:
        """The lines, in chunks."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.seconds
        try:
            while loop.time() < end:
                chunk, over = await self._next(min(self.bookmark_every, end - loop.time()))
                if chunk is None and self.bookmarks:
                    chunk = bookmark(self.kind, self.store.version)
                if chunk and not self.faults.half_open:
                    yield chunk
                if over:
                    return
        finally:
            self._release()

    async def _next(self, wait: float) -> tuple[bytes | None, bool]:
        """What waits in the queue, encoded (None where nothing came in time), and whether that was all."""
        try:
            item = await asyncio.wait_for(self._queue.get(), max(wait, 0.01))
        except TimeoutError:
            return None, False
        lines: list[bytes] = []
        while item is not None:
            lines.append(item if isinstance(item, bytes) else self.encode(item))
            if len(lines) == BATCH or self._queue.empty():
                return b"".join(lines), False
            item = self._queue.get_nowait()
        return b"".join(lines), True


def end_all(watches: "set[Any]") -> None:
    """End these watches."""
    for watch in list(watches):
        watch.end()
