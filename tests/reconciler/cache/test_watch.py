"""The watch on a real wire: what happens in the cluster is soon in our rows, and the right grids are woken."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from sgportal.cluster import MERGE_PATCH
from sgportal.models import Child, Grid, Heartbeat, Journal, Lease, Node, NodeLabel, Pod, ResourceSync, WorkKey
from sgportal.reconciler.cache import refresh
from sgportal.reconciler.cache.pod_scope import CurrentScope
from sgportal.reconciler.cache.refresh import BY_RESOURCE
from sgportal.reconciler.informer.reflector import Pace
from sgportal.reconciler.watcher import Store
from tests.services import in_time

from ..watching import QUICK, a_watch, all_done, node_names, slower, unit_of, until, wishes
from ..world import World, a_grid, a_template

PATH, CELLS = "deploymentgrids/default/g", "cells/zone"


def grid_row(name: str = "g", key: str = "zone", **fields: object) -> Grid:
    return Grid.objects.create(kind="DeploymentGrid", namespace="default", name=name, key=key, **fields)


def label(world: World, node: str, **labels: str | None) -> None:
    world.cluster.patch("Node", "", node, {"metadata": {"labels": labels}}, MERGE_PATCH)


def deployment(name: str, **labels: str) -> dict:
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": a_template()}


def test_a_label_moves_a_node_and_wakes_the_grids_of_its_key(world: World) -> None:
    grid_row()
    grid_row("other", key="elsewhere")
    with a_watch(world.cluster):
        seen = wishes(CELLS)
        label(world, "node0", zone="a")
        until(lambda: unit_of("node0") == "a")
        assert Node.objects.get(name="node0").labels["zone"] == "a"
        until(lambda: wishes(CELLS) == seen + 1)
        label(world, "node0", zone="b")
        until(lambda: unit_of("node0") == "b")
        label(world, "node0", zone=None)
        until(lambda: unit_of("node0") == "")
        until(lambda: wishes(CELLS) == seen + 3)
    assert wishes("cells/elsewhere") == 0
    told = set(Journal.objects.values_list("kind", "key"))
    assert {("node", "node0"), ("unit", "zone")} <= told
    assert not any(key.startswith("kubernetes.io") for kind, key in told if kind == "unit")


def test_what_nodes_say_is_stored_without_asking_which_pods_are(world: World, monkeypatch) -> None:
    """A new NodeUnit waits for each statement that comes before; pods are restricted where there are any."""
    grid_row()
    asked: list[str] = []
    stored: list[tuple[set[str], int]] = []
    refresh_scope, write = CurrentScope.refresh, Store.write

    def writing(store, batch) -> None:
        before = len(asked)
        write(store, batch)
        stored.append(({each.resource for each in batch}, len(asked) - before))

    monkeypatch.setattr(CurrentScope, "refresh", lambda scope: (asked.append(""), refresh_scope(scope))[1])
    monkeypatch.setattr(Store, "write", writing)
    with a_watch(world.cluster):
        until(node_names)
        stored.clear()
        for unit in "abcd":  # one may be stored together with what others said
            label(world, "node0", zone=unit)
            until(lambda unit=unit: unit_of("node0") == unit)
        until(lambda: ({"nodes"}, 0) in stored)
        world.cluster.apply(deployment("g-a"))
        until(lambda: any("deployments" in resources and count == 1 for resources, count in stored))


def test_readiness_wakes_the_cells_of_the_units_that_the_node_is_in(world: World) -> None:
    grid_row()
    label(world, "node0", zone="a")
    with a_watch(world.cluster):
        seen = all_done(CELLS)
        world.server.set_node_ready("node0", False)
        until(lambda: Node.objects.get(name="node0").ready == "NotReady")
        until(lambda: wishes(CELLS) > seen)
        seen = all_done(CELLS)
        world.server.set_node_ready("node1", False)  # carries no key of any grid
        until(lambda: Node.objects.get(name="node1").ready == "NotReady")
        assert wishes(CELLS) == seen


def test_what_came_and_went_unseen_is_repaired_at_the_start(world: World) -> None:
    missed = grid_row(cluster_uid="was-there")
    Node.objects.create(name="ghost", uid="1", labels={"zone": "a"})
    NodeLabel.objects.create(node=Node.objects.get(name="ghost"), key="zone", value="a")
    Pod.objects.create(uid="2", namespace="default", name="ghost")
    Child.objects.create(kind="Service", namespace="default", name="ghost", uid="3")
    Node.objects.filter(name="node0").update(labels={"zone": "wrong"})
    world.cluster.apply(deployment("new"))
    with a_watch(world.cluster):
        assert node_names() == ["node0", "node1", "node2"]
        assert "zone" not in Node.objects.get(name="node0").labels
        assert not NodeLabel.objects.filter(key="zone").exists()
        assert not Pod.objects.filter(name="ghost").exists()
        assert not Child.objects.filter(name="ghost").exists()
        assert Child.objects.filter(kind="Deployment", name="new").exists()
        assert wishes(missed.path) >= 1


def test_children_and_pods_wake_their_cell_and_strangers_do_not(world: World) -> None:
    grid_row()
    label(world, "node0", zone="a")
    with a_watch(world.cluster):
        quiet = all_done(CELLS)
        world.cluster.apply(deployment("stranger"))
        stranger = until(lambda: Child.objects.filter(name="stranger").first())
        assert stranger.body.keys() == {"apiVersion", "kind", "metadata"}
        assert wishes(CELLS) == quiet
        world.cluster.apply(deployment("g-a", **{"superedge.io/grid-selector": "g"}))
        pod = until(lambda: Pod.objects.filter(child="g-a", ready=True).first())
        assert (pod.child_kind, pod.node[:4], bool(pod.ips), pod.reason) == ("Deployment", "node", True, "")
        until(lambda: Child.objects.get(name="g-a").body["status"].get("readyReplicas") == 1)
        assert Child.objects.get(name="g-a").grid_name == "g"
        assert wishes(CELLS) > quiet
        seen = all_done(CELLS)
        world.cluster.delete("Deployment", "default", "g-a")
        until(lambda: not Child.objects.filter(name="g-a").exists())
        until(lambda: not Pod.objects.filter(child="g-a").exists())
        assert wishes(CELLS) > seen
        assert not Pod.objects.filter(child="stranger").exists()
    assert Journal.objects.filter(kind="grid", key=PATH).exists()


def test_a_grid_that_waits_for_a_name_is_woken_when_the_name_may_be_free(world: World) -> None:
    grid_row().units.create(name="a", state="Blocked", reason="NameConflict")
    world.cluster.apply(deployment("g-a"))
    with a_watch(world.cluster):
        seen = wishes(PATH)
        world.cluster.delete("Deployment", "default", "g-a")
        until(lambda: wishes(PATH) > seen)


def test_a_custom_resource_gets_a_row_and_its_end_is_passed_on(world: World) -> None:
    with a_watch(world.cluster):
        manifest = a_grid()
        manifest["metadata"]["namespace"] = "default"
        world.cluster.apply(manifest)
        until(lambda: wishes(PATH))
        grid = Grid.objects.get(name="g")
        assert grid.home == "cluster"
        Grid.objects.update(cluster_uid="known")  # as the reconciler notes
        seen = wishes(PATH)
        world.cluster.delete("DeploymentGrid", "default", "g")
        until(lambda: wishes(PATH) > seen)


@pytest.mark.embedded_only
def test_dropped_watches_are_resumed_without_listing_again(world: World) -> None:
    with a_watch(world.cluster):
        listed = ResourceSync.objects.get(resource="nodes").synced_at
        for number in range(3):
            world.embedded.faults.drop_watches()
            label(world, "node0", zone=f"u{number}")
            until(lambda number=number: unit_of("node0") == f"u{number}")
        assert ResourceSync.objects.get(resource="nodes").synced_at == listed
        assert not ResourceSync.objects.exclude(failing_since=None).exists()


@pytest.mark.embedded_only
def test_a_connection_that_is_dead_without_a_word_is_noticed_and_nothing_is_lost(world: World, monkeypatch) -> None:
    monkeypatch.setattr(Pace, "stream", 300)  # the server does not end it either
    with a_watch(world.cluster, slower(QUICK, silence=0.4)):
        world.embedded.faults.half_open = True
        label(world, "node0", zone="a")
        time.sleep(0.6)
        assert unit_of("node0") == ""
        world.embedded.faults.clear()
        until(lambda: unit_of("node0") == "a")


@pytest.mark.embedded_only
def test_a_forgotten_version_leads_to_a_fresh_list(world: World) -> None:
    with a_watch(world.cluster):
        listed = ResourceSync.objects.get(resource="nodes").synced_at
        world.embedded.faults.half_open = True  # what happens now is told to nobody
        label(world, "node0", zone="a")
        time.sleep(0.2)
        world.embedded.compact()
        world.embedded.faults.drop_watches()
        world.embedded.faults.clear()
        until(lambda: unit_of("node0") == "a")
        until(lambda: ResourceSync.objects.get(resource="nodes").synced_at > listed)


def test_an_unreachable_cluster_is_said_and_its_return_wakes_everybody(world: World) -> None:
    grid_row()
    with a_watch(world.cluster):
        world.server.unreachable(True)
        failing = until(lambda: ResourceSync.objects.filter(resource="nodes").exclude(failing_since=None).first())
        until(lambda: "refused" in ResourceSync.objects.get(resource="nodes").error)
        WorkKey.objects.update_or_create(
            key=PATH, defaults={"failures": 5, "next_at": timezone.now() + timedelta(hours=1)}
        )
        time.sleep(0.5)
        again = ResourceSync.objects.get(resource="nodes")
        assert again.failing_since == failing.failing_since  # the first failure counts
        assert Node.objects.count() == 3  # what was known stays
        world.server.unreachable(False)
        world.server.set_node_ready("node1", False)
        until(lambda: not ResourceSync.objects.exclude(failing_since=None).exists())
        until(lambda: Node.objects.get(name="node1").ready == "NotReady")
        until(lambda: WorkKey.objects.filter(key=PATH, failures=0, next_at__lte=timezone.now()).exists())
    assert Journal.objects.filter(kind="cluster", key="nodes").count() >= 2


@pytest.mark.embedded_only
def test_a_resource_that_may_not_be_read_fails_alone(world: World) -> None:
    world.embedded.faults.add("status", methods=["GET"], path="/pods$", code=403)
    with a_watch(world.cluster, wait=False):
        until(lambda: ResourceSync.objects.filter(resource="pods").exclude(error="").exists())
        label(world, "node0", zone="a")
        until(lambda: unit_of("node0") == "a")
        assert not ResourceSync.objects.get(resource="nodes").failing_since
        world.embedded.faults.clear()
        until(lambda: ResourceSync.objects.get(resource="pods").synced_at)


def test_an_idle_watch_keeps_its_news_fresh(world: World) -> None:
    with a_watch(world.cluster, slower(QUICK, silence=1.5)):
        before = dict(ResourceSync.objects.values_list("resource", "heard_at"))
        began = timezone.now()
        until(lambda: ResourceSync.objects.filter(heard_at__gt=began).count() == len(before))
        assert in_time((timezone.now() - began).total_seconds(), 6)


def test_kinds_the_cluster_does_not_know_are_looked_for_again(world: World, settings) -> None:
    settings.SGPORTAL_INSTALL_CRDS = False
    for kind in ("deploymentgrids", "statefulsetgrids", "servicegrids"):
        world.cluster.delete("CustomResourceDefinition", "", f"{kind}.superedge.io")
    with a_watch(world.cluster, wait=False):
        until(lambda: ResourceSync.objects.filter(served=False).count() == 3)
        until(lambda: ResourceSync.objects.filter(served=True).exclude(synced_at=None).count() == len(BY_RESOURCE) - 3)
        world.look()
        from sgportal.cluster import install_crds

        install_crds(world.cluster)
        until(lambda: ResourceSync.objects.filter(served=True).exclude(synced_at=None).count() == len(BY_RESOURCE))


def test_definitions_are_installed_unless_told_otherwise(world: World) -> None:
    world.cluster.delete("CustomResourceDefinition", "", "servicegrids.superedge.io")
    world.until(lambda: not world.cluster.get("CustomResourceDefinition", "", "servicegrids.superedge.io"))
    with a_watch(world.cluster):
        assert world.cluster.get("CustomResourceDefinition", "", "servicegrids.superedge.io")


def test_a_definition_that_is_being_deleted_is_installed_once_it_is_gone(world: World) -> None:
    """The portal may start meanwhile, and does not wait for it: what it applied to that one would go with it."""
    kind, name = "CustomResourceDefinition", "servicegrids.superedge.io"
    finalizers = (world.get(name, kind, "")["metadata"].get("finalizers") or []) + ["example.com/hold"]
    world.cluster.patch(kind, "", name, {"metadata": {"finalizers": finalizers}}, MERGE_PATCH)
    old = world.get(name, kind, "")["metadata"]["uid"]
    world.cluster.delete(kind, "", name)
    with a_watch(world.cluster):
        assert world.get(name, kind, "")["metadata"]["uid"] == old
        world.cluster.patch(kind, "", name, {"metadata": {"finalizers": None}}, MERGE_PATCH)
        world.until(lambda: (world.cluster.get(kind, "", name) or {"metadata": {"uid": old}})["metadata"]["uid"] != old)
        assert "deletionTimestamp" not in world.get(name, kind, "")["metadata"]
        until(lambda: ResourceSync.objects.get(resource="servicegrids").served)


def test_a_batch_the_database_would_not_take_is_tried_again(world: World, monkeypatch) -> None:
    store, troubles = refresh.write, [OperationalError("database is locked")] * 2

    def sometimes(*arguments: object) -> None:
        if troubles and arguments[1]:
            raise troubles.pop()
        store(*arguments)

    with a_watch(world.cluster):
        monkeypatch.setattr(refresh, "write", sometimes)
        label(world, "node0", zone="a")
        until(lambda: unit_of("node0") == "a")
    assert not troubles


def test_it_leaves_at_once_and_leaves_nothing_behind(world: World) -> None:
    with a_watch(world.cluster) as running:
        until(lambda: Heartbeat.objects.filter(kind="watch").count() == 1)  # written after what was seen first
        assert in_time(running.stop(), 5)
    assert not Lease.objects.exists()
    assert not Heartbeat.objects.exists()
    assert not [each for each in threading.enumerate() if each.name.startswith("watch ")]


@pytest.mark.embedded_only
def test_it_leaves_in_time_though_the_cluster_is_mute(world: World) -> None:
    world.embedded.faults.add("silence", path="/nodes$")
    with a_watch(world.cluster, wait=False) as running:
        until(lambda: ResourceSync.objects.filter(resource="pods").exclude(synced_at=None).exists())
        assert in_time(running.stop(), 5)
    world.embedded.faults.clear()


def test_one_acts_and_the_other_takes_over(world: World) -> None:
    with (
        a_watch(world.cluster, lease_seconds=1.5) as first,
        a_watch(world.cluster, lease_seconds=1.5, wait=False) as second,
    ):
        time.sleep(0.6)
        assert Lease.objects.get().holder == first.watcher._lease.holder
        until(lambda: Heartbeat.objects.filter(kind="watch").count() == 2)
        first.stop()  # gives the lease back
        until(lambda: Lease.objects.filter(holder=second.watcher._lease.holder).exists())
        label(world, "node0", zone="a")
        until(lambda: unit_of("node0") == "a")


def test_a_watch_that_dies_is_followed_when_its_lease_is_over(world: World, monkeypatch) -> None:
    with a_watch(world.cluster, lease_seconds=1.0) as first:
        monkeypatch.setattr(first.watcher._lease, "release", lambda: None)  # as if killed
        first.stop()
    began = time.monotonic()
    with a_watch(world.cluster, lease_seconds=1.0) as second:
        assert Lease.objects.get().holder == second.watcher._lease.holder
        assert time.monotonic() - began > 0.3


def test_who_loses_the_lease_writes_nothing_more(world: World) -> None:
    with a_watch(world.cluster, lease_seconds=0.6):
        Lease.objects.update(holder="another", expires_at=timezone.now() + timedelta(seconds=2))
        label(world, "node0", zone="a")
        time.sleep(0.8)
        assert unit_of("node0") == ""
        until(lambda: unit_of("node0") == "a")  # the other's time is over


def test_the_command_runs_until_it_is_asked_to_end(monkeypatch) -> None:
    import signal

    from django.core.management import call_command

    from sgportal.management import ending
    from sgportal.management.commands import watch

    handlers = {}
    monkeypatch.setattr(ending.signal, "signal", handlers.__setitem__)

    def run(stop: threading.Event) -> None:
        assert not stop.is_set()
        handlers[signal.SIGTERM](signal.SIGTERM, None)
        assert stop.wait(75)

    monkeypatch.setattr(watch, "watch", run)
    call_command("watch")
    assert handlers.keys() == {signal.SIGTERM, signal.SIGINT}


@pytest.mark.parametrize("failures", [0, 3, 50])
def test_waits_grow_and_are_capped(failures: int) -> None:
    pace = Pace()
    longest = min(0.2 * 2**failures, 30)
    assert longest / 2 <= pace.backoff(failures, None) <= longest
    assert pace.backoff(failures, 60.0) == 60.0
