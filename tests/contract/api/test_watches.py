"""Watches: where they begin, what they say, how they end; and what becomes of a place that was forgotten."""

import threading

import pytest

from ..conftest import MERGE, a_map

INITIAL = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


def version(server, path):
    return server("GET", path).body["metadata"]["resourceVersion"]


def about(events, *names):
    """What a watch said of some objects: (type, name)."""
    told = [(each["type"], each["object"]["metadata"].get("name")) for each in events]
    return [each for each in told if each[1] in names]


def told(count, *names):
    """That a watch has said so much of some objects."""
    return lambda events: len(about(events, *names)) >= count


def test_a_watch_goes_on_from_a_version(server, maps):
    start = version(server, maps)
    server("POST", maps, a_map("a", {"n": "1"}))
    server("PATCH", f"{maps}/a", {"data": {"n": "2"}}, **MERGE)
    server("DELETE", f"{maps}/a")
    events = server.watch(f"{maps}?resourceVersion={start}", enough=told(3, "a"))
    assert about(events, "a") == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    last = [int(each["object"]["metadata"]["resourceVersion"]) for each in events]
    assert last == sorted(last)
    assert last[-1] > int(start)  # a deletion has a version of its own, from which one can go on


def test_a_watch_without_a_version_tells_first_what_there_is(server, maps):
    server("POST", maps, a_map("a"))
    for since in ("", "?resourceVersion=0"):
        assert about(server.watch(maps + since, enough=told(1, "a")), "a") == [("ADDED", "a")]


def test_initial_events_end_with_a_bookmark(server, maps):
    made = server("POST", maps, a_map("a")).body["metadata"]["resourceVersion"]

    def ended(events):
        return events[-1]["object"]["metadata"].get("annotations", {}).get("k8s.io/initial-events-end") == "true"

    *events, end = server.watch(f"{maps}?{INITIAL}&allowWatchBookmarks=true", enough=ended)
    assert end["type"] == "BOOKMARK"
    assert about(events, "a") == [("ADDED", "a")]
    assert int(end["object"]["metadata"]["resourceVersion"]) >= int(made)


@pytest.mark.parametrize(
    "query",
    [
        "sendInitialEvents=true&allowWatchBookmarks=true",
        "sendInitialEvents=true&resourceVersionMatch=Exact&allowWatchBookmarks=true",
        "resourceVersionMatch=NotOlderThan",
    ],
)
def test_initial_events_are_asked_for_in_one_way_only(server, maps, query):
    answer = server("GET", f"{maps}?watch=true&timeoutSeconds=1&{query}")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")


def test_a_watch_ends_when_asked(server, maps):
    assert about(server.watch(f"{maps}?resourceVersion={version(server, maps)}", 1), "a") == []


def test_leaving_the_selector_is_a_deletion(server, maps):
    server("POST", maps, a_map("a", labels={"in": "1"}))
    start = version(server, maps)
    server("PATCH", f"{maps}/a", {"metadata": {"labels": {"in": None}}}, **MERGE)
    server("PATCH", f"{maps}/a", {"metadata": {"labels": {"in": "1"}}}, **MERGE)
    events = server.watch(f"{maps}?resourceVersion={start}&labelSelector=in", enough=lambda events: len(events) > 1)
    assert [event["type"] for event in events] == ["DELETED", "ADDED"]
    assert events[0]["object"]["metadata"]["labels"] == {"in": "1"}  # as it was inside


def test_one_object_is_watched_by_its_name(server, maps):
    start = version(server, maps)
    server("POST", maps, a_map("a"))
    server("POST", maps, a_map("b"))
    path = f"{maps}?resourceVersion={start}&fieldSelector=metadata.name%3Db"
    assert about(server.watch(path, enough=told(1, "a", "b")), "a", "b") == [("ADDED", "b")]


def test_events_arrive_as_they_happen(server, maps):
    start, seen = version(server, maps), []
    path = f"{maps}?resourceVersion={start}"
    thread = threading.Thread(target=lambda: seen.extend(server.watch(path, enough=told(1, "live"))))
    thread.start()
    server("POST", maps, a_map("live"))
    thread.join()
    assert about(seen, "live") == [("ADDED", "live")]


@pytest.mark.embedded_only
def test_bookmarks_carry_a_version_only(server, maps):
    """A real API server's are a minute apart; those of the embedded cluster come in seconds."""
    start = version(server, maps)
    path = f"{maps}?resourceVersion={start}&allowWatchBookmarks=true"
    *_, bookmark = server.watch(path, enough=lambda events: events[-1]["type"] == "BOOKMARK")
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) >= int(start)


def test_a_version_that_is_yet_to_come_is_waited_for(server, maps):
    """And, in the end, refused: a watch never goes back."""
    answer = server("GET", f"{maps}?resourceVersion=99999999")
    assert (answer.status, answer.body["reason"]) == (504, "Timeout")
    assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_what_was_forgotten_is_410(server, maps):
    """A version to watch from, an exact version, a place in a list; with this comes a place to go on from, in another
    version of the list."""
    start = version(server, maps)
    for name in "abc":
        server("POST", maps, a_map(name))
    place = server("GET", f"{maps}?limit=1").body["metadata"]["continue"]
    assert server("GET", f"{maps}?resourceVersion={start}&resourceVersionMatch=Exact").status == 200
    server("DELETE", f"{maps}/b")
    server.forget()
    answer = server("GET", f"{maps}?limit=1&continue={place}")
    assert (answer.status, answer.body["reason"]) == (410, "Expired")
    rest = server("GET", f"{maps}?limit=9&continue={answer.body['metadata']['continue']}").body["items"]
    assert [each["metadata"]["name"] for each in rest if len(each["metadata"]["name"]) == 1] == ["c"]
    assert server("GET", f"{maps}?resourceVersion={start}&resourceVersionMatch=Exact").status == 410
    assert server("GET", f"{maps}?resourceVersion={start}&resourceVersionMatch=NotOlderThan").status == 200
    event, *_ = server.watch(f"{maps}?resourceVersion={start}", enough=bool)
    assert (event["type"], event["object"]["kind"]) == ("ERROR", "Status")
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert f"too old resource version: {start}" in event["object"]["message"]


def test_tables_are_watched_too(server, maps):
    start = version(server, maps)
    server("POST", maps, a_map("a"))
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"

    def shown(events):
        return "a" in [row["cells"][0] for event in events for row in event["object"]["rows"]]

    assert server.watch(f"{maps}?resourceVersion={start}", enough=shown, accept=accept)
