"""What the readers of the watch say waits for the one that writes: in which order, and for how long."""

import threading
from datetime import UTC, datetime

import pytest

from sgportal.reconciler.informer import messages
from sgportal.reconciler.informer.messages import Inbox, Rows

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GOES_ON = threading.Event()


@pytest.fixture
def inbox():
    return Inbox(first=["nodes"])


def say(inbox, *said):
    for each in said:
        resource, key = each.split("/")
        inbox.put(Rows(resource, {key: {}}, NOW), GOES_ON)


def taken(inbox):
    return [f"{each.resource}/{next(iter(each.rows))}" for each in inbox.take(0.0)]


def test_nodes_go_before_what_came_earlier_and_alone(inbox):
    say(inbox, "pods/a", "deployments/a", "nodes/a", "pods/b", "nodes/b")
    assert taken(inbox) == ["nodes/a", "nodes/b"]
    assert taken(inbox) == ["pods/a", "deployments/a", "pods/b"]
    assert taken(inbox) == []


def test_a_rain_of_nodes_keeps_nothing_else_waiting(inbox):
    say(inbox, "pods/a", "nodes/a")
    assert taken(inbox) == ["nodes/a"]
    say(inbox, "nodes/b")
    assert taken(inbox) == ["nodes/b", "pods/a"]
    say(inbox, "pods/b", "nodes/c")
    assert taken(inbox) == ["nodes/c"]


def test_a_batch_stays_bounded(inbox, monkeypatch):
    monkeypatch.setattr(messages, "ROWS_PER_BATCH", 2)
    say(inbox, "pods/a", "pods/b", "pods/c", "nodes/a", "nodes/b", "nodes/c")
    assert [taken(inbox) for _ in range(4)] == [
        ["nodes/a", "nodes/b"],
        ["nodes/c", "pods/a"],
        ["pods/b", "pods/c"],
        [],
    ]


def test_a_batch_that_waits_for_company_ends_when_a_node_comes(inbox, monkeypatch):
    monkeypatch.setattr(messages, "BUSY_SECONDS", 600.0)
    say(inbox, *(f"pods/{number}" for number in range(messages.BUSY_ROWS)))
    found = []
    reader = threading.Thread(target=lambda: found.extend(taken(inbox)), daemon=True)
    reader.start()
    reader.join(0.5)
    assert reader.is_alive(), "the batch waits"
    say(inbox, "nodes/a")
    reader.join(75)
    assert found == ["nodes/a"]


def test_readers_wait_while_too_much_is_there():
    inbox = Inbox(first=["nodes"], most=2)
    say(inbox, "pods/a", "nodes/a")
    reader = threading.Thread(target=say, args=(inbox, "pods/b"), daemon=True)
    reader.start()
    reader.join(0.5)
    assert reader.is_alive(), "there is no room"
    assert taken(inbox) == ["nodes/a"]
    reader.join(75)
    assert taken(inbox) == ["pods/a", "pods/b"]
