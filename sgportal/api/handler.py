"""Django's handler for ASGI, with one thread for a request, and none for a stream.

Django's own runs each middleware that can as a coroutine, and hops to the request's thread and back for each of its two
halves: a request of ours then hops seventeen times, which costs more than what it asks for. It also keeps that thread
as long as the answer lasts: a hundred browsers that listen are a hundred threads that do nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from .events.answer import EventStream

log = logging.getLogger(__name__)
AT_A_TIME = (
    64  # requests with a thread each; more of them only wait for one another, and for connections to the database
)
NEVER_WAIT = frozenset({"/healthz", "/readyz", "/metrics"})
STUCK_SECONDS = 60.0  # that a reader of a stream may take nothing

_places: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]" = WeakKeyDictionary()


class Handler(ASGIHandler):
    """Answers a request in one thread; what follows from an `EventStream` is sent after that thread has gone."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002 - Django asks for coroutines
        """The chain of middlewares, all of them plain functions."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The answer of that chain, worked out in the request's thread; in its turn, where many ask at once."""
        places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_A_TIME))
        async with contextlib.nullcontext() if request.path in NEVER_WAIT else places:
            return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, then tell a stream's reader what it is to be told until either of the two ends it."""
        sending = _Sending(send)
        await super().__call__(scope, receive, sending)
        if sending.rest is not None:
            await self._follow(sending.rest, receive, send)

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        """Send an answer; of an `EventStream` only its head."""
        if not isinstance(response, EventStream) or not isinstance(send, _Sending):
            await super().send_response(response, send)
            return
        head = HttpResponse(status=response.status_code, headers=dict(response.items()))
        head.cookies = response.cookies
        await super().send_response(head, send.head)
        send.rest = response.detached()

    async def _follow(self, content: AsyncIterator[bytes], receive: Any, send: Any) -> None:
        async with aclosing(content):  # type: ignore[type-var]
            tasks = [asyncio.create_task(each) for each in (self.listen_for_disconnect(receive), _tell(content, send))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, RequestAborted):
                        await task


class _Sending:
    """Where an answer is sent, and what is still to be sent of it after its request is over."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self.rest: AsyncIterator[bytes] | None = None

    async def __call__(self, message: Any) -> None:
        await self._send(message)

    async def head(self, message: Any) -> None:
        """Send it where it is not the body."""
        if message["type"] == "http.response.start":
            await self._send(message)


async def _tell(content: AsyncIterator[bytes], send: Any) -> None:
    async for part in content:
        try:
            async with asyncio.timeout(STUCK_SECONDS):
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except TimeoutError:
            log.info("the reader of a stream has taken nothing for %.0f s: it ends", STUCK_SECONDS)
            return
    await send({"type": "http.response.body"})
