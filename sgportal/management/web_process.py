"""The web process as a thread. Apart from the other `processes`, which in production do without uvicorn: it takes 3 MiB
in each."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn


class WebServer(uvicorn.Server):
    """uvicorn without its own signal handling: the process that runs it decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to serve."""
        from ..api.events import streams

        streams.reopen()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the event streams, which would never end by themselves, then the rest."""
        from ..api.events import streams

        streams.close()
        await super().shutdown(sockets)


def web_server() -> WebServer:
    """The web process, to be run on a socket that is already bound. Open streams get two seconds to end."""
    return WebServer(
        uvicorn.Config(
            "sgportal.asgi:application",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # whom to believe is SGPORTAL_TRUSTED_PROXIES' affair
            timeout_graceful_shutdown=2,
            timeout_keep_alive=30,
        )
    )


def loopback_socket(port: int) -> socket:
    """A socket bound to `port` on 127.0.0.1. Raises OSError where it is taken."""
    from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET

    bound = socket(AF_INET, SOCK_STREAM)
    bound.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound
