"""Rows of the mirror: written only where something changed, in few statements, whatever a single object is like."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.models import Child, DueCell, Grid, Journal, Node, NodeLabel, Pod
from sgportal.reconciler.cache import refresh
from sgportal.reconciler.cache.enqueue import Changes
from sgportal.reconciler.cache.enqueue import enqueue as enqueue_grids
from sgportal.reconciler.cache.resources import SOURCES
from sgportal.reconciler.queue.workqueue import enqueue

from ..watching import node_body, unit_of, wishes

pytestmark = pytest.mark.django_db
PATH, CELLS = "deploymentgrids/default/g", "cells/zone"


def store(resource: str, *bodies: dict[str, Any], gone: tuple[str, ...] = ()) -> Changes:
    """Write a batch as the watch does."""
    from django.db import transaction

    changes = Changes()
    rows, _ = refresh.BY_RESOURCE[resource].translate(bodies)
    with transaction.atomic():
        refresh.write(resource, {**rows, **dict.fromkeys(gone)}, changes)
        enqueue_grids(changes)
    return changes


def queries(resource: str, *bodies: dict[str, Any]) -> int:
    """How many statements a batch takes while a message for each key is under way already."""
    enqueue([PATH, CELLS])
    with CaptureQueriesContext(connection) as captured:
        store(resource, *bodies)
    return len(captured)


def cells_due() -> set[tuple[int, str]]:
    """What happened to which cells since this was last asked."""
    found = set(DueCell.objects.values_list("grid", "unit"))
    DueCell.objects.all().delete()
    return found


def due_cells() -> list[tuple[str, int, str, bool]]:
    return sorted(DueCell.objects.values_list("label", "grid", "unit", "moved"))


def nodes(count: int, version: int, **labels: str) -> list[dict[str, Any]]:
    return [node_body(f"n{number:04}", version, **{"zone": f"u{number % 5}", **labels}) for number in range(count)]


def child_body(name: str, version: int = 1, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "resourceVersion": str(version),
            **metadata,
        },
        "spec": {"replicas": 1},
        "status": {},
    }


def pod_body(name: str, version: int = 1, node: str = "", **labels: str) -> dict[str, Any]:
    owner = {"kind": "StatefulSet", "name": "g-a", "controller": True, "uid": "x", "apiVersion": "apps/v1"}
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, "labels": labels, "ownerReferences": [owner]},
        "spec": {"nodeName": node},
        "status": {},
    }


def test_a_heartbeat_writes_nothing() -> None:
    store("nodes", *nodes(3, 1))
    seen = Node.objects.get(name="n0000").seen_at
    changes = store("nodes", *nodes(3, 2))
    assert changes == Changes()
    assert Node.objects.get(name="n0000").seen_at == seen
    assert queries("nodes", *nodes(3, 3)) <= 4  # look, and begin and end of the transaction


@pytest.mark.parametrize("change", ["first", "labels", "readiness"])
def test_the_number_of_statements_does_not_depend_on_the_number_of_nodes(change: str) -> None:
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone")
    if change != "first":
        store("nodes", *nodes(50, 1))
    changed = {"labels": {"zone": "moved", "extra": "yes"}, "readiness": {}, "first": {}}[change]
    bodies = nodes(50, 2, **changed)
    if change == "readiness":
        bodies = [
            node_body(each["metadata"]["name"], 2, ready="False", **each["metadata"]["labels"]) for each in bodies
        ]
    assert queries("nodes", *bodies[:5]) == queries("nodes", *bodies[5:]) <= 25
    assert NodeLabel.objects.count() == 50 * len(bodies[0]["metadata"]["labels"])


def test_two_thousand_nodes_at_once_are_few_statements() -> None:
    bodies = nodes(2000, 1)
    assert queries("nodes", *bodies) < 120  # SQLite takes 999 values at once; PostgreSQL needs fewer
    assert (Node.objects.count(), NodeLabel.objects.count()) == (2000, 2000)


def test_the_number_of_statements_does_not_depend_on_the_number_of_pods_and_children() -> None:
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone", cluster_uid="owner")
    label = {"labels": {"superedge.io/grid-selector": "g"}}
    children = [child_body(f"g-{number}", **label) for number in range(50)]
    assert queries("deployments", *children[:5]) == queries("deployments", *children[5:])
    pods = [pod_body(f"p{number}") for number in range(50)]
    assert queries("pods", *pods[:5]) == queries("pods", *pods[5:])
    assert (Child.objects.count(), Pod.objects.count()) == (50, 50)


def test_labels_that_go_take_their_rows_along() -> None:
    store("nodes", node_body("a", 1, x="1", y="2"), node_body("b", 1, x="1", y="2"))
    store("nodes", node_body("a", 2, y="2"), node_body("b", 2, x="1"))
    assert set(NodeLabel.objects.values_list("node__name", "key")) == {("a", "y"), ("b", "x")}


def test_a_node_that_goes_wakes_the_grids_it_carried() -> None:
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone")
    store("nodes", node_body("a", 1, zone="x"))
    assert wishes(CELLS) == 1
    store("nodes", gone=("a", "never-known"))
    assert wishes(CELLS) == 2
    assert not NodeLabel.objects.exists()


def test_what_a_write_of_ours_left_is_remembered_only_where_the_watch_would_agree() -> None:
    store("nodes", node_body("a", 10, zone="x"))
    refresh.observe_nodes([node_body("a", 11, zone="y"), node_body("unknown", 5)])
    assert unit_of("a") == "y"
    assert not Node.objects.filter(name="unknown").exists()  # perhaps deleted meanwhile: the watch knows
    refresh.observe_nodes([node_body("a", 9, zone="old news")])
    assert unit_of("a") == "y"
    reborn = node_body("a", 99, zone="z")
    reborn["metadata"]["uid"] = "another"
    refresh.observe_nodes([reborn])
    assert unit_of("a") == "y"


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"superedge.io/grid-selector": "g"}},
        {"ownerReferences": [{"kind": "DeploymentGrid", "apiVersion": "superedge.io/v1", "uid": "in-cluster"}]},
        {"annotations": {"sgportal.superedge.io/grid-uid": "THE-ROW"}},
    ],
)
def test_a_grids_child_is_kept_whole_and_wakes_its_cell(metadata: dict[str, Any]) -> None:
    grid = Grid.objects.create(
        kind="DeploymentGrid", namespace="default", name="g", key="zone", cluster_uid="in-cluster"
    )
    if "annotations" in metadata:
        metadata["annotations"] = {"sgportal.superedge.io/grid-uid": str(grid.uid)}
    store("deployments", child_body("g-a", **metadata))
    assert Child.objects.get().body["spec"] == {"replicas": 1}
    assert cells_due() == {(grid.pk, "a")}
    store("deployments", child_body("g-a", 2, **metadata, managedFields=[{"time": "later"}]))
    assert cells_due() == set()  # nothing but book-keeping
    assert Child.objects.get().body["metadata"]["resourceVersion"] == "2"
    store("pods", pod_body("p", 1))
    store("deployments", gone=("default/g-a",))
    assert cells_due() == {(grid.pk, "a")}


def test_a_strangers_object_is_kept_as_far_as_a_name_clash_needs() -> None:
    store("deployments", child_body("x", labels={"a": "b"}, annotations={"long": "text"}, managedFields=[{}]))
    body = Child.objects.get().body
    assert body["metadata"] == {"name": "x", "namespace": "default", "uid": "uid-x", "labels": {"a": "b"}}
    assert "spec" not in body


def test_pods_wake_the_cell_of_their_workload_where_its_status_may_tell() -> None:
    grid = Grid.objects.create(kind="StatefulSetGrid", namespace="default", name="g", key="zone")
    child = child_body("g-a", labels={"superedge.io/grid-selector": "g"})
    store("statefulsets", {**child, "kind": "StatefulSet"})
    assert cells_due() == {(grid.pk, "a")}
    store("pods", pod_body("p", 1))
    assert cells_due() == {(grid.pk, "a")}
    store("pods", pod_body("p", 2, app="new-label"))
    assert cells_due() == set()
    store("pods", pod_body("p", 3, node="node0"))
    assert cells_due() == {(grid.pk, "a")}
    store("pods", gone=("uid-p",))
    assert cells_due() == {(grid.pk, "a")}


def test_members_of_a_unit_wake_its_cells_of_all_grids_and_nothing_else() -> None:
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone")
    Grid.objects.create(kind="ServiceGrid", namespace="default", name="s", key="zone")
    store("nodes", node_body("n", 1, zone="a", other="x"))
    assert due_cells() == [("zone", 0, "a", True)]
    assert (wishes(CELLS), wishes("servicegrids/default/s"), wishes(PATH)) == (1, 1, 0)
    DueCell.objects.all().delete()
    store("nodes", node_body("n", 2, zone="b", other="y"))
    assert due_cells() == [("zone", 0, "a", True), ("zone", 0, "b", True)]
    DueCell.objects.all().delete()
    store("nodes", node_body("n", 3, ready="False", zone="b", other="y"))
    assert due_cells() == [("zone", 0, "b", False)]
    DueCell.objects.all().delete()
    store("nodes", gone=("n",))
    assert due_cells() == [("zone", 0, "b", True)]


@pytest.mark.parametrize("name", ["stranger", "g-", "g-" + "x" * 64])
def test_a_child_whose_name_is_no_units_wakes_its_grid_whole(name: str) -> None:
    Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone")
    store("deployments", child_body(name, labels={"superedge.io/grid-selector": "g"}))
    assert (wishes(PATH), DueCell.objects.count()) == (1, 0)


def test_a_child_with_the_label_of_one_grid_and_the_owner_of_another_wakes_both() -> None:
    one = Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g", key="zone")
    two = Grid.objects.create(kind="DeploymentGrid", namespace="default", name="g-a", key="zone", cluster_uid="owner")
    owner = {"kind": "DeploymentGrid", "apiVersion": "superedge.io/v1", "uid": "owner"}
    store("deployments", child_body("g-a-b", labels={"superedge.io/grid-selector": "g"}, ownerReferences=[owner]))
    assert cells_due() == {(one.pk, "a-b"), (two.pk, "b")}


def test_a_grid_that_is_deleted_is_woken_by_its_last_child_alone() -> None:
    named = {"kind": "DeploymentGrid", "namespace": "default", "name": "g", "key": "zone"}
    going = Grid.objects.create(**named, deleting_since=timezone.now())
    store("deployments", *(child_body(f"g-{unit}", labels={"superedge.io/grid-selector": "g"}) for unit in "abc"))
    store("deployments", gone=("default/g-a", "default/g-b"))
    assert (wishes(PATH), wishes(CELLS), cells_due()) == (0, 0, set())
    assert Journal.objects.filter(kind="grid", key=going.path).exists()  # pages tell of it
    store("deployments", gone=("default/g-c",))
    assert (wishes(PATH), wishes(CELLS), cells_due()) == (1, 0, set())


def test_a_grid_whose_custom_resource_is_missing_is_woken_by_no_child() -> None:
    """Whoever deletes it has the garbage collector delete all of its children: each had the grid looked at anew."""
    named = {"kind": "DeploymentGrid", "namespace": "default", "name": "g", "key": "zone"}
    missing = Grid.objects.create(**named, missing_since=timezone.now())
    store("deployments", *(child_body(f"g-{unit}", labels={"superedge.io/grid-selector": "g"}) for unit in "ab"))
    store("deployments", gone=("default/g-a", "default/g-b"))
    assert (wishes(PATH), wishes(CELLS), cells_due()) == (0, 0, set())
    assert Journal.objects.filter(kind="grid", key=missing.path).exists()


def test_of_children_that_go_the_bodies_are_not_read() -> None:
    store("deployments", child_body("g-a"), child_body("g-b"))
    with CaptureQueriesContext(connection) as captured:
        store("deployments", gone=("default/g-a", "default/g-b"))
    assert not Child.objects.exists()
    assert not [each["sql"] for each in captured if '"body"' in each["sql"]]


def test_each_thing_that_changed_is_told_once() -> None:
    store("nodes", node_body("a", 1, zone="x"), node_body("b", 1, zone="x"))
    assert sorted(Journal.objects.values_list("kind", "key")) == [("node", "a"), ("node", "b"), ("unit", "zone")]


def test_an_object_that_cannot_be_understood_is_skipped_and_stays_as_it_was(caplog) -> None:
    store("nodes", node_body("odd", 1, zone="x"))
    odd = node_body("odd", 2)
    odd["status"]["conditions"] = ["no condition"]
    rows, there = refresh.BY_RESOURCE["nodes"].translate([odd, {}, node_body("good")])
    assert rows.keys() == {"good"}
    assert there == {"odd", "good"}
    assert "Node odd cannot be understood" in caplog.text


def test_a_row_the_database_refuses_is_skipped_and_the_others_go_on(caplog) -> None:
    bodies = nodes(9, 1)
    bodies[4]["metadata"]["uid"] = None
    store("nodes", *bodies)
    assert Node.objects.count() == 8
    assert NodeLabel.objects.count() == 8
    assert "Node n0004 cannot be stored" in caplog.text


def test_a_custom_resource_that_cannot_be_taken_in_stops_no_other(caplog, monkeypatch) -> None:
    from sgportal.reconciler.grids.resource import sync

    taken = []

    def observe(kind: str, namespace: str, name: str, body: object) -> None:
        if name == "bad":
            raise RuntimeError("a surprise")
        taken.append(name)

    monkeypatch.setattr(sync, "observe", observe)
    metadata = {"namespace": "default", "resourceVersion": "1", "uid": "u"}
    bodies = [{"metadata": {**metadata, "name": name}} for name in ("a", "bad", "z", "x" * 64)]
    store("deploymentgrids", *bodies)
    assert taken == ["a", "z"]
    assert "default/bad could not be taken in" in caplog.text
    assert "cannot be understood" in caplog.text


def test_everything_watched_has_a_source() -> None:
    assert [source.resource for source in SOURCES] == [
        "nodes",
        "namespaces",
        "pods",
        "endpointslices",
        "deployments",
        "statefulsets",
        "services",
        "deploymentgrids",
        "statefulsetgrids",
        "servicegrids",
        "servicegroups",
    ]
