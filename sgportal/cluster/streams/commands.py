"""A command in a container (PodExecOptions, v1), by a WebSocket of Kubernetes' protocol `v4.channel.k8s.io`: the first
byte of a message says which stream it is of; the last one has a Status (meta/v1) that says how the command ended."""

import contextlib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import websocket
from urllib3.util.ssl_ import create_urllib3_context

from ..client import Cluster
from ..errors import Unanswered, Unreachable, error_of
from ..kinds import RESOURCES
from ..transport import CONNECT_SECONDS, parse
from .watching import Silent

PROTOCOL = "v4.channel.k8s.io"
_STREAMS = {1: "stdout", 2: "stderr"}
_STATUS = 3


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that a command wrote to `stdout` or `stderr`."""

    stream: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: with an exit code, or None where it could not be run, for which `message` has the words."""

    exit_code: int | None
    message: str = ""


class Command:
    """A command that runs. `read` gives what there is, waiting for it, and in the end how it ended.

    Close it in the end, from any thread: one that waits is told that the command was broken off. Whoever closes it
    early cuts its streams; whether the command then ends is the container runtime's affair."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection

    def read(self) -> Output | Ended:
        """What comes next. Raises Silent, and Unreachable where the connection breaks before the command has ended."""
        while True:
            try:
                kind, data = self._connection.recv_data()
            except websocket.WebSocketTimeoutException as error:
                raise Silent("nothing was written") from error
            except (websocket.WebSocketException, OSError, ValueError) as error:
                raise Unreachable(f"the connection to the container broke off: {error}") from error
            if kind == websocket.ABNF.OPCODE_CLOSE:
                raise Unreachable("the connection to the container was closed before the command ended")
            if len(data) > 1 and data[0] in _STREAMS:
                return Output(_STREAMS[data[0]], data[1:])
            if len(data) > 1 and data[0] == _STATUS:
                return ended_as(parse(data[1:]))

    def close(self) -> None:
        """Cut it off, unless it has ended."""
        raw: Any = self._connection.sock
        with contextlib.suppress(OSError, ValueError, AttributeError):  # it has ended already
            raw.shutdown(socket.SHUT_RDWR)
        self._connection.shutdown()  # type: ignore[no-untyped-call]


def ended_as(status: Any) -> Ended:
    """What a Status says of the end of a command."""
    if not isinstance(status, dict):
        return Ended(None, "the container's node did not say how the command ended")
    if status.get("status") == "Success":
        return Ended(0)
    causes = (status.get("details") or {}).get("causes") or ()
    code = next((str(each.get("message")) for each in causes if each.get("reason") == "ExitCode"), "")
    return Ended(int(code) if code.isdecimal() else None, str(status.get("message") or ""))


def begin_command(
    cluster: Cluster, namespace: str, pod: str, container: str, words: Sequence[str], silence_seconds: float
) -> Command:
    """Run a command in a container, with nothing to read for it; no silence may last longer than `silence_seconds`.
    Raises a ClusterError."""
    asked = [("container", container), ("stdout", "true"), ("stderr", "true"), *(("command", each) for each in words)]
    path = f"{RESOURCES['Pod'].path(namespace, pod, 'exec')}?{urlencode(asked)}"
    configuration, headers = cluster._transport.for_upgrade()
    try:
        connection = _connected(configuration, path, headers)
    except websocket.WebSocketBadStatusException as error:
        body = parse(error.resp_body or b"")
        waits = (error.resp_headers or {}).get("retry-after")
        raise error_of(error.status_code, body if isinstance(body, dict) else None, waits) from error
    except (websocket.WebSocketException, OSError, ValueError) as error:
        raise Unanswered(str(error)[:300]) from error
    connection.settimeout(silence_seconds)
    return Command(connection)


def _connected(configuration: Any, path: str, headers: Mapping[str, str]) -> websocket.WebSocket:
    where = urlsplit(configuration.host)
    secure = where.scheme == "https"
    connection = websocket.WebSocket(
        sslopt=_tls(configuration) if secure else {}, enable_multithread=True, skip_utf8_validation=True
    )
    connection.connect(  # type: ignore[no-untyped-call]
        f"{'wss' if secure else 'ws'}://{where.netloc}{where.path}{path}",
        # As UTF-8, which the headers hold as what looks like Latin-1.
        header=[f"{name}: {value}".encode("latin-1").decode() for name, value in headers.items() if name != "Accept"],
        subprotocols=[PROTOCOL],
        suppress_origin=True,
        redirect_limit=0,
        timeout=CONNECT_SECONDS,
        **_proxy(configuration.proxy),
    )
    return connection


def _proxy(address: str | None) -> dict[str, Any]:
    """The proxy that the configuration names; none that the environment alone knows."""
    if not address:
        return {"http_no_proxy": ["*"]}
    where = urlsplit(address)
    login = (where.username, where.password or "") if where.username else None
    options = {"http_proxy_host": where.hostname, "http_proxy_port": where.port or 3128, "proxy_type": "http"}
    return {**options, "http_proxy_auth": login}


def _tls(configuration: Any) -> dict[str, Any]:
    checked = bool(configuration.verify_ssl)
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if checked else ssl.CERT_NONE)
    context.check_hostname = checked and configuration.assert_hostname is not False
    if checked and configuration.ssl_ca_cert:
        context.load_verify_locations(configuration.ssl_ca_cert)
    elif checked:
        context.load_default_certs()
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    named = {"server_hostname": configuration.tls_server_name} if configuration.tls_server_name else {}
    return {"context": context, "cert_reqs": context.verify_mode, "check_hostname": context.check_hostname, **named}
