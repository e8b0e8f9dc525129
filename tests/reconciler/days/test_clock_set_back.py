"""The database's clock was an hour ahead for a while, and is right again: what was to wait until a time by the wrong
clock does not wait for an hour."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from sgportal.models import Grid, GridUnit, Heartbeat, Lease, WorkKey
from sgportal.reconciler.executor import Executor
from sgportal.reconciler.grids.status import cells
from sgportal.reconciler.poller import Poller
from sgportal.reconciler.queue import workqueue

from ..world import a_grid

pytestmark = pytest.mark.django_db(transaction=True)
KEY, OTHER = "cells/site", "deploymentgrids/default/web"
HOUR = timedelta(hours=1)


def _one_round(monkeypatch):
    """What a worker does once a second; it hands out nothing."""
    monkeypatch.setattr(Poller, "_hand_out", lambda self, keys: None)
    Poller(Executor(1))._round()


@pytest.fixture
def an_hour_ahead():
    """The rows as they are written by a clock that is an hour ahead."""
    now = timezone.now()
    workqueue.enqueue([KEY, OTHER])
    WorkKey.objects.filter(key=KEY).update(next_at=now + HOUR, queued=True, queued_at=now + HOUR, since=now + HOUR)
    WorkKey.objects.filter(key=OTHER).update(lease_until=now + HOUR, holder="somebody")
    Lease.objects.create(name="watch", holder="somebody", expires_at=now + HOUR)
    grid = Grid.objects.create(kind="DeploymentGrid", namespace="default", name="web", spec=a_grid()["spec"])
    GridUnit.objects.create(grid=grid, name="a", state="Degraded", failures=1, next_at=now + HOUR)


def test_what_waits_is_due_and_leases_end_as_ever(an_hour_ahead, monkeypatch):
    Heartbeat.objects.create(kind="worker", name="before", at=timezone.now() + HOUR)
    _one_round(monkeypatch)
    assert WorkKey.objects.due().filter(key=KEY, queued=False).exists()
    assert GridUnit.objects.get().next_at is None
    soon = timezone.now() + timedelta(seconds=40)
    assert WorkKey.objects.get(key=OTHER).lease_until < soon
    assert Lease.objects.get().expires_at < soon
    assert WorkKey.objects.get(key=OTHER).holder == "somebody"  # who may live
    assert not Heartbeat.objects.filter(at__gt=timezone.now()).exists()


def test_what_waits_goes_on_waiting_where_the_clock_is_as_it_was(an_hour_ahead, monkeypatch):
    Heartbeat.objects.create(kind="worker", name="before", at=timezone.now() - timedelta(seconds=3))
    _one_round(monkeypatch)
    assert not WorkKey.objects.due().filter(key=KEY).exists()
    assert GridUnit.objects.get().next_at > timezone.now()


def test_a_cell_waits_no_longer_than_a_back_off_lasts():
    """Its time is by a worker's own clock, which may have been wrong as well."""
    now = timezone.now()
    waits = {"a": HOUR, "b": timedelta(seconds=10), "c": timedelta(seconds=-1)}
    of_units = {name: GridUnit(name=name, next_at=now + after) for name, after in waits.items()}
    steps = [SimpleNamespace(unit=name) for name in waits]
    assert [step.unit for step in cells.ready_to_try(of_units, steps)] == ["a", "c"]
