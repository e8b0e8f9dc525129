"""WebSockets (RFC 6455), as far as Kubernetes speaks them to a container: each message of the server's begins with the
number of the stream that it is of. Of what a client sends, pings are answered and that it closes is noticed; the rest
is input, which no command here reads."""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from ..objects.errors import ApiError
from ..requests.request import Request, Response
from .faults import Dropped

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")  # 5, which kubectl asks for, can also say that input has ended
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BINARY, _CLOSE, _PING, _PONG = 2, 8, 9, 10
_NORMAL = (1000).to_bytes(2, "big")


class WebSocketProtocol(asyncio.Protocol):
    """A connection that asks for a WebSocket. uvicorn makes one for each, and hands it the request as text; `respond`
    says how it is answered: by an answer, or by what is written to the streams."""

    def __init__(self, respond: Callable[[Request], Awaitable[Response]], server_state: Any, **_: Any) -> None:
        self.respond = respond
        self.connections = server_state.connections
        self.client: Any = None
        self._task: asyncio.Task[None] | None = None
        self._unread = b""

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
        """The request; then frames."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._serve(_request(data)))
            return
        found, self._unread = frames(self._unread + data)
        for kind, said in found:
            if kind == _PING:
                self.transport.write(_frame(_PONG, said))
            elif kind == _CLOSE:
                self.transport.close()

    async def _serve(self, request: Request) -> None:
        offered = [each.strip() for each in request.headers.get("sec-websocket-protocol", "").split(",")]
        spoken = next((each for each in offered if each in PROTOCOLS), "")
        try:
            response = await self.respond(request)
        except Dropped:
            self.transport.abort()
            return
        if response.frames is not None and not spoken:
            response = Response.error(ApiError(400, f"unable to negotiate protocol: client supports {offered}"))
        if response.frames is None:
            self.transport.write(_plain(response))
        else:
            self.transport.write(_switched(request, spoken))
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


def _switched(request: Request, protocol: str) -> bytes:
    key = request.headers.get("sec-websocket-key", "") + _GUID
    digest = hashlib.sha1(key.encode(), usedforsecurity=False).digest()
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}",
        f"Sec-WebSocket-Protocol: {protocol}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


def _frame(kind: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((0x80 | kind, size)) + data
    if size < 2**16:
        return bytes((0x80 | kind, 126)) + size.to_bytes(2, "big") + data
    return bytes((0x80 | kind, 127)) + size.to_bytes(8, "big") + data


def frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The frames of a client's that are whole, as kind and content, and what is left of the data."""
    found = []
    while len(data) >= 2:
        size, begin = data[1] & 0x7F, 2
        if size >= 126:
            begin += 2 if size == 126 else 8
            size = int.from_bytes(data[2:begin], "big")
        mask = data[begin : begin + 4] if data[1] & 0x80 else b""
        begin += len(mask)
        end = begin + size
        if len(data) < end or (data[1] & 0x80 and len(mask) < 4):
            break
        plain = bytes(each ^ mask[index % 4] for index, each in enumerate(data[begin:end])) if mask else data[begin:end]
        found.append((data[0] & 0xF, plain))
        data = data[end:]
    return found, data
