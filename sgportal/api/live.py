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
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import orjson
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections, connection, connections
from django.http.response import HttpResponseBase, StreamingHttpResponse
from rest_framework import renderers
from rest_framework.request import Request

from ..core.text import say
from ..models import Journal
from .operations import Parameter, operation
from .problems import Refusal
from .views import PortalView

log = logging.getLogger(__name__)
POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 2.0  # a page takes a stream that is silent for longer as lost
LIFE_SECONDS = 900.0  # then the caller reconnects and is asked again who it is
MOST_STREAMS = 200
SEAT = "sgportal.seat"  # where a request's scope has its seat
BACKLOG = 1000
OVERLAP = 50  # revisions that a database may show late, because their transactions were slower
_closing = threading.Event()


def close() -> None:
    """End every stream of this process soon: the server is going."""
    _closing.set()


def reopen() -> None:
    """Take streams again, for a server that starts in the same process."""
    _closing.clear()


class Seat:
    """A request's place among the open streams of this process. It is taken by the view and left when the request is
    over, however that ends: a caller may be gone before the stream has begun."""

    _lock = threading.Lock()
    _taken = 0

    def __init__(self) -> None:
        self._may_take, self._is_ours = True, False

    @classmethod
    def taken(cls) -> int:
        """How many are taken."""
        return cls._taken

    def take(self) -> bool:
        """Take it; False where all are taken, or the request is over."""
        with Seat._lock:
            if self._may_take and Seat._taken < MOST_STREAMS:
                self._may_take, self._is_ours = False, True
                Seat._taken += 1
            return self._is_ours

    def leave(self) -> None:
        """The request is over."""
        with Seat._lock:
            Seat._taken -= self._is_ours
            self._may_take = self._is_ours = False


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


class Hub:
    """Reads the journal while there are streams, and hands what is new to each."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Change]] = set()
        self._recent: deque[Change] = deque(maxlen=BACKLOG)
        self._reader: asyncio.Task[None] | None = None

    def join(self, revision: int) -> "asyncio.Queue[Change]":
        """A queue of what is new behind a revision."""
        queue: asyncio.Queue[Change] = asyncio.Queue(BACKLOG)
        running = self._reader is not None and not self._reader.done()
        for change in self._recent if running else ():
            if change.id > revision:
                self._hand(queue, change)
        self._queues.add(queue)
        if not running:
            # A context of its own: the request's would bind the reader to a thread that ends with the request.
            loop = asyncio.get_running_loop()
            self._reader = loop.create_task(self._read(revision), context=contextvars.Context())
        return queue

    def leave(self, queue: "asyncio.Queue[Change]") -> None:
        """The stream of this queue has ended."""
        self._queues.discard(queue)

    async def _read(self, revision: int) -> None:
        self._recent.clear()
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="journal") as thread:
            try:
                found = await loop.run_in_executor(thread, _look, revision)
                found = [change for change in found if change.id <= revision]
                while self._queues and not _closing.is_set():
                    known = {change.id for change in found}
                    found = await loop.run_in_executor(thread, _look, revision)
                    self._spread(change for change in found if change.id not in known)
                    revision = max((revision, *(change.id for change in found)))
                    await asyncio.sleep(POLL_SECONDS)
            finally:
                self._spread([END])
                thread.submit(connection.close)

    def _spread(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._recent.append(change)
            for queue in self._queues:
                self._hand(queue, change)

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


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


async def stream(revision: int, missed: list[Change], resync: bool) -> AsyncIterator[bytes]:
    """The bytes of one stream: where it stands, what was missed, then what is new, with a sign of life when idle."""
    hub = _hubs.setdefault(asyncio.get_running_loop(), Hub())
    queue = hub.join(revision)
    ends = time.monotonic() + LIFE_SECONDS
    try:
        yield b"retry: 3000\nid: %d\n\n" % revision + (_resync(revision) if resync else _frames(missed))
        while time.monotonic() < ends:
            changes = await _next(queue)
            if END in changes:
                return
            revision = max((revision, *(change.id for change in changes)))
            if RESYNC in changes:
                yield _resync(revision)
            else:
                yield _frames(changes) if changes else BEAT
    finally:
        hub.leave(queue)


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


def _frames(changes: Iterable[Change]) -> bytes:
    """The events of these changes; of several about one thing only the last."""
    latest = {(change.kind, change.key): change for change in changes}
    return b"".join(change.frame() for change in sorted(latest.values(), key=lambda change: change.id))


def _resync(revision: int) -> bytes:
    return b"id: %d\nevent: resync\ndata: {}\n\n" % revision


class EventStreamRenderer(renderers.BaseRenderer):
    """`text/event-stream`; it only takes part in content negotiation."""

    media_type = "text/event-stream"
    format = "events"


LAST = Parameter("lastEventId", "As the header `Last-Event-ID`, for the first connection of an EventSource.")


class Events(PortalView):
    """The stream of what changes."""

    http_method_names = ("get",)
    renderer_classes = (EventStreamRenderer,)

    @operation("Follow what changes", takes=(LAST,), answers={200: EventStreamRenderer.media_type})
    def get(self, request: Request) -> HttpResponseBase:
        """Server-sent events: `id` is the journal's revision, data is `{kind, key}`. Reconnect with `Last-Event-ID` to
        go on where you were; `event: resync` says that too much was missed: read afresh. `event: beat` comes every two
        seconds in which nothing changed: a stream without one is lost."""
        if not isinstance(request._request, ASGIRequest):
            raise Refusal(503, say("this server cannot stream"), headers={"Retry-After": "60"})
        seat: Seat = request._request.scope[SEAT]
        if _closing.is_set() or not seat.take():
            raise Refusal(503, say("too many streams are open; try again later"), headers={"Retry-After": "10"})
        start = _start(request.headers.get("Last-Event-ID") or self.query["lastEventId"])
        connections.close_all()  # a stream lasts for minutes; the hub asks for all of them
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(stream(*start), content_type="text/event-stream", headers=headers)


def _start(last: str) -> tuple[int, list[Change], bool]:
    """Where a stream begins, what its caller missed, and whether that is more than can be told."""
    newest = Journal.newest()
    if not last:
        return newest, [], False
    oldest = Journal.objects.order_by("pk").values_list("pk", flat=True).first() or 0
    if not (last.isascii() and last.isdecimal()) or not oldest - 1 <= int(last[:18]) <= newest:
        return newest, [], True
    missed = changes_after(int(last), BACKLOG + 1)
    return max([newest, *(change.id for change in missed)]), missed, len(missed) > BACKLOG
