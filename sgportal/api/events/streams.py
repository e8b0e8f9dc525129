"""What changes, as it changes: server-sent events from the journal.

One reader per event loop asks the database and hands what is new to every stream, so a hundred open pages cost one
query. An event is a hint that names a thing; whoever wants to know more reads that thing.
"""

import asyncio
import contextvars
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import orjson
from django.db import DatabaseError, close_old_connections, connection

from ...core.access.scope import NOTHING, Scope
from ...models import Journal
from ...models.scopes.selected import settle_each

log = logging.getLogger(__name__)
POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 2.0  # a page takes a stream that is silent for longer as lost
LIFE_SECONDS = 900.0  # then the caller reconnects and is asked again who it is
BACKLOG = 1000
OF_NODES = {"node", "unit"}  # kinds of changes after which other NodeUnits may have the labels of a selector
OVERLAP = 50  # revisions that a database may show late, because their transactions were slower
_closing = threading.Event()


def close() -> None:
    """End every stream of this process soon: the server is going."""
    _closing.set()


def is_closing() -> bool:
    """Whether the server is going."""
    return _closing.is_set()


def reopen() -> None:
    """Take streams again, for a server that starts in the same process."""
    _closing.clear()


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the journal."""

    id: int
    kind: str
    key: str

    def frame(self) -> bytes:
        """The change as an event."""
        data = orjson.dumps({"kind": self.kind, "key": self.key})
        return b"id: %d\ndata: %s\n\n" % (self.id, data)


RESYNC = Change(0, "", "")
END = Change(-1, "", "")
BEAT = b"event: beat\ndata: {}\n\n"


def changes_after(revision: int, limit: int) -> list[Change]:
    """The journal's lines behind a revision, in order."""
    rows = Journal.objects.filter(pk__gt=revision).order_by("pk").values_list("pk", "kind", "key")
    return [Change(*row) for row in rows[:limit]]


@dataclass(eq=False, slots=True)
class Listener:
    """One stream: what it has yet to tell, and of what. `granted` is the scope of who listens, `scope` the same as the
    labels of nodes are now; `is_late`: it is not known whether it is."""

    granted: Scope
    scope: Scope
    is_late: bool = True
    queue: "asyncio.Queue[Change]" = field(default_factory=lambda: asyncio.Queue(BACKLOG))


class Hub:
    """Reads the journal while there are streams, and hands what is new to each."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._recent: deque[Change] = deque(maxlen=BACKLOG)
        self._reader: asyncio.Task[None] | None = None

    def join(self, revision: int, scope: Scope, granted: Scope) -> Listener:
        """Listen for what is new behind a revision."""
        listener = Listener(granted, scope, not granted.is_settled)
        running = self._reader is not None and not self._reader.done()
        for change in self._recent if running else ():
            if change.id > revision:
                self._hand(listener.queue, change)
        self._listeners.add(listener)
        if not running:
            # A context of its own: the request's would bind the reader to a thread that ends with the request.
            loop = asyncio.get_running_loop()
            self._reader = loop.create_task(self._read(revision), context=contextvars.Context())
        return listener

    def leave(self, listener: Listener) -> None:
        """This stream has ended."""
        self._listeners.discard(listener)

    async def _read(self, revision: int) -> None:
        self._recent.clear()
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="journal") as thread:
            try:
                found = await loop.run_in_executor(thread, _look, revision)
                found = [change for change in found if change.id <= revision]
                while self._listeners and not _closing.is_set():
                    known = {change.id for change in found}
                    found = await loop.run_in_executor(thread, _look, revision)
                    new = [change for change in found if change.id not in known]
                    if late := self._late(any(change.kind in OF_NODES for change in new)):
                        self._settle(
                            late, await loop.run_in_executor(thread, _settled, {each.granted for each in late})
                        )
                    self._spread(new)
                    revision = max((revision, *(change.id for change in found)))
                    await asyncio.sleep(POLL_SECONDS)
            finally:
                self._spread([END])
                thread.submit(connection.close)

    def _spread(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._recent.append(change)
            for listener in self._listeners:
                self._hand(listener.queue, change)

    def _late(self, have_nodes_changed: bool) -> list[Listener]:
        """The listeners of whom it must be asked anew which NodeUnits are in their scope."""
        return [
            each for each in self._listeners if each.is_late or (have_nodes_changed and not each.granted.is_settled)
        ]

    def _settle(self, late: Iterable[Listener], now: Mapping[Scope, Scope]) -> None:
        """Have them told of what is in their scope from now on. What they show may be out of it: they read it afresh.
        While that is not known they are told of nothing."""
        for listener in late:
            scope, listener.is_late = now.get(listener.granted, NOTHING), listener.granted not in now
            if scope != listener.scope:
                listener.scope = scope
                self._hand(listener.queue, RESYNC)

    @staticmethod
    def _hand(queue: "asyncio.Queue[Change]", change: Change) -> None:
        if queue.full():
            while not queue.empty():
                queue.get_nowait()
            change = change if change is END else RESYNC
        queue.put_nowait(change)


def _look(revision: int) -> list[Change]:
    close_old_connections()
    try:
        return changes_after(max(revision - OVERLAP, 0), BACKLOG)
    except DatabaseError as error:
        log.warning("the journal cannot be read now: %s", error)
        return []


def _settled(granted: Collection[Scope]) -> dict[Scope, Scope]:
    try:
        return settle_each(granted)
    except DatabaseError as error:
        log.warning("the labels of nodes cannot be read now: %s", error)
        return {}


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


async def stream(
    revision: int, missed: list[Change], resync: bool, scope: Scope, granted: Scope | None = None
) -> AsyncIterator[bytes]:
    """The bytes of one stream: where it stands, what was missed, then what is new, with a sign of life when idle. Told
    of is what is in `scope`, and, where that is what `granted` comes to by the labels of nodes, in what it comes to
    by what they are then."""
    hub = _hubs.setdefault(asyncio.get_running_loop(), Hub())
    listener = hub.join(revision, scope, granted or scope)
    ends = time.monotonic() + LIFE_SECONDS
    try:
        yield b"retry: 3000\nid: %d\n\n" % revision + (_resync(revision) if resync else _frames(missed, scope))
        while time.monotonic() < ends:
            changes = await _next(listener.queue)
            if END in changes:
                return
            revision = max((revision, *(change.id for change in changes)))
            if RESYNC in changes:
                yield _resync(revision)
            else:
                yield _frames(changes, listener.scope) or BEAT
    finally:
        hub.leave(listener)


async def _next(queue: "asyncio.Queue[Change]") -> list[Change]:
    """What is in the queue, waiting for it; nothing after a heartbeat's time."""
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            found = [await queue.get()]
    except TimeoutError:
        return []
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


def _frames(changes: Iterable[Change], scope: Scope) -> bytes:
    """The events of these changes in a scope; of several about one thing only the last."""
    told = [(change.id, scope.told(change.kind, change.key)) for change in changes]
    latest = {each: Change(number, *each) for number, each in told if each}
    return b"".join(change.frame() for change in sorted(latest.values(), key=lambda change: change.id))


def _resync(revision: int) -> bytes:
    return b"id: %d\nevent: resync\ndata: {}\n\n" % revision
