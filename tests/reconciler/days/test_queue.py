"""Two processes at one key of the work queue at the same moment."""

import threading

import pytest
from django.db import connection

from sgportal.models import WorkKey
from sgportal.reconciler.queue import workqueue

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
