"""The wire: configuration and authentication by the `kubernetes` package, reads and watches by its pool, writes by
libcurl; raw bytes, parsed by orjson."""

import copy
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import orjson
import pycurl
import urllib3
import yaml
from urllib3.exceptions import HTTPError, ProtocolError

from .. import tracing
from .errors import ClusterError, Refused, Unanswered, Unreachable, error_of
from .writing import WriteConnections

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0
DEMO_KUBECONFIG = "SGPORTAL_DEMO_KUBECONFIG"
_WATCHES = 8  # connections that watches keep to themselves
_WARNING = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_JSON = {"Content-Type": "application/json"}  # of a body that says nothing else
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Person:
    """On whose behalf a request is made, for the API server's RBAC and audit log: a user and groups as it knows them.
    Raises ValueError for a name that is Kubernetes' own, or that no header can carry as it is: what stands
    around a header's value is lost, so that one name would be another's."""

    user: str
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.user, *self.groups):
            if not name or name.startswith("system:") or name != name.strip() or _CONTROL.search(name):
                raise ValueError(f"nobody is impersonated as {name!r}")

    def headers(self) -> Iterator[tuple[str, str]]:
        """The headers of a request; UTF-8, which the libraries below take only as what looks like Latin-1."""
        yield "Impersonate-User", self.user.encode().decode("latin-1")
        for group in self.groups:
            yield "Impersonate-Group", group.encode().decode("latin-1")


