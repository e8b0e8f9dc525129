"""In which order a transaction takes what others want as well."""

from collections.abc import Callable

import pytest
from django.db import transaction

from sgportal.actions import delete_grid, delete_group, save_group, steer_rollout
from sgportal.models import Grid, ServiceGroup
from sgportal.reconciler.queue import workqueue
from sgportal.reconciler.queue.together import TakenApart, requests_together

from ..world import ADA, World
from .test_packages import WAVES, a_member, a_package, apply, resync, world

__all__ = ["world"]
pytestmark = pytest.mark.embedded_only


def test_work_that_is_asked_for_one_after_the_other_is_found(transactional_db) -> None:
    with transaction.atomic():
        workqueue.enqueue(["b"])
        workqueue.enqueue(["b"], urgent=True)
        with pytest.raises(TakenApart, match="a"):
            workqueue.enqueue(["a"])
    with transaction.atomic(), requests_together():
        workqueue.enqueue(["b"])
        workqueue.enqueue(["a"])
    workqueue.enqueue(["b"])
    workqueue.enqueue(["a"])


def save(world: World) -> None:
    save_group(a_package(a_member("web", "img:2"), a_member("door"), rollout=WAVES), ADA)


def delete(world: World) -> None:
    delete_group(ServiceGroup.objects.get(), ADA)


def delete_one(world: World) -> None:
    delete_grid(Grid.objects.get(name="db"), ADA)


def steer(world: World) -> None:
    apply(world, a_package(a_member("db", "img:2"), a_member("web", "img:2"), rollout=WAVES, dependsOn=ON_DB))
    steer_rollout(Grid.objects.get(name="db"), "pause", ADA)


def by_kubectl(world: World) -> None:
    body = resync(world)
    world.cluster.delete("ServiceGroup", "default", "shop", uid=body["metadata"]["uid"])
    resync(world)


ON_DB = {"dg/web": ["dg/db"]}


@pytest.mark.parametrize("act", [save, delete, delete_one, steer, by_kubectl])
def test_all_work_of_a_package_is_taken_together(world: World, act: Callable[[World], None], caplog) -> None:
    apply(world, a_package(a_member("db"), a_member("web"), rollout=WAVES, dependsOn=ON_DB))
    world.until_ready("db-a", "db-b")
    resync(world)
    act(world)
    for _ in range(3):
        world.later(5)
    assert "TakenApart" not in caplog.text
