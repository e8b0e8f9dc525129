"""What the web process does before Django sees a request, and when it is asked to end."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from io import BytesIO
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.template import loader
from django.utils import translation
from django.utils.translation import gettext

from .. import tracing
from ..core.documents import MAX_BYTES, TOO_LARGE
from ..core.text import say
from .events import streams
from .events.seats import SEAT, Seat
from .http.address import BASE
from .http.problems import Refusal, answer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[..., Awaitable[None]]  # (scope, receive, send); frameworks type the three differently

# More than the largest manifest, form encoding included; what is above the manifest's own limit Django refuses.
MOST = 4 * MAX_BYTES
BODY_SECONDS = 20.0  # for a body to arrive whole
# The kubelet and Prometheus, who ask these, call a pod by its address, which no ALLOWED_HOSTS can list. The answers
# name no host.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_LARGE = Refusal(413, TOO_LARGE)


def served(application: App) -> App:
    """The application, shielded from bodies so large or so slow that merely receiving them would fill the disk or hold
    the process, and able to end its streams when the server is asked to end."""
    limited, prepared = within_limits(application), False

    async def prepare_once(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal prepared
        if not prepared:
            prepared = True
            tracing.begin("web", settings.SGPORTAL_CLUSTER_NAME)
            _end_streams_on_signals()  # not earlier: servers set their own handlers after they load us
        await limited(scope, receive, send)

    return prepare_once


def within_limits(application: App) -> App:
    """The application, shielded from bodies that are too large or too slow; each request brings the seat that a stream
    of events takes."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
        elif _announced(scope) > MOST:
            await _refuse(scope, send, _LARGE)
        else:
            await _serve(application, scope, receive, send)

    return limited


async def _serve(application: App, scope: Scope, receive: Receive, send: Send) -> None:
    body, seat, begun = _Body(receive), Seat(), False

    async def noted(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await application({**_by_name(scope), SEAT: seat}, body.receive, noted)
    finally:
        seat.leave()
    if body.refusal and not begun:
        await _refuse(scope, send, body.refusal)


def _by_name(scope: Scope) -> Scope:
    """A request for one of PROBES, as if it had called us by a name of ours."""
    if scope["path"] not in PROBES or not settings.ALLOWED_HOSTS:
        return scope
    name = settings.ALLOWED_HOSTS[0].lstrip(".").replace("*", "localhost")
    headers = [each for each in scope["headers"] if each[0] != b"host"]
    return {**scope, "headers": [*headers, (b"host", name.encode("ascii"))]}


def _announced(scope: Scope) -> int:
    text = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(text) if text.isdigit() else 0


class _Body:
    """The messages of a request. A body that grows beyond the limit, or is not there in time, counts as a caller who
    has hung up; `refusal` is what the caller is told."""

    refusal: Refusal | None = None

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        self._received, self._whole = 0, False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # waits for the caller to hang up, however long
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            text = say("the body was not received within %(seconds)s seconds", seconds=int(BODY_SECONDS))
            return self._hung_up(Refusal(408, text))
        self._received += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return self._hung_up(_LARGE) if self._received > MOST else message

    def _hung_up(self, refusal: Refusal) -> Message:
        self.refusal = refusal
        return {"type": "http.disconnect"}


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer in Django's stead, in the caller's language, and end the connection."""
    request = ASGIRequest(dict(scope), BytesIO())
    with translation.override(translation.get_language_from_request(request)):
        told = answer(request, refusal) if request.path.startswith(BASE) else _page(refusal)
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in told.items()]
    headers += [(b"content-length", b"%d" % len(told.content)), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": told.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": told.content})


def _page(refusal: Refusal) -> HttpResponse:
    page = loader.render_to_string("refused.html", {"sentence": refusal.sentence.render(gettext)})
    return HttpResponse(page, status=refusal.status, headers={"Cache-Control": "no-store"})


def _end_streams_on_signals() -> None:
    """When the server is asked to end by a signal, end the streams too: they would keep it waiting."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before) and before is not signal.default_int_handler:
            signal.signal(number, _closing_first(before))


def _closing_first(before: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], Any]:
    def handle(number: int, frame: FrameType | None) -> Any:
        streams.close()
        return before(number, frame)

    return handle
