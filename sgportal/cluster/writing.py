"""Connections for writes, by libcurl: a grid over a thousand NodeUnits makes a thousand of them at once, and threads of
pure Python wait for one another's interpreter lock (docs/decisions/0012-libcurl-for-writes.md)."""

import io
import threading
from collections.abc import Mapping
from typing import Any, Self

import pycurl
import urllib3
from urllib3.util.wait import wait_for_read

_HTTPS = "https:"


class WriteConnections:
    """Kept connections to one API server, for any number of threads. Each write is sent once: whether one arrived whose
    answer is lost is unknown, so it is left to its caller's next round."""

    def __init__(self, configuration: Any) -> None:
        self._configuration = configuration
        self._idle: list[pycurl.Curl] = []
        self._lock = threading.Lock()

    @classmethod
    def to(cls, configuration: Any) -> Self | None:
        """Those for a configuration of the `kubernetes` package; None for one with a proxy, or with TLS that is not
        checked against a file of CA certificates and the host's name, which only the package's own pool knows."""
        plain = not (configuration.proxy or configuration.tls_server_name) and configuration.assert_hostname is None
        secure = configuration.verify_ssl and configuration.ssl_ca_cert
        return cls(configuration) if plain and (secure or not configuration.host.startswith(_HTTPS)) else None

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, connect_seconds: float, seconds: float
    ) -> urllib3.BaseHTTPResponse:
        """The answer to a request, within so many seconds. Raises pycurl.error where there is none."""
        handle = self._kept() or self._made()
        answer = io.BytesIO()
        handle.setopt(pycurl.URL, url)
        handle.setopt(pycurl.CUSTOMREQUEST, method)
        handle.setopt(
            pycurl.HTTPHEADER, [b"Expect:", *(f"{name}: {value}".encode("latin-1") for name, value in headers.items())]
        )
        handle.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
        # A body that cannot be read twice is not sent again where a kept connection breaks, as libcurl would do.
        handle.setopt(pycurl.READFUNCTION, io.BytesIO(body).read)
        handle.setopt(pycurl.WRITEFUNCTION, answer.write)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(connect_seconds * 1000))
        handle.setopt(pycurl.TIMEOUT_MS, int(seconds * 1000))
        try:
            handle.perform()
        except pycurl.error:
            handle.close()
            raise
        status, wait = handle.getinfo(pycurl.RESPONSE_CODE), handle.getinfo(pycurl.RETRY_AFTER)
        with self._lock:
            self._idle.append(handle)
        said = {"Retry-After": str(wait)} if wait else {}
        return urllib3.HTTPResponse(answer.getvalue(), said, status)

    def _kept(self) -> pycurl.Curl | None:
        """An idle handle whose connection the server has not closed; one that it has closed has something to read."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                handle = self._idle.pop()
            socket = handle.getinfo(pycurl.ACTIVESOCKET)
            if socket < 0 or not wait_for_read(socket, timeout=0):  # below 0: it has no connection
                return handle
            handle.close()

    def _made(self) -> pycurl.Curl:
        """A handle, which keeps one connection."""
        handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.POST, 1)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.PROXY, "")  # not what the environment says: the configuration was asked
        for option, path in (
            (pycurl.CAINFO, self._configuration.ssl_ca_cert),
            (pycurl.SSLCERT, self._configuration.cert_file),
            (pycurl.SSLKEY, self._configuration.key_file),
        ):
            if path:
                handle.setopt(option, path)
        return handle