class Transport:
    """Requests to one API server from any thread; some more connections than `threads` are kept. `read_seconds` is the
    longest silence within an answer, and how long a write may take."""

    def __init__(self, target: str, threads: int, read_seconds: float = READ_SECONDS) -> None:
        from .kubernetes_package import RESTClientObject

        self._configuration = _configuration(target)
        self._configuration.connection_pool_maxsize = threads + _WATCHES
        # The package knows every way a kubeconfig asks for TLS or a proxy; only its pool is used.
        self._pool: urllib3.PoolManager = RESTClientObject(self._configuration).pool_manager
        self._writes = WriteConnections.to(self._configuration)
        self._read_seconds = read_seconds
        self._lock = threading.Lock()
        self._person: Person | None = None

    def on_behalf_of(self, person: Person) -> Self:
        """The same connections, for requests that the API server takes for a person's."""
        view = copy.copy(self)
        view._person = person
        return view

    def close(self) -> None:
        """Close every idle connection."""
        self._pool.clear()
        if self._writes:
            self._writes.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> tuple[int, Any]:
        """The status and the parsed body of a successful answer; `seconds` is the longest time to connect, and the
        longest silence after that, where the transport's own are too long. Raises a ClusterError for any other."""
        answer = self.open(method, path, query=query, body=body, headers=headers, seconds=seconds)
        return answer.status, _success(answer)

    def warnings(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, headers: Mapping[str, str], seconds: float
    ) -> tuple[str, ...]:
        """What a successful answer to a request warns of (headers `Warning: 299 - "…"`, RFC 7234). Raises a
        ClusterError for any other."""
        answer = self.open(method, path, query=query, body=body, headers=headers, seconds=seconds)
        _success(answer)
        return tuple(warning_texts(answer.headers.getlist("Warning")))

    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        silence_seconds: float | None = None,
        seconds: float | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """The answer to a request, whatever its status. With `silence_seconds`, which then is the longest silence, its
        body is still to be read. Raises Unreachable where there is none."""
        name = f"{method} {_template(path)}" if tracing.is_on() else method
        with tracing.span(name, "CLIENT", http__request__method=method, url__path=path) as span:
            given = {"query": query, "body": body, "headers": {**(headers or {}), **tracing.headers()}}
            answer = self._opened(method, path, **given, silence_seconds=silence_seconds, seconds=seconds)
            span.note(http__response__status_code=answer.status)
            if answer.status >= 400 and answer.status != 404:  # that something is not there is an answer
                span.fail(str(answer.status))
            return answer

    def _opened(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None,
        body: Any,
        headers: Mapping[str, str],
        silence_seconds: float | None,
        seconds: float | None,
    ) -> urllib3.BaseHTTPResponse:
        asked = urlencode({key: value for key, value in (query or {}).items() if value not in ("", None)})
        url = self._configuration.host + path + ("?" + asked if asked else "")
        sent = None if body is None else orjson.dumps(body)
        named = self._headers({**({} if sent is None else _JSON), **headers})
        if self._writes and sent is not None and seconds is None:
            return self._write(self._writes, method, url, named, sent)
        options: dict[str, Any] = {
            "headers": named,
            "body": sent,
            "timeout": urllib3.Timeout(
                connect=seconds or CONNECT_SECONDS, read=silence_seconds or seconds or self._read_seconds
            ),
            "retries": False,
            "preload_content": silence_seconds is None,
        }
        try:
            return self._send(method, url, options)
        except (HTTPError, OSError) as error:
            raise Unanswered(_brief(error)) from error

    def _write(
        self, writes: WriteConnections, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> urllib3.BaseHTTPResponse:
        try:
            return writes.send(method, url, headers, body, CONNECT_SECONDS, self._read_seconds)
        except pycurl.error as error:
            raise Unanswered(str(error.args[-1])[:300]) from error

    def stream(self, path: str, query: Mapping[str, Any], silence_seconds: float) -> urllib3.BaseHTTPResponse:
        """A successful answer whose body is still to be read, as it comes. Raises a ClusterError for any other."""
        answer = self.open("GET", path, query=query, silence_seconds=silence_seconds)
        if answer.status < 300:
            return answer
        try:
            value = parse(answer.read())
        except (HTTPError, OSError) as error:
            raise Unanswered(_brief(error)) from error
        finally:
            answer.close()
        raise _refusal(answer, value)

    def for_upgrade(self) -> tuple[Any, Mapping[str, str]]:
        """What a connection in another protocol needs: the configuration (of the `kubernetes` package), and the headers
        of a request."""
        return self._configuration, self._headers({})

    def _send(self, method: str, url: str, options: Mapping[str, Any]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, url, **options)
        except ProtocolError:
            # The server closed a kept connection just as it was used again: a read may simply be sent once more.
            # Whether a write arrived is unknown, so it is left to its caller's next round.
            if method != "GET":
                raise
            return self._pool.request(method, url, **options)

    def _headers(self, extra: Mapping[str, str]) -> Mapping[str, str]:
        from .kubernetes_package import ConfigException

        try:
            with self._lock:  # a token may be fetched anew here
                settings = self._configuration.auth_settings()
        except (ConfigException, OSError, ValueError) as error:
            raise Refused(f"no credentials for the API server: {error}") from error
        headers = {"Accept": "application/json", "User-Agent": "sgportal", **extra}
        for setting in settings.values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        if self._person is None:
            return headers
        named = urllib3.HTTPHeaderDict(headers)
        for name, value in self._person.headers():
            named.add(name, value)  # a group is a header of its own
        return named


def _success(answer: urllib3.BaseHTTPResponse) -> Any:
    """The parsed body of a successful answer. Raises a ClusterError for any other."""
    value = parse(answer.data)
    if answer.status >= 300:
        raise _refusal(answer, value)
    if value is None:
        raise Unreachable("the API server's answer is no JSON, or was cut short", answer.status)
    return value


def warning_texts(headers: Iterable[str]) -> list[str]:
    """The texts of `Warning` headers, each of one or several values."""
    found = [text for header in headers for text in _WARNING.findall(header)]
    return [re.sub(r"\\(.)", r"\1", text) for text in found]


def parse(data: bytes) -> Any:
    """The JSON value in `data`, or None where there is none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _refusal(answer: urllib3.BaseHTTPResponse, value: Any) -> ClusterError:
    """The error that an answer of status 300 or above stands for; `value` is its parsed body."""
    return error_of(answer.status, value if isinstance(value, dict) else None, answer.headers.get("Retry-After"))


def _template(path: str) -> str:
    """A path of the API without the names in it, so that spans of the same kind have the same name."""
    parts = path.strip("/").split("/")
    of = 2 if parts[0] == "api" else 3  # where its group and version end
    if parts[of : of + 1] == ["namespaces"] and len(parts) > of + 2:
        parts[of + 1], of = "{namespace}", of + 2
    if len(parts) > of + 1:
        parts[of + 1] = "{name}"
    return "/" + "/".join(parts)


def _brief(error: BaseException) -> str:
    """What went wrong, without the address of a Python object that urllib3 puts in front."""
    reason = getattr(error, "reason", None) or error
    text = str(reason)
    return (text.partition(">: ")[2] or text)[:300]


def _configuration(target: str) -> Any:
    """The `kubernetes` package's configuration for `in-cluster`, `kubeconfig[:context]` or `demo`."""
    from . import kubernetes_package as package

    found = package.Configuration()
    name, _, context = target.partition(":")
    try:
        if name == "in-cluster":
            package.load_incluster_config(client_configuration=found)
        elif name == "kubeconfig":
            path = os.environ.get("KUBECONFIG") or "~/.kube/config"
            package.load_kube_config(config_file=path, context=context or None, client_configuration=found)
        elif name == "demo":
            package.load_kube_config(config_file=_demo_kubeconfig(), client_configuration=found)
        else:
            raise ClusterError(f"SGPORTAL_CLUSTER must be in-cluster, kubeconfig[:context] or demo, not “{target}”")
    except (package.ConfigException, yaml.YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(f"the cluster's configuration ({target}) cannot be used: {error}") from error
    if urlsplit(found.host).hostname in _LOOPBACK:
        found.proxy = None  # nobody means a proxy for their own machine
    return found


def _demo_kubeconfig() -> str:
    path = os.environ.get(DEMO_KUBECONFIG)
    if not path:
        raise ValueError(f"{DEMO_KUBECONFIG} is not set")
    return path
