"""The wire: configuration, authentication and pooling by the `kubernetes` package; raw bytes, parsed by orjson."""

import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from .errors import ClusterError, Unreachable, error_of

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0
JSON = "application/json"


class Transport:
    """Requests to one API server from any thread."""

    def __init__(self, target: str, threads: int) -> None:
        self._configuration = _configuration(target)
        self._configuration.connection_pool_maxsize = threads
        self._pool = _pool(self._configuration)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every idle connection."""
        self._pool.clear()

    def _headers(self, extra: Mapping[str, str]) -> dict[str, str]:
        with self._lock:  # a token may be refreshed here
            authentication = self._configuration.auth_settings()
        headers = {"Accept": JSON, "User-Agent": "sgportal", **extra}
        for setting in authentication.values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        return headers

    def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """The answer to a request, whatever its status. Raises Unreachable where there is none."""
        url = self._configuration.host + path + _query(query)
        options: dict[str, Any] = {
            "body": None if body is None else orjson.dumps(body),
            "headers": self._headers(headers or {}),
            "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds),
            "retries": False,
            "redirect": False,
            "preload_content": not stream,
        }
        try:
            try:
                return self._pool.request(method, url, **options)
            except ProtocolError:
                # The server may just have closed an idle connection: a read is tried once more, on a fresh one. A
                # write is left to the caller's next round, for it may have arrived.
                if method != "GET":
                    raise
                return self._pool.request(method, url, **options)
        except (HTTPError, OSError) as error:
            raise Unreachable(f"the API server does not answer: {_brief(error)}") from error

    def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """The status and the parsed body of a successful answer. Raises a ClusterError for any other."""
        answer = self.open(method, path, **options)
        body = parse(answer.data)
        if answer.status >= 300:
            known = body if isinstance(body, dict) else None
            raise error_of(answer.status, known, answer.headers.get("Retry-After"))
        if body is None:
            raise Unreachable("the API server's answer was cut short", answer.status)
        return answer.status, body


def _query(query: Mapping[str, Any] | None) -> str:
    given = {key: value for key, value in (query or {}).items() if value not in ("", None)}
    return f"?{urlencode(given)}" if given else ""


def parse(data: bytes) -> Any:
    """The JSON value in `data`, or None where there is none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _brief(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return str(reason).partition(": ")[2] or str(reason)


def _configuration(target: str) -> Any:
    """The `kubernetes` package's configuration for `in-cluster`, `kubeconfig[:context]` or `demo`."""
    from kubernetes import client, config

    found = client.Configuration()
    name, _, context = target.partition(":")
    try:
        if name == "in-cluster":
            config.load_incluster_config(client_configuration=found)
        elif name == "kubeconfig":
            config.load_kube_config(context=context or None, client_configuration=found)
        elif name == "demo":
            path = os.environ.get("SGPORTAL_DEMO_KUBECONFIG", "")
            config.load_kube_config(config_file=path, client_configuration=found)
        else:
            raise ClusterError(f"SGPORTAL_CLUSTER must be in-cluster, kubeconfig[:context] or demo, not “{target}”")
    except config.ConfigException as error:
        raise ClusterError(f"the cluster's configuration cannot be used: {error}") from error
    return found


def _pool(configuration: Any) -> urllib3.PoolManager:
    size = configuration.connection_pool_maxsize
    options: dict[str, Any] = {"num_pools": 4, "maxsize": size}
    if configuration.host.startswith("https"):
        options |= {
            "cert_reqs": "CERT_REQUIRED" if configuration.verify_ssl else "CERT_NONE",
            "ca_certs": configuration.ssl_ca_cert,
            "cert_file": configuration.cert_file,
            "key_file": configuration.key_file,
        }
    return urllib3.PoolManager(**options)
