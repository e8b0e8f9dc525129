"""The cluster at the portal's address is another one: nothing is written to it and nothing is forgotten, until the
right one is back or a person decides."""

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal import actions
from sgportal.cluster import MERGE_PATCH, AnotherCluster, connect, install_crds
from sgportal.core.names import SERVICE_NAME
from sgportal.models import AuditEvent, Grid, GridUnit, LabelJob, ManagedCluster, ManagementMode, Node, NodeUsage
from sgportal.reconciler import keeper_process
from sgportal.reconciler.process import connection
from sgportal.reconciler.queue import workqueue

from ..discovery.superedge_stand_in import SuperEdge
from ..watching import QUICK, until
from ..world import ADA, World, a_grid, a_template, seed
from .fleet import Stage, at_work, writes_to

pytestmark = pytest.mark.embedded_only
CHILDREN = ["kubectl-a", "kubectl-b", "portal-a", "portal-b"]


@pytest.fixture
def stage(world: World):
    """Two sites; what follows may replace the cluster."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    made = Stage(world)
    with made.stack:
        yield made


def grids(world: World) -> None:
    """A grid from each door, with its workloads."""
    actions.save_grids([a_grid("portal", template=a_template(app="p"))], ADA)
    world.cluster.apply(a_grid("kubectl", template=a_template(app="k")))
    until(lambda: world.names() == CHILDREN)
    until(lambda: Grid.objects.exclude(cluster_uid="").filter(state="Ready").count() == 2)


def names() -> list[str]:
    return sorted(Grid.objects.values_list("name", flat=True))


def halted(reason: str = "another-cluster") -> ManagedCluster:
    return until(lambda: ManagedCluster.objects.filter(halt=reason).first())


def untouched() -> list[object]:
    """What is remembered of intent and of the cluster."""
    grids = Grid.objects.order_by("name").values_list("name", "home", "spec", "state", "cluster_uid")
    units = GridUnit.objects.order_by("grid__name", "name").values_list("name", "state", "ready", "gone_since")
    return [list(grids), list(units), sorted(Node.objects.values_list("name", "labels__zone", "uid"))]


def test_another_cluster_at_the_same_address_gets_nothing_and_takes_nothing(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        assert ManagedCluster.now().uid == stage.world.cluster.uid()
        before = untouched()
        other = stage.swap()
        row = halted()
        assert row.facts["seen"] == stage.world.cluster.uid() != row.uid
        time.sleep(3)
        assert writes_to(other) == {}
        assert untouched() == before
    assert AuditEvent.objects.get(verb="stop").after["seen"] == row.facts["seen"]
    assert AuditEvent.objects.filter(verb="delete").count() == 0


def test_a_portal_that_starts_while_another_cluster_is_there_believes_nothing_of_it(stage: Stage) -> None:
    """Its first act is to list everything."""
    with at_work():
        grids(stage.world)
    before, looked_at = untouched(), ManagementMode.now().looked_at
    connection.disconnect()
    other = stage.swap()
    with at_work(wait=False):
        halted()
        time.sleep(2)
    assert writes_to(other) == {}
    assert untouched() == before
    assert ManagementMode.now().looked_at == looked_at


def test_the_right_cluster_again_goes_on_by_itself(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        other = stage.swap()
        halted()
        stage.back(other)
        until(lambda: not ManagedCluster.now().halt)
        stage.world.cluster.delete("Deployment", "default", "portal-a")
        until(lambda: stage.world.names() == CHILDREN)
        assert names() == ["kubectl", "portal"]
    assert AuditEvent.objects.filter(verb="resume").count() == 1


def test_intent_is_refused_and_says_why_while_everything_stops(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        other = stage.swap()
        row = halted()
        with pytest.raises(actions.ReadOnly) as caught:
            actions.save_grids([a_grid("new", template=a_template())], ADA)
        assert row.facts["seen"] in str(caught.value.sentence)
        with pytest.raises(actions.ReadOnly):
            actions.label_node("node0", {"zone": None}, ADA)
        with pytest.raises(actions.ReadOnly):
            actions.delete_grid(Grid.objects.get(name="portal"), ADA)
        assert writes_to(other) == {}


def test_a_job_of_labels_waits_for_the_right_cluster(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        other = stage.swap()
        halted()
        results = {"node2": {"before": {"zone": None}, "state": "pending", "detail": ""}}
        job = LabelJob.objects.create(changes={"zone": "c"}, results=results, author="ada")
        workqueue.enqueue([f"labeljobs/{job.pk}"], urgent=True)
        time.sleep(1.5)
        assert LabelJob.objects.get().results["node2"]["state"] == "pending"
        assert writes_to(other) == {}
        stage.back(other)
        until(lambda: LabelJob.objects.get().state == "done")
        assert stage.world.get("node2", "Node", "")["metadata"]["labels"]["zone"] == "c"


def test_a_worker_that_is_led_elsewhere_writes_nothing_there(stage: Stage, embedded_cluster, monkeypatch) -> None:
    """Its own configuration may name another cluster than that of the watch."""
    world = stage.world
    world.save(a_grid("portal", template=a_template()))
    ManagedCluster.objects.update_or_create(pk=1, defaults={"uid": world.cluster.uid()})
    elsewhere = embedded_cluster()
    monkeypatch.setenv("SGPORTAL_DEMO_KUBECONFIG", str(elsewhere.kubeconfig_path))
    connection.disconnect()
    actions.save_grids([a_grid("new", template=a_template(app="n"))], ADA)
    before = untouched()
    world.settle()
    assert untouched() == before
    assert names() == ["new", "portal"]
    assert writes_to(elsewhere) == {}
    assert not ManagedCluster.now().halt  # the watch, which all go by, sees the right one
    with pytest.raises(AnotherCluster):
        connection.cluster().delete("Node", "", "node0")


def test_the_keeper_writes_nothing_to_another_cluster(stage: Stage) -> None:
    world, stop = stage.world, threading.Event()
    turns = keeper_process.LeaderElection(QUICK, lease_seconds=1.5)
    keeper = threading.Thread(target=turns.run, args=(stop,), daemon=True)
    with at_work():
        keeper.start()
        try:
            grids(world)
            service = seed("servicegrid")
            service["spec"]["gridUniqKey"] = "zone"
            actions.save_grids([service], ADA)
            until(lambda: world.cluster.list("EndpointSlice", "default", label_selector=SERVICE_NAME).items)
            other = stage.swap()
            halted()
            time.sleep(2)
            assert writes_to(other) == {}
        finally:
            stop.set()
            keeper.join(75)


def test_superedge_in_another_cluster_says_nothing_of_this_one(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        other = stage.swap()
        halted()
        foreign = connect("demo")
        edge = SuperEdge(foreign)
        edge.start()
        time.sleep(1.5)
        foreign.close()
        assert ManagementMode.now().may_write
        stage.back(other)
        until(lambda: not ManagedCluster.now().halt)
        assert ManagementMode.now().may_write


def test_a_decision_is_about_what_was_shown(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        with pytest.raises(actions.Refused):
            actions.decide("restore", "", ADA)
        stage.swap()
        row = halted()
        with pytest.raises(actions.Stale):
            actions.decide("restore", "0" * 16, ADA)
        with pytest.raises(actions.Refused):
            actions.decide("panic", row.halt_id, ADA)
        assert ManagedCluster.now().halt


def test_everything_is_restored_in_a_new_cluster(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        stage.swap()
        row = halted()
        # At a time that is not old enough to go by itself.
        NodeUsage.objects.create(node="node0", at=timezone.now() + timedelta(days=1), cpu=1, memory=1)
        actions.decide("restore", row.halt_id, ADA)
        assert not NodeUsage.objects.exists()
        world = stage.world
        until(lambda: world.names() == CHILDREN)
        assert world.names("DeploymentGrid") == ["kubectl", "portal"]
        assert world.get("node0", "Node", "")["metadata"]["labels"]["zone"] == "a"
        until(lambda: Grid.objects.filter(state="Ready").count() == 2)
        assert ManagedCluster.now().uid == world.cluster.uid() == row.facts["seen"]
    entry = AuditEvent.objects.get(verb="restore")
    assert (entry.actor, entry.before["halt"]) == ("ada", "another-cluster")


def test_restoring_leaves_labels_that_nodes_have_now(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        stage.swap()
        row = halted()
        stage.world.cluster.patch("Node", "", "node0", {"metadata": {"labels": {"zone": "new"}}}, MERGE_PATCH)
        actions.decide("restore", row.halt_id, ADA)
        until(lambda: "portal-b" in stage.world.names() and "portal-new" in stage.world.names())
        assert stage.world.get("node0", "Node", "")["metadata"]["labels"]["zone"] == "new"


def test_following_the_cluster_takes_what_it_has_and_no_more(stage: Stage) -> None:
    with at_work():
        grids(stage.world)
        stage.swap()
        row = halted()
        world = stage.world
        install_crds(world.cluster)
        until(lambda: world.cluster.serves("DeploymentGrid"))
        world.cluster.apply(a_grid("kubectl", template=a_template("img:9", app="k")))
        revisions = Grid.objects.get(name="kubectl").revisions.count()
        actions.decide("follow", row.halt_id, ADA)
        until(lambda: names() == ["kubectl"])
        grid = until(lambda: Grid.objects.filter(name="kubectl", generation=2).first())
        assert grid.revisions.count() == revisions + 1
        until(lambda: not Grid.objects.get().may_be_forgotten)
        assert world.names("DeploymentGrid") == ["kubectl"]
        world.label("node0", zone="z")
        until(lambda: world.names() == ["kubectl-z"])
