"""The queue's rows on PostgreSQL, where whoever changes several rows holds a lock on each to the end."""

import pytest

from .processes import Portal

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.timeout(400)]
AT_ONCE = """
import random, threading, time
from django.db import connection, transaction
from sgportal.models import WorkKey
from sgportal.reconciler.queue import workqueue as work
from sgportal.reconciler.queue.together import requests_together

KEYS = [f"deploymentgrids/default/g{number}" for number in range(400)]
until = time.monotonic() + 6
trouble = []

def wish():
    work.enqueue(random.sample(KEYS, 200), urgent=random.random() < 0.5)

def watch():
    with transaction.atomic(), requests_together():
        for key in random.sample(KEYS, 20):
            work.enqueue([key], urgent=True)
        work.enqueue_spaced(random.sample(KEYS, 20), 1.0)
        work.enqueue_later(dict.fromkeys(random.sample(KEYS, 20), 1.0))

def borrow():
    with work.acquire_free(random.sample(KEYS, 200)):
        pass

def fulfil():
    with work.acquire(random.choice(KEYS)) as turn:
        if turn:
            work.done(turn)

def look():
    work.waiting(50)
    work.ensure(KEYS[:5])

def go(action):
    try:
        while time.monotonic() < until:
            action()
    except Exception as error:
        trouble.append(f"{action.__name__}: {error}".strip())
    finally:
        connection.close()

actions = (wish,)*4 + (watch,)*3 + (borrow,)*6 + (fulfil,)*2 + (look,)
threads = [threading.Thread(target=go, args=[each]) for each in actions]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(trouble, WorkKey.objects.count(), WorkKey.objects.exclude(lease_until=None).count())
"""


def test_those_who_change_many_rows_at_once_never_lock_each_other_out(tmp_path, postgres_server, redis_server):
    portal = Portal(
        tmp_path,
        {"SECRET_KEY": "only-for-tests", "DATABASE_URL": postgres_server.url(), "CELERY_BROKER_URL": redis_server.url},
    )
    portal.migrate()
    assert portal.python(AT_ONCE) == "[] 400 0"
