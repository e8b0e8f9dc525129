"""Everything is gone at once from the right cluster, or an API server says so by mistake: nothing is lost by it."""

import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from embedded_cluster.world import node
from sgportal import actions
from sgportal.cluster import install_crds
from sgportal.cluster.crds import DEFINITIONS
from sgportal.models import AuditEvent, Child, Grid, GridEvent, GridUnit, ManagedCluster, Node, Revision
from sgportal.queries.held import held
from sgportal.reconciler.grids.resource import absence
from sgportal.reconciler.grids.resource.absence import YOUNG
from sgportal.reconciler.grids.resource.sync import observe
from sgportal.reconciler.process import connection
from sgportal.reconciler.queue import workqueue

from ..watching import QUICK, slower, until
from ..world import ADA, World, a_grid, a_template
from .fleet import at_work

LISTS = ("nodes", "pods", "deployments", "deploymentgrids", "endpointslices", "services", "statefulsets")


@pytest.fixture
def fleet(world: World) -> World:
    """Two sites and six grids with a workload in each."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    return world


def submit(world: World, count: int = 6, units: str = "ab") -> list[str]:
    """Grids with workloads in both sites, or in those named; the names of those."""
    actions.save_grids([a_grid(f"g{n}", template=a_template(app=f"g{n}")) for n in range(count)], ADA)
    children = sorted(f"g{n}-{unit}" for n in range(count) for unit in units)
    until(lambda: world.names() == children)
    until(lambda: Grid.objects.exclude(cluster_uid="").filter(state="Ready").count() == count)
    return children


def halted(reason: str) -> ManagedCluster:
    return until(lambda: ManagedCluster.objects.filter(halt=reason).first())


def going_on() -> None:
    until(lambda: not ManagedCluster.now().halt)


def live(world: World) -> dict[str, tuple[str, int]]:
    """Uid and generation of each workload there is."""
    bodies = world.cluster.list("Deployment", "default").items
    return {each["metadata"]["name"]: (each["metadata"]["uid"], each["metadata"]["generation"]) for each in bodies}


def names() -> list[str]:
    return sorted(Grid.objects.values_list("name", flat=True))


def forget_definitions(world: World) -> None:
    for definition in DEFINITIONS:
        world.cluster.delete("CustomResourceDefinition", "", definition["metadata"]["name"])


def test_deleted_definitions_take_no_grid_along_and_are_restored(fleet: World) -> None:
    """Two grids: nothing here depends on how many there are."""
    with at_work():
        children = submit(fleet, 2)
        before = set(live(fleet).values())
        forget_definitions(fleet)
        row = halted("definitions-gone")
        time.sleep(3)
        assert names() == ["g0", "g1"]
        assert set(live(fleet).values()) <= before  # Kubernetes' garbage collector may take them, at leisure
        assert not fleet.cluster.serves("DeploymentGrid")
        assert row.choices == ("restore", "follow")
        actions.decide("restore", ManagedCluster.now().halt_id, ADA)
        until(lambda: fleet.cluster.serves("DeploymentGrid"))
        until(lambda: fleet.names("DeploymentGrid") == ["g0", "g1"])
        until(lambda: fleet.names() == children and not set(live(fleet).values()) & before, 90)
        until(lambda: Grid.objects.filter(state="Ready").count() == 2)
    assert not AuditEvent.objects.filter(verb="delete").exists()


def test_a_decision_does_not_wait_for_the_next_look_at_what_is_not_served(fleet: World) -> None:
    """In production that is half a minute away, and the look at every grid five minutes."""
    with at_work(pace=slower(QUICK, recheck=300.0)):
        submit(fleet, 2)
        forget_definitions(fleet)
        halted("definitions-gone")
        kind = "CustomResourceDefinition"
        fleet.until(lambda: not any(fleet.cluster.get(kind, "", each["metadata"]["name"]) for each in DEFINITIONS))
        actions.decide("restore", ManagedCluster.now().halt_id, ADA)
        fleet.until(lambda: fleet.cluster.serves("DeploymentGrid"))
        fleet.until(lambda: fleet.names("DeploymentGrid") == ["g0", "g1"])


@pytest.mark.real_only
def test_a_definition_that_is_still_being_deleted_is_restored_once_it_is_gone(fleet: World) -> None:
    """Its grids are gone at once, itself only when whoever holds it lets it go; the others do not wait for it."""
    kind, name = "CustomResourceDefinition", "deploymentgrids.superedge.io"
    with at_work(pace=slower(QUICK, recheck=300.0)):
        submit(fleet, 2)
        fleet.edit(name, {"metadata": {"finalizers": ["example.com/hold"]}}, kind)
        forget_definitions(fleet)
        actions.decide("restore", halted("definitions-gone").halt_id, ADA)
        fleet.until(lambda: fleet.cluster.serves("ServiceGrid"))
        old = fleet.get(name, kind, "")["metadata"]["uid"]
        fleet.edit(name, {"metadata": {"finalizers": None}}, kind)
        fleet.until(lambda: (fleet.cluster.get(kind, "", name) or {"metadata": {"uid": old}})["metadata"]["uid"] != old)
        fleet.until(lambda: fleet.cluster.serves("DeploymentGrid"))
        fleet.until(lambda: fleet.names("DeploymentGrid") == ["g0", "g1"])


@pytest.mark.embedded_only
def test_a_decision_of_long_ago_does_not_have_the_watch_ask_without_a_pause(fleet: World) -> None:
    """The portal starts while the definitions are gone, so that nothing can be installed yet."""
    with at_work():
        submit(fleet, 2)
    ManagedCluster.objects.update(decided_at=timezone.now())
    forget_definitions(fleet)
    fleet.until(lambda: not fleet.cluster.serves("DeploymentGrid"))
    connection.disconnect()
    with at_work(wait=False, pace=slower(QUICK, recheck=300.0)):
        halted("definitions-gone")
        fleet.server.reset_counts()
        time.sleep(5)
        assert fleet.server.requests["GET", "/apis/superedge.io/v1/deploymentgrids"] <= 4


def test_definitions_that_come_back_without_the_grids_are_no_reason_to_forget_them(fleet: World) -> None:
    with at_work():
        submit(fleet, 2)
        forget_definitions(fleet)
        halted("definitions-gone")
        until(lambda: not fleet.cluster.serves("DeploymentGrid"))
        install_crds(fleet.cluster)
        until(lambda: fleet.cluster.serves("DeploymentGrid"))
        time.sleep(3)
        assert names() == ["g0", "g1"]
        assert ManagedCluster.now().halt
        for name in names():
            fleet.cluster.apply(Grid.objects.get(name=name).source())
        going_on()
        until(lambda: len(fleet.names()) == 4)
        assert names() == ["g0", "g1"]


def test_a_portal_that_starts_without_its_definitions_does_not_install_them_over_the_loss(fleet: World) -> None:
    with at_work():
        submit(fleet, 2)
    forget_definitions(fleet)
    fleet.until(lambda: not fleet.cluster.serves("DeploymentGrid"))
    connection.disconnect()
    with at_work(wait=False):
        halted("definitions-gone")
        time.sleep(2)
        assert not fleet.cluster.serves("DeploymentGrid")
        assert names() == ["g0", "g1"]
        actions.decide("follow", ManagedCluster.now().halt_id, ADA)
        until(lambda: names() == [])


def test_all_grids_deleted_with_kubectl_wait_for_a_person(fleet: World) -> None:
    with at_work():
        submit(fleet)
        for name in names():
            fleet.cluster.delete("DeploymentGrid", "default", name)
        halted("grids-gone")
        time.sleep(3)
        assert len(names()) == 6
        actions.decide("follow", ManagedCluster.now().halt_id, ADA)
        until(lambda: names() == [])
        going_on()
    assert AuditEvent.objects.get(verb="follow").actor == "ada"


def test_all_grids_deleted_with_kubectl_are_restored(fleet: World) -> None:
    with at_work():
        children = submit(fleet)
        for name in names():
            fleet.cluster.delete("DeploymentGrid", "default", name)
        halted("grids-gone")
        actions.decide("restore", ManagedCluster.now().halt_id, ADA)
        until(lambda: fleet.names() == children)
        assert {grid.home for grid in Grid.objects.all()} == {"portal"}


def test_many_grids_deleted_with_kubectl_wait_and_the_others_are_kept_right(fleet: World) -> None:
    with at_work():
        submit(fleet)
        for name in names()[:4]:
            fleet.cluster.delete("DeploymentGrid", "default", name)
        until(lambda: Grid.objects.filter(missing_held=True).count() == 4)
        fleet.cluster.delete("Deployment", "default", "g5-a")
        until(lambda: fleet.names() == ["g4-a", "g4-b", "g5-a", "g5-b"])
        assert len(names()) == 6
        assert not ManagedCluster.now().halt
        assert GridEvent.objects.filter(reason="ResourceGone").count() == 4
        fleet.cluster.apply(Grid.objects.get(name="g0").source())
        until(lambda: Grid.objects.filter(missing_held=True).count() == 3)
        until(lambda: "g0-a" in fleet.names())


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_all_of_a_few_grids_that_somebody_deletes_before_our_eyes_go(fleet: World, propagation: str) -> None:
    """Two are all there are: whoever tries the portal deletes what he made."""
    with at_work():
        submit(fleet, 2)
        for name in names():
            fleet.cluster.delete("DeploymentGrid", "default", name, propagation=propagation)
        until(lambda: names() == [])
        fleet.until(lambda: fleet.names() == [])
        assert not ManagedCluster.now().halt
    assert AuditEvent.objects.filter(actor="cluster", verb="delete").count() == 2


def test_all_of_two_grids_that_went_unseen_wait(fleet: World) -> None:
    """Nobody saw them being deleted: that they are not in a list is no proof of it."""
    fleet.label("node1", zone=None)
    with at_work():
        children = submit(fleet, 2, "a")
    for name in names():
        fleet.cluster.delete("DeploymentGrid", "default", name)
    fleet.until(lambda: fleet.names("DeploymentGrid") == fleet.names() == [])
    connection.disconnect()
    with at_work(wait=False):
        halted("grids-gone")
        actions.decide("restore", ManagedCluster.now().halt_id, ADA)
        fleet.until(lambda: fleet.names() == children)
        until(lambda: Grid.objects.filter(state="Ready").count() == 2)
        assert not Grid.objects.exclude(deleted_made_at=None).exists()


def test_all_of_two_grids_that_go_with_their_namespace_wait(fleet: World) -> None:
    fleet.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    with at_work():
        made = [a_grid(f"g{n}", template=a_template(app=f"g{n}")) for n in range(2)]
        actions.save_grids([{**each, "metadata": {**each["metadata"], "namespace": "shop"}} for each in made], ADA)
        until(lambda: Grid.objects.exclude(cluster_uid="").filter(state="Ready").count() == 2)
        fleet.cluster.delete("Namespace", "", "shop")
        halted("grids-gone")
        assert names() == ["g0", "g1"]


def test_all_of_two_grids_that_went_with_a_definition_wait_though_it_is_back_at_once(fleet: World) -> None:
    """As `kubectl replace --force` does it: when the portal looks, the definition stands, but it is a younger one."""
    with at_work():
        submit(fleet, 2)
    gone = {name: fleet.get(name, "DeploymentGrid") for name in names()}
    made_at = max(datetime.fromisoformat(each["metadata"]["creationTimestamp"]) for each in gone.values())
    fleet.until(lambda: timezone.now() > made_at + timedelta(seconds=2))  # the API server tells times to the second
    fleet.cluster.delete("CustomResourceDefinition", "", "deploymentgrids.superedge.io")
    fleet.until(lambda: not fleet.cluster.serves("DeploymentGrid"))
    install_crds(fleet.cluster)
    fleet.until(lambda: fleet.cluster.serves("DeploymentGrid"))
    for name in gone:
        observe("DeploymentGrid", "default", name, None)
    absence.note_deleted("DeploymentGrid", gone.values())
    fleet.later(absence.SETTLE_SECONDS)
    assert names() == ["g0", "g1"]
    assert ManagedCluster.now().halt == "grids-gone"


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_one_grid_deleted_with_kubectl_goes_by_itself(fleet: World, propagation: str) -> None:
    with at_work():
        submit(fleet, 2)
        fleet.cluster.delete("DeploymentGrid", "default", "g0", propagation=propagation)
        until(lambda: names() == ["g1"])
        assert not ManagedCluster.now().halt


def test_what_is_made_and_deleted_again_and_again_is_no_loss(fleet: World) -> None:
    """Somebody who tries things with kubectl is not stopped; old grids that go as slowly are counted."""
    with at_work():
        submit(fleet, 2)
        for number in range(5):
            fleet.cluster.apply(a_grid(f"try{number}", template=a_template(app="t")))
            until(lambda number=number: Grid.objects.filter(name=f"try{number}", state="Ready").exists())
            fleet.cluster.delete("DeploymentGrid", "default", f"try{number}")
            until(lambda number=number: f"try{number}" not in names())
        assert not ManagedCluster.now().halt
        assert not Grid.objects.filter(missing_held=True).exists()
        Revision.objects.update(created_at=timezone.now() - 2 * YOUNG)
        fleet.cluster.delete("DeploymentGrid", "default", "g0")
        until(lambda: Grid.objects.filter(missing_held=True).exists())
        assert names() == ["g0", "g1"]


@pytest.mark.embedded_only
@pytest.mark.parametrize("grids", [1, 6])
def test_lists_without_items_by_mistake_lose_nothing(fleet: World, grids: int) -> None:
    with at_work():
        children = submit(fleet, grids)
        before, rows = live(fleet), Child.objects.filter(kind="Deployment").count()
        for resource in LISTS:
            fleet.embedded.faults.add("empty", verbs=["list"], resource=resource)
        fleet.embedded.compact()
        fleet.embedded.faults.drop_watches()  # each watch has to list again
        until(lambda: ManagedCluster.now().halt)
        actions_refused(fleet)
        time.sleep(3)
        assert sorted(Node.objects.values_list("name", "labels__zone")) == [
            ("node0", "a"),
            ("node1", "b"),
            ("node2", None),
        ]
        assert len(names()) == grids
        fleet.embedded.faults.clear()
        assert live(fleet) == before
        going_on()
        until(lambda: Child.objects.filter(kind="Deployment").count() == rows)
        fleet.cluster.delete("Deployment", "default", "g0-a")
        until(lambda: fleet.names() == children)
    assert not Grid.objects.exclude(missing_since=None).exists()
    assert not GridUnit.objects.exclude(gone_since=None).exists()
    assert not GridUnit.objects.filter(reason="NameConflict").exists()


def actions_refused(world: World) -> None:
    with pytest.raises(actions.ReadOnly):
        actions.save_grids([a_grid("new", template=a_template())], ADA)


@pytest.mark.embedded_only
def test_a_reconcile_that_finds_no_children_by_mistake_makes_and_takes_none(world: World) -> None:
    """More units than are looked up each by name."""
    for number in range(12):
        add_node(world, number)
    world.look()
    world.save(a_grid("g", template=a_template(replicas=0)))
    world.resync()
    before = live(world)
    assert len(before) == 12
    world.embedded.faults.add("empty", verbs=["list"], resource="deployments")
    world.server.reset_counts()
    workqueue.enqueue(["deploymentgrids/default/g"])
    world.settle()
    assert world.server.requests["PATCH", "deployments"] == 0
    assert not GridUnit.objects.filter(reason="NameConflict").exists()
    world.embedded.faults.clear()
    assert live(world) == before


def add_node(world: World, number: int) -> None:
    world.embedded.call(lambda: world.embedded.store.put("nodes", node(f"n{number}", number, {"zone": f"u{number}"})))


@pytest.mark.embedded_only
def test_nodes_that_are_all_deleted_stop_everything_until_they_are_back(fleet: World) -> None:
    with at_work():
        submit(fleet, 2)
        bodies = [fleet.get(f"node{n}", "Node", "") for n in range(3)]
        for n in range(3):
            fleet.cluster.delete("Node", "", f"node{n}")
        row = halted("nodes-gone")
        assert row.choices == ("follow",)
        time.sleep(0.5)
        # What was at work on the first of the deletions may end; nothing begins any more.
        begun = set(GridUnit.objects.exclude(gone_since=None).values_list("grid", "name"))
        time.sleep(2)
        assert set(GridUnit.objects.exclude(gone_since=None).values_list("grid", "name")) == begun
        for body in bodies:
            metadata = {"name": body["metadata"]["name"], "labels": body["metadata"]["labels"]}
            fleet.cluster.create({**body, "metadata": metadata})
        going_on()
        until(lambda: Node.objects.count() == 3)
        until(lambda: not GridUnit.objects.exclude(gone_since=None).exists())


@pytest.mark.embedded_only
def test_nodes_that_were_meant_to_go(fleet: World) -> None:
    with at_work():
        children = submit(fleet, 2)
        for n in range(3):
            fleet.cluster.delete("Node", "", f"node{n}")
        halted("nodes-gone")
        actions.decide("follow", ManagedCluster.now().halt_id, ADA)
        until(lambda: GridUnit.objects.exclude(gone_since=None).count() == 4)
        assert fleet.names() == children  # kept for the grace time
        assert not ManagedCluster.now().halt


def test_workloads_that_all_vanished_unseen_are_made_anew_when_a_person_says_so(fleet: World) -> None:
    with at_work():
        children = submit(fleet, 3)
    for name in children:
        fleet.cluster.delete("Deployment", "default", name)
    fleet.until(lambda: fleet.names() == [])
    connection.disconnect()
    with at_work(wait=False):
        row = halted("children-gone")
        assert row.choices == ("restore",)
        time.sleep(2)
        assert fleet.names() == []
        actions.decide("restore", ManagedCluster.now().halt_id, ADA)
        until(lambda: fleet.names() == children)


def test_workloads_that_somebody_deletes_before_our_eyes_are_healed(fleet: World) -> None:
    with at_work():
        children = submit(fleet, 3)
        uids = live(fleet)
        for name in children:
            fleet.cluster.delete("Deployment", "default", name)
        until(lambda: fleet.names() == children and not set(uids.values()) & set(live(fleet).values()))
        assert not ManagedCluster.now().halt


def hold_four(world: World, propagation: str = "Background") -> list[str]:
    """Of six grids somebody deletes four; the ids of what waits, in order of the names g0 to g3."""
    submit(world)
    for name in names()[:4]:
        world.cluster.delete("DeploymentGrid", "default", name, propagation=propagation)
    until(lambda: Grid.objects.filter(missing_held=True).count() == 4)
    return [each.id for each in held()]


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_each_grid_that_waits_is_made_anew_or_removed_as_a_person_says(fleet: World, propagation: str) -> None:
    with at_work():
        first, second, *others = hold_four(fleet, propagation)
        time.sleep(3)
        assert len(names()) == 6
        actions.decide_held("restore", [first], ADA)
        until(lambda: {"g0-a", "g0-b"} <= set(fleet.names()))
        until(lambda: Grid.objects.get(name="g0").state == "Ready")
        actions.decide_held("follow", [second], ADA)
        until(lambda: "g1" not in names())
        assert [each.grid.name for each in held()] == ["g2", "g3"]
        assert fleet.names("DeploymentGrid") == ["g0", "g4", "g5"]
        actions.decide_held("follow", others, ADA)
        until(lambda: names() == ["g0", "g4", "g5"])
        until(lambda: fleet.names() == [f"{grid}-{unit}" for grid in names() for unit in "ab"])
    assert sorted(AuditEvent.objects.filter(actor="ada", verb="follow").values_list("path", flat=True)) == [
        f"deploymentgrids/default/g{n}" for n in (1, 2, 3)
    ]


def test_a_decision_holds_for_what_was_shown_all_or_none(fleet: World) -> None:
    with at_work():
        first, second, *_ = hold_four(fleet)
        fleet.cluster.apply(Grid.objects.get(name="g0").source())
        until(lambda: Grid.objects.filter(missing_held=True).count() == 3)
        for ids in ([first], [first, second], ["", second]):
            with pytest.raises(actions.Stale):
                actions.decide_held("follow", ids, ADA)
        with pytest.raises(actions.Refused):
            actions.decide_held("burn", [second], ADA)
        assert actions.decide_held("follow", [second], ADA, dry_run=True)
        time.sleep(2)
        assert len(names()) == 6
