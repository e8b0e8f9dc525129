"""A package that goes while others make something of the same name."""

import pytest

from sgportal.actions import delete_group
from sgportal.models import Grid, ServiceGroup
from sgportal.reconciler.grids.resource import sync
from sgportal.reconciler.groups import deletion

from ..world import ADA, World
from .test_packages import KIND, a_member, a_package, apply, world

__all__ = ["world"]
pytestmark = pytest.mark.embedded_only


def test_a_member_that_is_made_again_meanwhile_is_not_waited_for(world: World) -> None:
    apply(world, a_package(a_member("db"), a_member("web")))
    delete_group(ServiceGroup.objects.get(), ADA)
    before = world.get("db", "DeploymentGrid")
    world.cluster.delete("DeploymentGrid", "default", "db", uid=before["metadata"]["uid"])
    again = {**a_member("db", "img:2"), "apiVersion": "superedge.io/v1"}
    again["metadata"]["namespace"], again["spec"]["gridUniqKey"] = "default", "zone"
    made = world.cluster.apply(again).body
    sync.observe("DeploymentGrid", "default", "db", made)
    for _ in range(4):
        world.later(5)
    assert not ServiceGroup.objects.exists()
    assert world.cluster.get(KIND, "default", "shop") is None
    left = Grid.objects.get()
    assert (left.name, left.group_id, left.deleting_since) == ("db", None, None)
    live = world.get("db", "DeploymentGrid")["metadata"]
    assert live["uid"] == made["metadata"]["uid"]
    assert "sgportal.superedge.io/servicegroup" not in (live.get("annotations") or {})
    assert world.names() == ["db-a", "db-b"]


def test_an_old_request_deletes_no_package_that_was_made_again(world: World) -> None:
    body = apply(world, a_package(a_member("db")))
    world.cluster.delete(KIND, "default", "shop", uid=body["metadata"]["uid"])
    going = world.cluster.get(KIND, "default", "shop")
    group = ServiceGroup.objects.get()
    ServiceGroup.objects.update(cluster_uid="another")  # taken in meanwhile by another process
    deletion.begin(group, going, world.cluster)
    assert ServiceGroup.objects.get().deleting_since is None
    assert Grid.objects.get().deleting_since is None
