"""Two processes at one key of the work queue at the same moment."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.cluster import Identity
from sgportal.models import Lease, ResourceSync, WorkKey
from sgportal.reconciler import worker
from sgportal.reconciler.cache.freshness import SyncFreshness
from sgportal.reconciler.executor import Executor
from sgportal.reconciler.fleet.guard import Guard
from sgportal.reconciler.informer.messages import Bookmark, Failed
from sgportal.reconciler.process.lease import ProcessLease
from sgportal.reconciler.queue import workqueue
from sgportal.reconciler.queue.lease_rows import TAKEN
from sgportal.reconciler.queue.together import requests_together
from sgportal.reconciler.watcher import Store

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "deploymentgrids/default/web"


def _enqueue_urgently() -> None:
    try:
        workqueue.enqueue([KEY], urgent=True)
    finally:
        connection.close()


def test_an_urgent_request_is_not_lost_while_the_back_off_of_a_failure_is_written(monkeypatch):
    workqueue.enqueue([KEY])
    WorkKey.objects.update(failures=8)
    watch = threading.Thread(target=_enqueue_urgently)
    reckoned = workqueue.backoff

    def backoff(*arguments):
        watch.start()
        watch.join(0.5)  # where it can be enqueued now, it has been; otherwise it waits for the lock
        return reckoned(*arguments)

    monkeypatch.setattr(workqueue, "backoff", backoff)
    with workqueue.acquire(KEY) as item:
        workqueue.failed(item, "the cluster does not answer")
    watch.join()
    assert WorkKey.objects.due().filter(key=KEY, failures=0).exists()


def _work_off(rest=0.0):
    with workqueue.acquire(KEY) as item:
        assert item
        return workqueue.done(item, rest=rest)


def is_due():
    return WorkKey.objects.due().filter(key=KEY).exists()


def test_what_is_spaced_is_due_at_once_the_first_time_and_after_a_rest_the_next():
    workqueue.enqueue_spaced([KEY])
    assert _work_off(rest=3600) is None
    workqueue.enqueue_spaced([KEY])
    assert not is_due()
    WorkKey.objects.update(next_at=F("next_at") - timedelta(hours=1))
    assert is_due()


def test_what_cannot_wait_is_due_in_the_middle_of_a_rest():
    workqueue.enqueue_spaced([KEY])
    _work_off(rest=3600)
    workqueue.enqueue_spaced([KEY])
    workqueue.enqueue([KEY])
    assert is_due()


@pytest.mark.parametrize(
    ("asked", "due"), [(workqueue.enqueue_spaced, False), (workqueue.enqueue, True)], ids=["spaced", "at once"]
)
def test_what_is_asked_for_meanwhile_is_done_again_and_waits_where_it_can(asked, due):
    workqueue.enqueue([KEY])
    with workqueue.acquire(KEY) as item:
        asked([KEY])
        workqueue.done(item, rest=3600)
    assert is_due() == due
    assert WorkKey.objects.get(key=KEY).requested > WorkKey.objects.get(key=KEY).done


def test_a_rest_does_not_outlast_a_worker_that_dies_in_the_next_turn():
    workqueue.enqueue_spaced([KEY])
    _work_off(rest=3600)
    workqueue.enqueue([KEY])
    with workqueue.acquire(KEY) as item:
        WorkKey.objects.update(lease_until=None, holder="")
        item.released = True
    assert is_due()


def test_what_a_transaction_asks_for_is_asked_at_its_end_with_the_rows_locked_in_order():
    workqueue.enqueue(["c", "a", "b"])
    WorkKey.objects.update(done=F("requested"))
    with transaction.atomic(), requests_together():
        workqueue.enqueue(["c"], urgent=True)
        workqueue.enqueue_later({"b": 60.0})
        with requests_together():
            workqueue.enqueue_spaced(["a"])
        assert not WorkKey.objects.filter(requested__gt=F("done")).exists()
    assert WorkKey.objects.filter(requested__gt=F("done")).count() == 3


def test_what_a_transaction_that_fails_asks_for_is_not_asked():
    def ask_and_fail():
        with transaction.atomic(), requests_together():
            workqueue.enqueue([KEY])
            raise LookupError

    with pytest.raises(LookupError):
        ask_and_fail()
    assert not WorkKey.objects.exists()
    workqueue.enqueue([KEY])
    assert is_due()


def test_requests_while_one_waits_change_nothing():
    workqueue.enqueue_spaced([KEY], 3600)
    before = WorkKey.objects.values().get()
    workqueue.enqueue_spaced([KEY])
    assert WorkKey.objects.values().get() == before


def test_what_cannot_wait_has_a_message_though_that_of_what_can_wait_was_taken_in_vain(monkeypatch):
    sent = []
    monkeypatch.setattr(workqueue, "_send", sent.extend)
    monkeypatch.setattr(workqueue, "sender", lambda: SimpleNamespace(is_worth_it=True))
    workqueue.enqueue([KEY])
    _work_off(rest=3600)
    workqueue.enqueue_spaced([KEY])
    assert worker.run(KEY) is None  # it rests
    sent.clear()
    workqueue.enqueue([KEY])
    assert sent == [KEY]


def test_a_worker_does_what_is_due_soon_without_asking_the_rows():
    done = threading.Event()
    workqueue.enqueue_spaced([KEY])
    assert 0 < (_work_off(rest=0.2) or 0.2) <= 0.2
    workqueue.enqueue_spaced([KEY])

    def work(key):
        with workqueue.acquire(key) as item:
            if item is None:
                return workqueue.due_in(key)
            done.set()
            return workqueue.done(item)

    hands = Executor(1, work)
    assert hands.offer(KEY, 0.0)
    assert done.wait(75)
    assert hands.stop(75)


@pytest.fixture
def messages(monkeypatch):
    """What would be sent to a broker that is there."""
    sent = []
    monkeypatch.setattr(workqueue, "_send", sent.extend)
    monkeypatch.setattr(workqueue, "sender", lambda: SimpleNamespace(is_worth_it=True))
    return sent


@pytest.mark.parametrize("urgent", [False, True])
def test_keys_are_enqueued_by_one_statement_once_they_are_known_whatever_state_each_is_in(urgent, settings):
    settings.CELERY_BROKER_URL = ""
    later, long_ago = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(hours=1)
    said = {"since": long_ago, "next_at": later}
    WorkKey.objects.create(key="idle", requested=4, done=4, **said)
    WorkKey.objects.create(key="waits", requested=5, done=4, **said)
    WorkKey.objects.create(key="fails", requested=5, done=4, failures=3, **said)
    WorkKey.objects.create(key="new", next_at=long_ago)
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        workqueue.enqueue(["fails", "idle", "new", "waits"], urgent=urgent)
    assert len(asked) == 1
    rows = {row.key: row for row in WorkKey.objects.all()}
    assert {key: row.requested - row.done for key, row in rows.items()} == {"idle": 1, "new": 1, "waits": 2, "fails": 2}
    assert {key for key, row in rows.items() if row.since == long_ago} == {"waits", "fails"}
    assert {key for key, row in rows.items() if row.next_at == later} == (set() if urgent else {"fails"})
    assert rows["fails"].failures == (0 if urgent else 3)


def test_keys_are_enqueued_at_a_distance_by_two_statements_once_they_are_known_whatever_state_each_is_in(messages):
    now, hour = timezone.now(), timedelta(hours=1)
    WorkKey.objects.create(key="idle", requested=4, done=4, next_at=now - hour, since=now - hour)
    WorkKey.objects.create(key="rests", requested=4, done=4, next_at=now + hour, since=now - hour)
    WorkKey.objects.create(key="waits", requested=5, done=4, next_at=now + hour, since=now - hour)
    held = {"lease_until": now + hour, "holder": "another", "next_at": TAKEN, "since": now - hour}
    WorkKey.objects.create(key="held", requested=5, done=4, **held)
    WorkKey.objects.create(key="new", next_at=now - hour)
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        workqueue.enqueue_spaced(["held", "idle", "new", "rests", "waits"], 60)
    assert len(asked) == 2
    rows = {row.key: row for row in WorkKey.objects.all()}
    left = {key: row.requested - row.done for key, row in rows.items()}
    assert left == {"held": 2, "idle": 1, "new": 1, "rests": 1, "waits": 1}
    assert {key for key, row in rows.items() if row.since == now - hour} == {"held", "waits"}
    assert {key for key, row in rows.items() if row.next_at == now + hour} == {"rests", "waits"}
    assert {key for key, row in rows.items() if now < row.next_at < now + hour} == {"idle", "new"}
    assert rows["held"].next_at == TAKEN
    assert set(messages) == {"idle", "new", "rests"}


def test_a_key_has_one_message_under_way_and_another_where_that_was_not_heard_of_for_long(messages):
    life = workqueue.MESSAGE_LIFE + timedelta(seconds=1)
    for ask in (workqueue.enqueue, workqueue.enqueue_spaced):
        WorkKey.objects.all().delete()
        messages.clear()
        ask(["b", "a"])
        assert sorted(messages) == ["a", "b"]
        WorkKey.objects.update(done=F("requested"))
        ask(["a", "b"])
        assert sorted(messages) == ["a", "b"], "both are under way"
        WorkKey.objects.filter(key="b").update(done=F("requested"), queued_at=timezone.now() - life)
        ask(["a", "b"])
        assert sorted(messages) == ["a", "b", "b"]


def test_a_key_in_back_off_has_no_message_before_it_is_due(messages):
    WorkKey.objects.create(key=KEY, requested=1, failures=1, next_at=timezone.now() + timedelta(hours=1))
    workqueue.enqueue([KEY])
    assert not messages
    WorkKey.objects.update(next_at=timezone.now() - timedelta(hours=1))
    workqueue.enqueue([KEY])
    assert messages == [KEY]


def test_a_batch_of_the_watch_asks_once_whose_cluster_it_is():
    guard = Guard(Identity())
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        assert guard.hold()
    assert not [each for each in asked.captured_queries if '"sgportal_grid"' in each["sql"]]


def test_at_rest_few_statements_are_asked(django_assert_num_queries):
    """Each worker, watch and keeper asks these about every second, for as long as it lives."""
    workqueue.enqueue([KEY, "cells/zone"])
    WorkKey.objects.update(queued=False)
    WorkKey.objects.filter(key=KEY).update(session=7)
    with django_assert_num_queries(1):
        assert workqueue.look(10) == (["cells/zone", KEY], frozenset({7}))
    lease = ProcessLease(4, "keeper")
    assert lease.take()
    with django_assert_num_queries(1):
        assert lease.take()
    Lease.objects.update(holder="another")
    assert not lease.take()
    heard = timezone.now()
    news = SyncFreshness(["pods"])
    store = Store(news, *[None] * 4)
    with django_assert_num_queries(0):
        assert store.is_mere_news([Bookmark("pods", heard)])
    assert not store.is_mere_news([Bookmark("pods", heard), Failed("pods", "no route")])
    news.save()
    assert ResourceSync.objects.get(resource="pods").heard_at == heard
