"""A live part that many look at is given to them before Django sees their requests: it is the same for all of them, and
to ask the database who each of them is costs ten times as much.

A browser that was given a part by Django has a ticket for it: for half a minute, and only while the process knows from
a moment ago (`access.standing`) that its session may do what it might then. Only who has a stream of events open here
is looked after so; whoever else asks is asked who they are, as are those whose grants go by labels of nodes.
"""

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from .... import tracing
from ....access.callers import Caller
from ....access.standing import standing
from ....core.access.scope import Right
from ....logs.context import bound
from ....logs.request_id import HEADER as REQUEST_ID
from ....logs.request_id import request_named
from ..unchanged import ASKED, Asked, Part, parts, wanted
from .lists import HEADER as SHOWN

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[..., Awaitable[None]]

log = logging.getLogger(__name__)
TICKET_SECONDS = 30.0
MOST_TICKETS = 10_000
WAITS = 2  # for a part in the making: what was begun before somebody asked may be too old for them, the next is not
# All that an answer hangs on besides the path and what `Wanted` has.
_DEPENDS = frozenset({
    b"host", b"cookie", b"authorization", b"accept", b"accept-language", b"hx-request", b"hx-target", b"hx-boosted",
    b"hx-history-restore-request", b"forwarded", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-for",
})  # fmt: skip
_WANTS = (b"if-none-match", SHOWN.lower().encode(), b"accept-encoding")
_ID = REQUEST_ID.lower().encode()
_READS = frozenset({*_WANTS, _ID})
_OF_ONE = frozenset({b"content-length", b"content-encoding", b"cache-control", b"etag", _ID})


@dataclass(frozen=True, slots=True)
class _Ticket:
    about: str
    caller: Caller
    rights: tuple[Right, ...]
    headers: tuple[tuple[bytes, bytes], ...]
    until: float

    def holds(self, now: float) -> bool:
        return now < self.until and standing.holds(self.caller, self.rights)


class Crowd:
    """An application that gives away what the one behind it has made for somebody else."""

    def __init__(self, application: App) -> None:
        self._application = application
        self._tickets: OrderedDict[Any, _Ticket] = OrderedDict()
        self._making: dict[str, asyncio.Future[None]] = {}

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """Answer a request."""
        key = None if tracing.is_on() else _key(scope)
        if key is None:
            await self._application(scope, receive, send)
            return
        began = time.monotonic()
        ticket = self._tickets.get(key)
        if ticket is None or not ticket.holds(began):
            await self._ask(scope, receive, send, key)
            return
        part = parts.fresh(ticket.about, began)
        for _ in range(WAITS):
            if part is None and (made := self._making.get(ticket.about)):
                await asyncio.wait([made])
                part = parts.fresh(ticket.about, began)
        if part is not None:
            await _give(part, ticket, scope, send, began)
        elif ticket.about in self._making:
            await self._ask(scope, receive, send, key)
        else:
            await self._make(ticket.about, scope, receive, send, key)

    async def _make(self, about: str, scope: Scope, receive: Any, send: Send, key: Any) -> None:
        """Have Django make a part, while all others who ask for it wait."""
        made = self._making[about] = asyncio.get_running_loop().create_future()
        try:
            await self._ask(scope, receive, send, key)
        finally:
            del self._making[about]
            made.set_result(None)

    async def _ask(self, scope: Scope, receive: Any, send: Send, key: Any) -> None:
        """Have Django answer, and keep a ticket where it gives one."""
        asked, head = Asked(), []

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.append(message)
            await send(message)

        await self._application({**scope, ASKED: asked}, receive, noted)
        if asked.caller and head and head[0]["status"] in (200, 304):
            headers = tuple((name.lower(), value) for name, value in head[0]["headers"])
            if not any(name == b"set-cookie" for name, _ in headers):
                kept = tuple(each for each in headers if each[0] not in _OF_ONE)
                until = time.monotonic() + TICKET_SECONDS
                self._tickets[key] = _Ticket(asked.about, asked.caller, asked.rights, kept, until)
                self._tickets.move_to_end(key)
                if len(self._tickets) > MOST_TICKETS:
                    self._tickets.popitem(last=False)


def _key(scope: Scope) -> Any:
    """All that the answer to a request for a live part hangs on; None where it asks for anything else."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    headers = scope["headers"]
    if not any(name == b"hx-request" for name, _ in headers):
        return None
    told = tuple(each for each in headers if each[0] in _DEPENDS)
    return scope["path"], scope["query_string"], scope.get("scheme"), told


async def _give(part: Part, ticket: _Ticket, scope: Scope, send: Send, began: float) -> None:
    sent = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _READS}
    asks = wanted(*(sent.get(name, "") for name in _WANTS))
    reply = part.at_hand(asks)
    status, body, more = await asyncio.to_thread(part.reply, asks) if reply is None else reply
    number = request_named(sent.get(_ID)) or uuid.uuid4().hex
    headers = [*ticket.headers, (b"content-length", b"%d" % len(body)), (_ID, number.encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    with bound(requestId=number):
        took = (time.monotonic() - began) * 1000
        log.info("GET %s %s in %.0f ms", scope["path"], status, took)
