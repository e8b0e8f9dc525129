"""What pages say while nobody works or keeps: rows that workers make are then older than the cluster's news."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.models import Heartbeat, WorkKey
from sgportal.reconciler.process import heartbeat

from ..addresses import GRID

PAGES = ("/", "/matrix/", "/nodes/", "/activity/", GRID, "/?kiosk=1", "/pulse/")
WORDS = {"worker": "No worker is running.", "keeper": "No keeper is running."}
DEAD, ALIVE = timedelta(seconds=31), timedelta(seconds=5)


def beat(kind, ago, name="one"):
    Heartbeat.objects.update_or_create(kind=kind, name=name, defaults={"at": timezone.now() - ago})


def text(client, address, **headers):
    return client.get(address, headers=headers).content.decode()


@pytest.mark.parametrize("kind", WORDS)
def test_every_page_says_that_none_is_left_and_since_when(viewer, fleet, kind):
    beat(kind, DEAD)
    at = Heartbeat.objects.get().at
    for address in PAGES:
        page = text(viewer, address)
        assert WORDS[kind] in page, address
        assert f'datetime="{at.isoformat(timespec="seconds")}"' in page, address
    beat(kind, ALIVE, "two")
    for address in PAGES:
        assert WORDS[kind] not in text(viewer, address), address


def test_it_is_said_in_the_readers_language(viewer, fleet):
    beat("worker", DEAD)
    viewer.cookies.load({"django_language": "zh-hans"})
    assert "worker 进程未在运行" in text(viewer, "/")


def test_workers_that_ended_in_order_are_missed_once_something_waits(viewer, fleet):
    WorkKey.objects.all().delete()
    assert WORDS["worker"] not in text(viewer, "/")
    waits = {"requested": 1, "next_at": timezone.now() - DEAD, "since": timezone.now() - DEAD}
    WorkKey.objects.create(key="deploymentgrids/default/shop", **waits)
    assert WORDS["worker"] in text(viewer, "/")


def test_a_page_that_is_kept_is_not_said_to_be_unchanged_once_nobody_works(viewer, fleet):
    beat("worker", ALIVE)
    viewer.get("/")  # the cookie of its forms
    first = viewer.get("/nodes/")
    assert viewer.get("/nodes/", headers={"if-none-match": first["ETag"]}).status_code == 304
    beat("worker", DEAD)
    answer = viewer.get("/nodes/", headers={"if-none-match": first["ETag"]})
    assert answer.status_code == 200
    assert WORDS["worker"] in answer.content.decode()


def test_a_keeper_that_ended_in_order_is_missed_however_long_ago(viewer, fleet):
    writer = heartbeat.HeartbeatWriter("keeper", "one")
    writer.beat()
    assert heartbeat.count()["keeper"] == 1
    writer.end()
    assert heartbeat.count()["keeper"] == 0
    assert WORDS["keeper"] not in text(viewer, "/"), "the next one may be on its way"
    for ago in (DEAD, timedelta(days=3)):
        Heartbeat.objects.update(at=timezone.now() - ago)
        heartbeat.forget()
        assert WORDS["keeper"] in text(viewer, "/"), ago
    heartbeat.HeartbeatWriter("keeper", "two").beat()
    assert WORDS["keeper"] not in text(viewer, "/")
    heartbeat.forget()
    assert Heartbeat.objects.get().name == "two"
