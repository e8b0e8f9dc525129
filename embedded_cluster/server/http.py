"""The wire: an ASGI application served by uvicorn on a loopback port, and what it counts."""

import asyncio
import gzip
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from ..access.authorize import ADMIN
from ..kinds.served import Kinds
from ..objects.errors import ApiError
from ..requests.request import Request, Response, Target, target_of
from .api import Api
from .faults import Dropped, Faults
from .sockets import WebSocketProtocol

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
COMPRESS_ABOVE = 128 * 1024  # bytes; the API server's own threshold
_log = logging.getLogger(__name__)


class Application:
    """The ASGI application. `counts` has the number of requests by (method, plural), `accepted` that of those answered
    with success; watches count as WATCH. `hang_up` closes the connection of a client (host and port) without a word."""

    def __init__(self, api: Api, faults: Faults, kinds: Kinds) -> None:
        self.api = api
        self.faults = faults
        self.kinds = kinds
        self.counts: Counter[tuple[str, str]] = Counter()
        self.accepted: Counter[tuple[str, str]] = Counter()
        self.hang_up: Callable[[Any], None] = lambda _: None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            request = Request.of(
                scope["method"], scope["path"], scope["query_string"], scope["headers"], await _body(receive)
            )
            effect, response = await self._respond(request)
        except Dropped:
            self.hang_up(scope["client"])
            return
        except Exception:
            effect, response = "", _failed(scope["method"], scope["path"])
        await _send(response, send, receive, cut=effect == "truncate")

    async def answer(self, request: Request) -> Response:
        """The answer to who asks for a WebSocket. Raises Dropped."""
        try:
            return (await self._respond(request))[1]
        except Dropped:
            raise
        except Exception:
            return _failed(request.method, request.path)

    async def _respond(self, request: Request) -> tuple[str, Response]:
        """What is to be done to the answer, and the answer."""
        try:
            user = self.api.tokens.user(request)
            if request.path == "/__faults__" and user == ADMIN:
                return "", self._control(request)
            target = target_of(request.path, self.kinds)
            counted = _counted(request, target)
            self.counts[counted] += 1
            effect = await self.faults.strike(request, target)
            response = self.api.handle(request, user)
            self.accepted[counted] += 1
        except ApiError as error:
            return "", Response.error(error)
        if effect == "empty":
            _empty(response)
        _compress(request, response)
        return effect, response

    def _control(self, request: Request) -> Response:
        """`POST /__faults__` with a list of rules (`Faults.add`'s arguments) adds them, `DELETE` clears all."""
        if request.method == "DELETE":
            self.faults.clear()
            return Response.of({})
        if request.method != "POST":
            raise ApiError(405, "faults are set by POST and cleared by DELETE")
        try:
            for rule in orjson.loads(request.body):
                self.faults.add(**rule)
        except (ValueError, TypeError) as error:
            raise ApiError(400, f"faults: {error}") from None
        return Response.of({})


def _failed(method: str, path: str) -> Response:
    _log.exception("%s %s failed", method, path)
    return Response.error(ApiError(500, "the embedded cluster failed; its log says why"))


def _counted(request: Request, target: Target | None) -> tuple[str, str]:
    method = "WATCH" if request.flag("watch") else request.method
    return method, target.kind.plural if target else request.path


def _empty(response: Response) -> None:
    """Leave the items out of a list: what an API server says whose store, or whose cache of it, has lost them."""
    body = orjson.loads(response.body) if response.stream is None else {}
    for place in ("items", "rows"):
        if place in body:
            body[place] = []
            body["metadata"].pop("continue", None)
            response.body = orjson.dumps(body)


def _compress(request: Request, response: Response) -> None:
    """gzip a large answer where the caller takes it, as the API server does."""
    if len(response.body) > COMPRESS_ABOVE and "gzip" in request.headers.get("accept-encoding", ""):
        response.body = gzip.compress(response.body, 1)
        response.headers["Content-Encoding"] = "gzip"


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(response: Response, send: Send, receive: Receive, cut: bool) -> None:
    headers = [(b"content-type", response.content_type.encode())]
    headers += [(key.encode(), value.encode()) for key, value in response.headers.items()]
    if response.stream is None:
        headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        body = response.body[: len(response.body) // 2] if cut else response.body
        await send({"type": "http.response.body", "body": body, "more_body": cut})
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        await _pump(response.stream, send, leaving)
    finally:
        leaving.cancel()
        await response.stream.aclose()  # type: ignore[attr-defined]


async def _pump(stream: Any, send: Send, leaving: "asyncio.Future[None]") -> None:
    while True:
        chunk = asyncio.ensure_future(anext(stream, None))
        await asyncio.wait((chunk, leaving), return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            chunk.cancel()
            await asyncio.gather(chunk, return_exceptions=True)
            return
        data = chunk.result()
        if data is None:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await send({"type": "http.response.body", "body": data, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Listener:
    """uvicorn on a loopback port, which can be closed and opened again."""

    def __init__(self, application: Application, cert: Path, key: Path, port: int) -> None:
        self._application = application
        self._tls = {"ssl_certfile": str(cert), "ssl_keyfile": str(key)}
        self.port = port
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen; the first time a free port is taken where none was given."""
        # With the protocol left out, asyncio would not switch Nagle's algorithm off: 40 ms for every answer.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]

        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            if self._server is server:
                await self._application(scope, receive, send)
            else:  # its handshake was under way when the port was closed
                _hang_up(server, scope["client"])

        config = uvicorn.Config(
            application,
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
            access_log=False,
            ws=partial(WebSocketProtocol, self._application.answer),  # type: ignore[arg-type]
            **self._tls,  # type: ignore[arg-type]
        )
        server = self._server = uvicorn.Server(config)
        self._application.hang_up = partial(_hang_up, server)
        config.load()
        self._task = asyncio.ensure_future(server._serve([listening]))
        while not server.started:
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Close the port and every connection."""
        server, self._server = self._server, None
        if server and self._task:
            server.should_exit = True
            server.force_exit = True
            for connection in list(server.server_state.connections):
                connection.transport.abort()
            await self._task


def _hang_up(server: uvicorn.Server, client: Any) -> None:
    for connection in list(server.server_state.connections):
        if connection.client == client:  # type: ignore[union-attr]
            connection.transport.abort()
