"""One thread of a worker is for cells and other small work: grids that are reconciled whole do not hold it up."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.models import WorkKey
from sgportal.reconciler import executor, tasks
from sgportal.reconciler.executor import Executor
from sgportal.reconciler.queue import workqueue

GRIDS = [f"deploymentgrids/default/g{number}" for number in range(9)]


@pytest.fixture
def slow():
    """An executor of three threads, and the event that ends what they are at."""
    end = threading.Event()
    made = Executor(3, lambda _: end.wait(75))
    yield made, end
    end.set()
    assert made.stop(75)


def test_grids_never_take_the_last_thread(slow):
    hands, _ = slow
    assert [hands.offer(key, 0.0) for key in GRIDS[:3]] == [True, True, False]
    assert hands.offer("cells/zone", 75)
    assert not hands.offer("cells/other", 0.0)
    assert not hands.offer(GRIDS[3], 0.1)


def test_a_thread_that_is_done_is_free_for_the_next(slow):
    hands, end = slow
    for key in GRIDS[:2]:
        assert hands.offer(key, 0.0)
    end.set()
    assert all(hands.offer(key, 75) for key in GRIDS[2:])


def test_a_single_thread_does_everything():
    done = threading.Event()
    hands = Executor(1, lambda _: done.set())
    assert hands.offer(GRIDS[0], 0.0)
    assert done.wait(75)
    assert hands.offer("cells/zone", 75)
    assert hands.stop(75)


@pytest.mark.django_db(transaction=True)
def test_a_message_for_a_grid_without_a_thread_is_left_to_the_rows(slow, monkeypatch):
    hands, _ = slow
    monkeypatch.setattr(executor, "current", [hands])
    for key in GRIDS[:3]:
        WorkKey.objects.create(key=key, requested=1, queued=True, queued_at=timezone.now())
        tasks.reconcile(key)
    assert workqueue.waiting(9) == [GRIDS[2]]


@pytest.mark.django_db
def test_small_work_comes_before_grids_however_long_they_have_been_due():
    for number, key in enumerate([*GRIDS, "cells/zone", "status/zone", "duties/resync"]):
        at = timezone.now() - timedelta(hours=20 - number)
        WorkKey.objects.create(key=key, requested=1, next_at=at)
    assert set(workqueue.waiting(3)) == {"cells/zone", "status/zone", "duties/resync"}
    assert set(workqueue.waiting(12)[3:]) == set(GRIDS)
