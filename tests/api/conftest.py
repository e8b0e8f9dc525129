"""A cast for tests of the REST API: Ada administers, Olga operates, Vic views, Mallory may do nothing."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from django.core.cache import cache
from django.test import Client

from sgportal.api.events import streams
from sgportal.api.http.throttles import DryRunThrottle, WriteThrottle

from . import builders

ROLES = {"ada": "admin", "olga": "operator", "vic": "viewer", "mallory": ""}


class Api:
    """A caller of the REST API with a token."""

    def __init__(self, token: str = "", **headers: str) -> None:
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.headers.update(headers)
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        kind = headers.pop("Content_Type", None) or "application/json"
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        where = path if path.startswith("/") else f"/api/v1/{path}"
        if body is None:
            return self.client.generic(method, where, headers=sent)
        if isinstance(body, bytes | str):
            return self.client.generic(method, where, body, kind, headers=sent)
        return self.client.generic(method, where, json.dumps(body), kind, headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def yaml(self, method: str, path: str, body: Any, **headers: str) -> Any:
        return self(method, path, body, Content_Type="application/yaml", **headers)


@pytest.fixture(autouse=True)
def unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WriteThrottle, "THROTTLE_RATES", {"write": None})
    monkeypatch.setattr(DryRunThrottle, "THROTTLE_RATES", {"dry-run": None})


@pytest.fixture
def throttled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(WriteThrottle, "THROTTLE_RATES", {"write": "2/m"})
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    builders.heard()
    return {name: builders.user(name, role) for name, role in ROLES.items()}


@pytest.fixture
def as_(people: dict[str, Any]) -> Callable[..., Api]:
    def caller(name: str, scope: str = "write", **headers: str) -> Api:
        return Api(builders.token(people[name], scope), **headers)

    return caller


@pytest.fixture
def api(as_: Callable[..., Api]) -> Api:
    """Olga, who operates."""
    return as_("olga")


@pytest.fixture
def token(transactional_db: None) -> str:
    """A viewer's, to read."""
    return builders.token(builders.user("vic", "viewer"), "read")


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """A real server of this process's rows; its address."""
    from sgportal.asgi import application

    streams.reopen()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    streams.close()
    server.should_exit = True
    thread.join(75)
    streams.reopen()
    assert not thread.is_alive()


@pytest.fixture
def address(transactional_db: None) -> Iterator[str]:
    """Of the events of a real server."""
    with serving() as server:
        yield f"{server}/api/v1/events"


def pointers(answer: Any) -> dict[str, str]:
    """The sentence at each pointer of a problem."""
    return {each["pointer"]: each["detail"] for each in answer.json()["errors"]}
