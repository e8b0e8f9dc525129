"""What happens to a unit is looked at when it happens, not when the rollout would be looked at anyway."""

import pytest

from sgportal.models import Grid, WorkKey
from sgportal.reconciler.queue import rollout_keys, workqueue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key():
    return rollout_keys.key_of("deploymentgrids/default/web")


@pytest.fixture
def grid():
    return Grid(kind="DeploymentGrid", namespace="default", name="web")


def is_due(key):
    return WorkKey.objects.due().filter(key=key).exists()


def test_a_rollout_that_waits_for_its_next_look_is_woken(key, grid):
    rollout_keys.wake([grid])
    with workqueue.acquire(key) as item:
        workqueue.done(item, requeue_after=30.0)
    assert not is_due(key)
    rollout_keys.wake([grid])
    assert is_due(key)


def test_so_is_one_that_is_being_looked_at(key, grid):
    rollout_keys.wake([grid])
    with workqueue.acquire(key) as item:
        rollout_keys.wake([grid])
        workqueue.done(item, requeue_after=30.0)
    assert is_due(key)
