"""Server-sent events over a real ASGI server: what changes arrives, a dropped stream resumes, a stale one is told."""

import json
import socket
import threading
import time
import urllib.request

import pytest

from sgportal.api.events import seats, views
from sgportal.models import Journal
from tests.services import wait_for


class Stream:
    """An open stream; `next` is the next event's (id, name, data)."""

    def __init__(self, address, token, last="", **more):
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream", **more}
        if last:
            headers["Last-Event-ID"] = str(last)
        self.answer = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=75)

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


def test_a_stream_is_not_compressed_so_nothing_waits_in_it(address, token):
    stream = Stream(address, token, **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in stream.answer.headers
    time.sleep(0.3)
    made = a_change("n1")
    assert stream.next()[0] == made


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


def _ask(address, token):
    """Ask for a stream and wait for nothing; the connection."""
    host, port = address.removeprefix("http://").split("/")[0].split(":")
    link = socket.create_connection((host, int(port)), timeout=75)
    head = f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    link.sendall(head.encode())
    return link


def _open(address, token, found, hang_up=False):
    """Ask for a stream; its status, kept open until the test ends, unless the caller hangs up at once."""
    link = _ask(address, token)
    if hang_up:
        link.close()
        return
    found.append((link, int(link.recv(64).split()[1])))


def _at_once(count, *args, **options):
    threads = [threading.Thread(target=_open, args=args, kwargs=options) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def test_of_many_streams_opened_at_once_no_more_are_let_in_than_there_is_room_for(address, token, monkeypatch):
    monkeypatch.setattr(seats, "EVENTS", seats.Streams("events", 15))
    found = []
    _at_once(80, address, token, found)
    assert sorted(status for _, status in found) == [200] * 15 + [503] * 65
    for link, _ in found:
        link.close()
    wait_for(lambda: seats.Seat.taken() == 0, 75, "the seats are free again")
    assert Stream(address, token).answer.status == 200


def test_callers_who_hang_up_before_they_are_answered_keep_no_seat(address, token):
    _at_once(60, address, token, [], hang_up=True)
    time.sleep(0.5)
    wait_for(lambda: seats.Seat.taken() == 0, 75, "the seats are free again")


def test_callers_who_hang_up_between_their_seat_and_the_answer_keep_no_seat(address, token, monkeypatch):
    gone, start = threading.Event(), views._start
    monkeypatch.setattr(views, "_start", lambda last: gone.wait(75) and start(last))
    wait_for(lambda: seats.Seat.taken() == 0, 75, "the streams of other tests are over")
    callers = [_ask(address, token) for _ in range(3)]
    wait_for(lambda: seats.Seat.taken() == 3, 75, "each has a seat")
    for each in callers:
        each.close()
    gone.set()
    wait_for(lambda: seats.Seat.taken() == 0, 75, "the seats are free again")
