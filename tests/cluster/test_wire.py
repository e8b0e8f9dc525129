"""What the wire does to a request, and what the client makes of it."""

import threading
import time

import pytest

from sgportal.cluster import MERGE_PATCH, Expired, Person, Refused, Throttled, Unreachable, on_behalf_of
from sgportal.cluster.errors import error_of
from tests.services import in_time

from .wire import OK, answer, stream

EVENT = b'{"type":"MODIFIED","object":{"metadata":{"name":"n","resourceVersion":"7"}}}\n'


def test_a_read_on_a_connection_dropped_in_the_act_is_sent_again(scripted) -> None:
    cluster = scripted([answer(OK), "close"], [answer(OK)])
    assert cluster.get("Node", "", "n")
    assert cluster.get("Node", "", "n")
    assert len(cluster.server.requests) == 3


def test_a_read_is_sent_again_once_only(scripted) -> None:
    cluster = scripted(["close"], ["close"], [answer(OK)])
    with pytest.raises(Unreachable):
        cluster.get("Node", "", "n")


def test_silence_ends_in_an_error_after_the_read_time_out_and_is_not_tried_again(scripted) -> None:
    cluster = scripted(["hang"], [answer(OK)])
    began = time.monotonic()
    with pytest.raises(Unreachable, match="does not answer"):
        cluster.get("Node", "", "n")
    took = time.monotonic() - began
    assert took > 0.4
    assert in_time(took, 3)


@pytest.mark.parametrize("body", [b"<html>", b'{"metadata":', b""])
def test_an_answer_that_is_no_json_is_no_answer(scripted, body: bytes) -> None:
    with pytest.raises(Unreachable):
        scripted([answer(body)]).get("Node", "", "n")


def test_an_answer_cut_short_is_no_answer(scripted) -> None:
    cut = answer(OK)[:-9]
    with pytest.raises(Unreachable):
        scripted([cut], [cut]).get("Node", "", "n")


def test_a_persons_requests_name_them_and_the_others_do_not(scripted) -> None:
    """By both libraries: reads go by one, writes by the other."""
    cluster = scripted([answer(OK), answer(OK)], [answer(OK)])
    theirs = on_behalf_of(cluster, Person("sgportal:王芳", ("sgportal:operator", "sgportal:oidc:维护")))
    theirs.get("Node", "", "n")
    theirs.patch("Node", "", "n", {}, MERGE_PATCH)
    cluster.get("Node", "", "n")
    read, write = (each for each in cluster.server.heads if b"Impersonate" in each)
    assert len(cluster.server.heads) == 3
    for head in (read, write):
        assert "Impersonate-User: sgportal:王芳".encode() in head.split(b"\r\n")
        assert head.count(b"Impersonate-Group: sgportal:") == 2


@pytest.mark.parametrize(
    "name", ["", "system:admin", "sgportal:operator ", "a\nImpersonate-Group: system:masters", "a\r", "\0"]
)
def test_nobody_is_impersonated_by_a_name_of_kubernetes_own_or_one_that_is_more_than_a_name(name: str) -> None:
    for user, groups in ((name, ()), ("sgportal:ada", (name,))):
        with pytest.raises(ValueError, match="nobody is impersonated"):
            Person(user, groups)


def test_nobody_listens(scripted) -> None:
    cluster = scripted()
    cluster.server.close()
    with pytest.raises(Unreachable, match="refused"):
        cluster.version()


def test_a_proxys_error_page_is_named_by_its_status(scripted) -> None:
    with pytest.raises(Unreachable, match="502"):
        scripted([answer(b"<html>", "502 Bad Gateway")]).version()


@pytest.mark.parametrize(("after", "seconds"), [("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
def test_a_request_to_slow_down_says_for_how_long(scripted, after: str, seconds: float | None) -> None:
    cluster = scripted([answer(b"{}", "429 Too Many Requests", f"Retry-After: {after}\r\n")])
    with pytest.raises(Throttled) as caught:
        cluster.version()
    assert caught.value.retry_after == seconds


def test_a_mute_watch_is_noticed(scripted) -> None:
    cluster = scripted([stream(EVENT), "hang"])
    began = time.monotonic()
    with cluster.watch("Node", "1", silence_seconds=0.3) as watch:
        assert next(watch).resource_version == "7"
        with pytest.raises(Unreachable, match="broke off"):
            next(watch)
    assert in_time(time.monotonic() - began, 3)


def test_a_watch_that_breaks_in_the_middle_of_an_event_gives_no_half_event(scripted) -> None:
    watch = scripted([stream(EVENT, EVENT[:20])]).watch("Node", "1", silence_seconds=2)
    assert next(watch).type == "MODIFIED"
    with pytest.raises(Unreachable):
        next(watch)


def test_events_may_come_in_any_pieces(scripted) -> None:
    both = EVENT + EVENT.replace(b'"7"', b'"8"')
    watch = scripted([stream(both[:5], both[5:90], both[90:], end=True)]).watch("Node", "1")
    assert [event.resource_version for event in watch] == ["7", "8"]


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"type":"ADDED"}\n', b'{"type":"ADDED","object":{}}\n'])
def test_what_is_no_event_ends_a_watch(scripted, line: bytes) -> None:
    with pytest.raises(Unreachable, match="no event"):
        list(scripted([stream(line, end=True)]).watch("Node", "1"))


def test_a_version_that_expires_during_a_watch_says_so(scripted) -> None:
    line = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'
    with pytest.raises(Expired):
        list(scripted([stream(line, end=True)]).watch("Node", "1"))


def test_a_watch_that_waits_can_be_ended_from_another_thread(scripted) -> None:
    watch = scripted([stream(EVENT), "hang"]).watch("Node", "1", silence_seconds=30)
    assert next(watch)
    threading.Timer(0.1, watch.close).start()
    began = time.monotonic()
    assert list(watch) == []
    assert in_time(time.monotonic() - began, 5)
    watch.close()  # again: no harm


@pytest.mark.parametrize(
    "message",
    [
        "failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec.x: field not ...",
        "failed to convert new object (a/b; apps/v1, Kind=Deployment): quantities must match the regular ...",
        'Internal error occurred: failed calling webhook "w": failed to call webhook: Post ...',
    ],
)
def test_what_is_wrong_with_the_object_alone_is_a_refusal_though_the_server_says_500(message: str) -> None:
    assert isinstance(error_of(500, {"message": message}), Refused)
    assert isinstance(error_of(500, {"message": "etcd is down"}), Unreachable)
