"""Server-sent events over a real ASGI server: what changes arrives, a dropped stream resumes, a stale one is told."""

import json
import socket
import threading
import time
import urllib.request

import pytest
import uvicorn

from sgportal.api import live
from sgportal.models import Journal

from . import builders


@pytest.fixture
def token(transactional_db):
    return builders.token(builders.user("vic", "viewer"), "read")


@pytest.fixture
def address(transactional_db):
    from sgportal.asgi import application

    live.reopen()
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
    yield f"http://127.0.0.1:{port}/api/v1/events"
    live.close()
    server.should_exit = True
    thread.join(10)
    live.reopen()
    assert not thread.is_alive()


class Stream:
    """An open stream; `next` is the next event's (id, name, data)."""

    def __init__(self, address, token, last=""):
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = str(last)
        self.answer = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10)

    def next(self):
        fields = {}
        for raw in self.answer:
            line = raw.decode().rstrip("\n")
            if not line and ("data" in fields or "event" in fields):
                return fields.get("id", ""), fields.get("event", ""), json.loads(fields.get("data") or "null")
            name, _, value = line.partition(": ")
            fields[name] = value
        raise AssertionError("the stream ended")


def a_change(key, kind="node"):
    return str(Journal.objects.create(kind=kind, key=key).pk)


def test_what_changes_arrives(address, token):
    stream = Stream(address, token)
    assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
    time.sleep(0.3)
    made = a_change("n1")
    assert stream.next() == (made, "", {"kind": "node", "key": "n1"})


def test_a_stream_resumes_behind_the_last_event(address, token):
    first = a_change("n1")
    second = a_change("n2")
    assert Stream(address, token, first).next() == (second, "", {"kind": "node", "key": "n2"})


def test_one_that_was_away_too_long_is_told_to_reload(address, token):
    forgotten = [a_change("old"), a_change("older")]
    newest = a_change("kept")
    Journal.objects.filter(pk__in=forgotten).delete()
    assert Stream(address, token, forgotten[0]).next()[1] == "resync"
    assert Stream(address, token, int(newest) + 1000).next()[1] == "resync"


def test_two_streams_hear_the_same(address, token):
    streams = [Stream(address, token) for _ in range(3)]
    time.sleep(0.3)
    made = a_change("shared")
    assert {stream.next()[0] for stream in streams} == {made}


def test_nobody_listens_without_a_token(address):
    with pytest.raises(urllib.error.HTTPError) as caught:
        Stream(address, "wrong")
    assert caught.value.code == 401
