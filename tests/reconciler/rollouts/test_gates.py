"""Checks of rollouts, asked of a real server over HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from sgportal.core.rollouts.strategy import Gate
from sgportal.reconciler.grids.rollouts import gates

SAMPLES = {
    "up == 1": [{"value": [1, "1"]}],
    "up < 0": [],
    "absent": [{"value": [1, "0"]}],
    "0/0": [{"value": [1, "NaN"]}],
}


class Handler(BaseHTTPRequestHandler):
    """A page that is well, one that is not, one that leads elsewhere, and a Prometheus."""

    def do_GET(self):
        where = urlsplit(self.path)
        self.server.seen.append(dict(self.headers))
        query = parse_qs(where.query).get("query", [""])[0]
        codes = {"/ok": 200, "/teapot": 418, "/away": 302, "/api/v1/query": 200}
        self.send_response(codes.get(where.path, 500))
        if where.path == "/away":
            self.send_header("Location", "/ok")
        self.end_headers()
        data = {"resultType": "vector", "result": SAMPLES.get(query, [])}
        self.wfile.write(json.dumps({"status": "success", "data": data}).encode())

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def host(settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = f"127.0.0.1:{server.server_port}"
    settings.SGPORTAL_GATE_HOSTS = [where]
    yield where
    assert not any("Authorization" in headers for headers in server.seen)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "query", "status", "passes"),
    [
        ("/ok", "", 200, True),
        ("/broken", "", 200, False),
        ("/teapot", "", 418, True),
        ("/away", "", 200, False),
        ("", "up == 1", 200, True),
        ("/", "up == 1", 200, True),
        ("", "up < 0", 200, False),
        ("", "absent", 200, False),
        ("", "0/0", 200, False),
    ],
)
def test_what_passes(host, path, query, status, passes):
    assert gates.all_pass((Gate("g", f"http://{host}{path}", query, status),)) is passes


def test_one_that_fails_is_enough(host):
    assert not gates.all_pass((Gate("a", f"http://{host}/ok"), Gate("b", f"http://{host}/broken")))


def test_a_host_that_nobody_allowed_is_not_called(host, settings):
    settings.SGPORTAL_GATE_HOSTS = ["prometheus:9090"]
    assert not gates.all_pass((Gate("g", f"http://{host}/ok"),))


def test_nobody_there_is_no_pass(settings):
    settings.SGPORTAL_GATE_HOSTS = ["127.0.0.1:1"]
    assert not gates.all_pass((Gate("g", "http://127.0.0.1:1/"),))


def test_what_is_no_answer_of_prometheus_does_not_hold():
    for body in (b"", b"[]", b"{}", b'{"data": {"resultType": "vector", "result": [{"value": 1}]}}', b"<html>"):
        assert not gates._holds(body)
    assert gates._holds(b'{"data": {"resultType": "scalar", "result": [1, "2"]}}')
