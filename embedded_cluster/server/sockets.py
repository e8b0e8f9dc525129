"""WebSockets (RFC 6455), as far as Kubernetes speaks them to a container (`v4.channel.k8s.io`): each message of the
server's begins with the number of the stream that it is of. Nothing that a client sends is read, but that it closes."""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from ..objects.errors import ApiError
from ..requests.request import Request, Response
from .faults import Dropped

PROTOCOL = "v4.channel.k8s.io"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BINARY, _CLOSE = 2, 8
_NORMAL = (1000).to_bytes(2, "big")


class WebSocketProtocol(asyncio.Protocol):
    """A connection that asks for a WebSocket. uvicorn makes one for each, and hands it the request as text; `respond`
    says how it is answered: by an answer, or by what is written to the streams."""

    def __init__(self, respond: Callable[[Request], Awaitable[Response]], server_state: Any, **_: Any) -> None:
        self.respond = respond
        self.connections = server_state.connections
        self.client: Any = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        """It is there."""
        self.transport = transport
        self.client = transport.get_extra_info("peername")
        self.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """It is gone; what it was for ends."""
        self.connections.discard(self)
        if self._task:
            self._task.cancel()

    def shutdown(self) -> None:
        """The server ends."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """The request; then frames, of which the one that closes counts."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._serve(_request(data)))
        elif data[0] & 0xF == _CLOSE:
            self.transport.close()

    async def _serve(self, request: Request) -> None:
        offered = [each.strip() for each in request.headers.get("sec-websocket-protocol", "").split(",")]
        try:
            response = await self.respond(request)
        except Dropped:
            self.transport.abort()
            return
        if response.frames is not None and PROTOCOL not in offered:
            response = Response.error(ApiError(400, f"unable to negotiate protocol: client supports {offered}"))
        if response.frames is None:
            self.transport.write(_plain(response))
        else:
            self.transport.write(_switched(request))
            async for stream, data in response.frames:
                self.transport.write(_frame(_BINARY, bytes((stream,)) + data))
            self.transport.write(_frame(_CLOSE, _NORMAL))
        self.transport.close()


def _request(data: bytes) -> Request:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, address, _ = first.split(b" ", 2)
    path, _, query = address.partition(b"?")
    headers = [(name, value.strip()) for name, _, value in (each.partition(b":") for each in lines)]
    return Request.of(method.decode(), path.decode(), query, headers, body)


def _plain(response: Response) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} -",
        f"content-type: {response.content_type}",
        f"content-length: {len(response.body)}",
        "connection: close",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + response.body


def _switched(request: Request) -> bytes:
    key = request.headers.get("sec-websocket-key", "") + _GUID
    digest = hashlib.sha1(key.encode(), usedforsecurity=False).digest()
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}",
        f"Sec-WebSocket-Protocol: {PROTOCOL}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


def _frame(kind: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((0x80 | kind, size)) + data
    if size < 2**16:
        return bytes((0x80 | kind, 126)) + size.to_bytes(2, "big") + data
    return bytes((0x80 | kind, 127)) + size.to_bytes(8, "big") + data
