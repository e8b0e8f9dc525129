"""The wire misbehaves as it is told to, and behaves again."""

import contextlib
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from tests.contract.conftest import a_map
from tests.services import in_time

from .conftest import CORE

MAPS = f"{CORE}/configmaps"
BROKEN = (urllib3.exceptions.ProtocolError, urllib3.exceptions.NewConnectionError)


@pytest.mark.parametrize("code", [409, 410, 429, 500, 503])
def test_a_status_is_answered_as_often_as_asked(server, code):
    server.embedded.faults.add("status", code=code, retry_after=3, verbs=["list"], resource="configmaps", count=1)
    answer = server("GET", MAPS)
    assert (answer.status, answer.body["kind"], answer.headers["Retry-After"]) == (code, "Status", "3")
    assert server("GET", MAPS).status == 200


@pytest.mark.parametrize("effect", ["drop", "truncate"])
def test_an_answer_breaks_off(server, effect):
    server.embedded.faults.add(effect, count=1)
    with pytest.raises(BROKEN):
        server("GET", MAPS)
    assert server("GET", MAPS).status == 200


def test_a_list_has_no_items_and_all_else_is_as_it_was(server):
    server("POST", MAPS, a_map("a"))
    server.embedded.faults.add("empty", resource="configmaps")
    answer = server("GET", MAPS)
    assert (answer.status, answer.body["items"], answer.body["metadata"]["resourceVersion"] > "") == (200, [], True)
    assert server("GET", f"{MAPS}/a").body["metadata"]["name"] == "a"
    server.embedded.faults.clear()
    assert "a" in {each["metadata"]["name"] for each in server("GET", MAPS).body["items"]}


def test_silence_lasts_until_the_caller_gives_up(server):
    server.embedded.faults.add("silence", count=1)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        server("GET", MAPS, timeout=0.3)
    assert server("GET", MAPS).status == 200


def test_a_delay_and_its_duration(server):
    server.embedded.faults.add("delay", seconds=0.3, duration=0.2)
    since = time.monotonic()
    server("GET", MAPS)
    assert time.monotonic() - since >= 0.3
    since = time.monotonic()
    server("GET", MAPS)
    assert in_time(time.monotonic() - since, 0.3)


def test_what_is_held_is_answered_once_the_faults_are_cleared(server):
    server.embedded.faults.add("hold", verbs=["create"])
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(server, "POST", MAPS, a_map("a"))
        assert server("GET", f"{MAPS}/a").status == 404
        assert not held.done()
        server.embedded.faults.clear()
        assert held.result(75).status == 201
    assert server("GET", f"{MAPS}/a").status == 200


def test_a_rule_is_for_whom_it_names(server):
    server.embedded.faults.add("status", code=500, verbs=["create"], resource="configmaps")
    server.embedded.faults.add("status", code=503, verbs=["get"], name="^a$")
    assert server("POST", MAPS, a_map("a")).status == 500
    assert server("GET", f"{MAPS}/a").status == 503
    assert server("GET", f"{MAPS}/b").status == 404
    server.embedded.faults.clear()
    assert server("POST", MAPS, a_map("a")).status == 201


def follow(server, seconds=20):
    seen = []
    path = f"{MAPS}?resourceVersion={server('GET', MAPS).body['metadata']['resourceVersion']}"
    thread = threading.Thread(target=lambda: seen.extend(server.watch(path, seconds, timeout=300.0)))
    thread.start()
    server.until(lambda: server.embedded.requests["WATCH", "configmaps"])
    return thread, seen


def test_watches_end_when_dropped(server):
    thread, _ = follow(server, 300)
    server.embedded.faults.drop_watches()
    thread.join(75)
    assert not thread.is_alive()


def test_half_open_watches_say_nothing(server):
    server.embedded.faults.add("half-open")
    thread, seen = follow(server, 3)
    server("POST", MAPS, a_map("a"))
    thread.join(75)
    assert seen == []


def test_forgotten_history_is_410(server):
    version = server("GET", MAPS).body["metadata"]["resourceVersion"]
    server("POST", MAPS, a_map("a"))
    server.embedded.faults.add("compact")
    told, *_ = server.watch(f"{MAPS}?resourceVersion={version}", enough=bool)
    assert told["type"] == "ERROR"


def test_the_port_closes_and_opens_again(server):
    url = server.embedded.url
    server.embedded.unreachable(True)
    with pytest.raises(BROKEN):
        server("GET", MAPS)
    server.embedded.unreachable(False)
    assert server.embedded.url == url
    assert server("GET", MAPS).status == 200


def test_a_connection_begun_before_the_port_closed_is_not_served(server):
    """Its handshake is under way, so the server does not know it yet."""
    port = urllib3.util.parse_url(server.embedded.url).port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as begun:
        time.sleep(0.2)
        server.embedded.unreachable(True)
        with contextlib.suppress(OSError), tls(server).wrap_socket(begun, server_hostname="127.0.0.1") as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            assert connection.recv(100) == b""
    server.embedded.unreachable(False)


def tls(server):
    return ssl.create_default_context(cafile=server.embedded.ca_path)


def test_faults_are_set_over_the_wire_too_and_cannot_prevent_their_end(server):
    assert server("POST", "/__faults__", [{"effect": "status", "code": 500}]).status == 200
    assert server("GET", MAPS).status == 500
    assert server("POST", "/__faults__", [{"effect": "nonsense"}]).status == 400
    assert server("DELETE", "/__faults__", token="wrong").status == 401
    assert server("DELETE", "/__faults__").status == 200
    assert server("GET", MAPS).status == 200


def test_requests_are_counted(server):
    server.embedded.reset_counts()
    server("GET", MAPS)
    server("POST", MAPS, a_map("a"))
    assert server.embedded.requests == {("GET", "configmaps"): 1, ("POST", "configmaps"): 1}
