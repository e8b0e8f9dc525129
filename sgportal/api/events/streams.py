"""What changes, as it changes: server-sent events from the journal.

One reader per event loop asks the database and hands what is new to every stream, so a hundred open pages cost one
query, and what they tell alike is written once. An event is a hint that names a thing; whoever wants to know more reads
that thing.
"""

import asyncio
import contextvars
import logging
import random
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakKeyDictionary

from django.db import DatabaseError, close_old_connections, connection

from ...access.callers import Caller
from ...access.scope import OutOfScope, granted_for
from ...access.standing import standing
from ...core.access.scope import NOTHING, Right, Scope
from ...models.scopes.selected import settle_each
from .changes import BEAT, Batch, Change, changes_after, frames, resync
from .listeners import BACKLOG, Listener

log = logging.getLogger(__name__)
POLL_SECONDS = 0.25
CROWD = 50  # streams; so many more are told of changes so many times less often,
SELDOM = 2  # this many times at most: each then hears of more at once
HEARTBEAT_SECONDS = 2.0  # a page takes a stream that is silent for longer as lost
DEAF_SECONDS = (
    4.0  # without an answer of the database, after which there is no sign of life: it would vouch for old news
)
LIFE_SECONDS = 900.0  # at most; then the caller reconnects
RETRY_MS = (1500, 4500)  # until a caller reconnects; not all at once, after the server was away
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


class Hub:
    """Reads the journal while there are streams, and hands what is new to each."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._recent: deque[Change] = deque(maxlen=BACKLOG)
        self._reader: asyncio.Task[None] | None = None
        self._heard = 0.0  # when the journal was last read

    @property
    def is_deaf(self) -> bool:
        """Whether the journal cannot be read, so that what is new is not known."""
        return time.monotonic() - self._heard > DEAF_SECONDS

    def join(self, revision: int, scope: Scope, granted: Scope, caller: Caller | None = None) -> Listener:
        """Listen for what is new behind a revision."""
        listener = Listener(granted, scope, revision, caller, is_late=not granted.is_settled)
        running = self._reader is not None and not self._reader.done()
        if missed := tuple(change for change in self._recent if change.id > revision) if running else ():
            listener.hear(Batch(missed))
        self._listeners.add(listener)
        if not running:
            # A context of its own: the request's would bind the reader to a thread that ends with the request.
            loop = asyncio.get_running_loop()
            self._heard = time.monotonic()
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
                found = [change for change in found or () if change.id <= revision]
                while self._listeners and not _closing.is_set():
                    known = {change.id for change in found}
                    read = await loop.run_in_executor(thread, _look, revision)
                    self._heard = float("-inf") if read is None else time.monotonic()
                    found = found if read is None else read
                    new = [change for change in found if change.id not in known]
                    callers = {each.caller for each in self._listeners if each.caller}
                    self._regrant(await loop.run_in_executor(thread, _rights, callers) if callers else {})
                    if late := self._late(any(change.kind in OF_NODES for change in new)):
                        self._settle(
                            late, await loop.run_in_executor(thread, _settled, {each.granted for each in late})
                        )
                    self._spread(new)
                    revision = max((revision, *(change.id for change in found)))
                    await asyncio.sleep(self._pause(bool(new)))
            finally:
                for listener in self._listeners:
                    listener.end()
                thread.submit(connection.close)

    def _pause(self, told: bool) -> float:
        """Seconds until the next look. What comes after a quiet while is told at once to however many."""
        return POLL_SECONDS * min(max(len(self._listeners) / CROWD, 1), SELDOM) if told else POLL_SECONDS

    def _spread(self, changes: Iterable[Change]) -> None:
        batch = Batch(tuple(changes))
        if not batch.changes:
            return
        self._recent.extend(batch.changes)
        for listener in self._listeners:
            listener.hear(batch)

    def _regrant(self, now: Mapping[Caller, tuple[Right, ...]]) -> None:
        """Have them told of what they may read from now on; who may read nothing any more is told nothing more."""
        for listener in self._listeners:
            if listener.caller is None or listener.caller not in now:
                continue
            try:
                granted = granted_for(now[listener.caller])
            except OutOfScope:
                listener.end()
                continue
            if granted != listener.granted:
                listener.granted, listener.is_late = granted, True

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
                listener.read_afresh()


def _look(revision: int) -> list[Change] | None:
    close_old_connections()
    try:
        return changes_after(max(revision - OVERLAP, 0), BACKLOG)
    except DatabaseError as error:
        log.warning("the journal cannot be read now: %s", error)
        return None


def _rights(callers: Collection[Caller]) -> dict[Caller, tuple[Right, ...]]:
    try:
        return standing.look(callers)
    except DatabaseError as error:
        log.warning("what people may do cannot be read now: %s", error)
        return {}


def _settled(granted: Collection[Scope]) -> dict[Scope, Scope]:
    try:
        return settle_each(granted)
    except DatabaseError as error:
        log.warning("the labels of nodes cannot be read now: %s", error)
        return {}


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


async def stream(
    revision: int,
    missed: list[Change],
    is_behind: bool,
    scope: Scope,
    granted: Scope | None = None,
    caller: Caller | None = None,
) -> AsyncIterator[bytes]:
    """The bytes of one stream: where it stands, what was missed, then what is new, with a sign of life when idle. Told
    of is what is in `scope`, and, where that is what `granted` comes to by the labels of nodes, in what it comes to
    by what they are then. It ends soon after its `caller` may read nothing any more."""
    hub = _hubs.setdefault(asyncio.get_running_loop(), Hub())
    listener = hub.join(revision, scope, granted or scope, caller)
    ends = time.monotonic() + LIFE_SECONDS * random.uniform(0.8, 1)
    try:
        retry = random.randint(*RETRY_MS)
        begun = b"retry: %d\nid: %d\n\n" % (retry, revision)
        yield begun + (resync(revision) if is_behind else frames(missed, scope))
        while time.monotonic() < ends:
            sent = await listener.next(HEARTBEAT_SECONDS)
            if listener.has_ended:
                return
            if sent is BEAT and hub.is_deaf:
                continue
            yield sent
    finally:
        hub.leave(listener)


__all__ = ["BACKLOG", "BEAT", "Change", "Hub", "changes_after", "close", "is_closing", "reopen", "stream"]
