"""What the web process does before Django sees a request, and when it is asked to end."""

import signal
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from types import FrameType
from typing import Any

from ..core.documents import MAX_BYTES
from . import live

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[..., Awaitable[None]]  # (scope, receive, send); frameworks type the three differently

# More than the largest manifest, form encoding included; what is above the manifest's own limit Django refuses.
MOST = 4 * MAX_BYTES


def served(application: App) -> App:
    """The application, shielded from bodies so large that merely receiving them would fill the disk, and able to end
    its streams when the server is asked to end."""
    limited, prepared = within_limits(application), False

    async def prepare_once(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal prepared
        if not prepared:
            prepared = True
            _end_streams_on_signals()  # not earlier: servers set their own handlers after they load us
        await limited(scope, receive, send)

    return prepare_once


def within_limits(application: App) -> App:
    """The application, shielded from too large bodies."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
        elif _announced(scope) > MOST:
            await _too_large(send)
        else:
            await application(scope, _counted(receive), send)

    return limited


def _announced(scope: Scope) -> int:
    text = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(text) if text.isdigit() else 0


def _counted(receive: Receive) -> Receive:
    """The same messages; a body that grows beyond the limit ends the connection."""
    received = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return {"type": "http.disconnect"} if received > MOST else message

    return counted


async def _too_large(send: Send) -> None:
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    body = b'{"type":"about:blank","title":"Request Entity Too Large","status":413}'
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


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
        live.close()
        return before(number, frame)

    return handle
