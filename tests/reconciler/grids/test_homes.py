"""Two doors, one home each: rows and custom resources."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sgportal.cluster import MERGE_PATCH
from sgportal.cluster.crds import DEFINITIONS
from sgportal.core.names import HOME
from sgportal.core.text import Invalid
from sgportal.models import AuditEvent, Grid, GridEvent, Revision, WorkKey
from sgportal.reconciler.cache import refresh
from sgportal.reconciler.cache.enqueue import Changes
from sgportal.reconciler.grids.resource import absence, sync
from sgportal.reconciler.grids.status import record
from sgportal.reconciler.queue import workqueue

from ..world import a_grid, a_template


@pytest.fixture
def world(world):
    world.label("node0", zone="a")
    return world


def observe(world):
    """What the watch does after a list."""
    for definition in DEFINITIONS:
        kind = definition["spec"]["names"]["kind"]
        if world.cluster.serves(kind):
            bodies = {body["metadata"]["name"]: body for body in world.cluster.list(kind).items}
            known = set(Grid.objects.filter(kind=kind).values_list("name", flat=True))
            for name in bodies.keys() | known:
                sync.observe(kind, "default", name, bodies.get(name))
    world.look()
    world.settle()


def kubectl_apply(world, **spec):
    manifest = a_grid(**spec)
    world.cluster.patch(
        "DeploymentGrid", "default", "g", {"spec": manifest["spec"]}, "application/merge-patch+json"
    ) if world.cluster.get("DeploymentGrid", "default", "g") else world.cluster.apply(manifest)
    observe(world)


def test_a_custom_resource_gets_a_row_and_children(world):
    kubectl_apply(world, template=a_template())
    grid = Grid.objects.get()
    assert (grid.home, grid.key, grid.generation) == ("cluster", "zone", 1)
    assert world.names() == ["g-a"]
    assert Revision.objects.get().author == "cluster"


def test_an_edit_with_kubectl_is_a_new_revision(world):
    world.save(a_grid(template=a_template()))
    kubectl_apply(world, template=a_template("two"))
    grid = Grid.objects.get()
    assert (grid.home, grid.generation, grid.revisions.count()) == ("cluster", 2, 2)
    assert world.get("g-a")["spec"]["template"]["spec"]["containers"][0]["image"] == "two"


def test_writes_of_statuses_cost_the_watch_one_statement_however_many(world):
    for name in ("g", "h", "i"):
        world.save(a_grid(name, template=a_template()))
    bodies = {f"default/{each['metadata']['name']}": each for each in world.cluster.list("DeploymentGrid").items}
    assert len(bodies) == 3
    before = set(WorkKey.objects.values_list("key", "requested"))
    with CaptureQueriesContext(connection) as seen:
        refresh.write("deploymentgrids", bodies, Changes())
    assert len(seen) == 1
    assert set(WorkKey.objects.values_list("key", "requested")) == before
    bodies["default/h"] = {**bodies["default/h"], "metadata": {**bodies["default/h"]["metadata"], "generation": 7}}
    refresh.write("deploymentgrids", bodies, Changes())
    after = set(WorkKey.objects.values_list("key", "requested"))
    assert {key for key, _ in after - before} == {Grid.objects.get(name="h").path}


def test_an_edit_in_the_portal_goes_to_the_custom_resource(world):
    kubectl_apply(world, template=a_template(replicas=2))
    grid = world.change(Grid.objects.get(), lambda m: m["spec"].update(template=a_template("two", replicas=None)))
    spec = world.get("g", "DeploymentGrid")["spec"]
    assert spec == grid.spec
    assert "replicas" not in spec["template"]
    observe(world)
    grid.refresh_from_db()
    assert grid.generation == 2


def test_edits_on_both_sides_keep_the_clusters_and_remember_the_portals(world):
    from sgportal.actions import save_grids

    from ..world import ADA

    world.save(a_grid(template=a_template()))
    save_grids([a_grid(template=a_template("portal"))], ADA)
    kubectl_apply(world, template=a_template("cluster"))
    assert (
        world.get("g", "DeploymentGrid")["spec"]["template"]["template"]["spec"]["containers"][0]["image"] == "cluster"
    )
    assert GridEvent.objects.filter(reason="EditConflict").exists()
    images = [
        r.spec["template"]["template"]["spec"]["containers"][0]["image"] for r in Revision.objects.order_by("number")
    ]
    assert images == ["img:1", "portal", "cluster"]


def test_labels_and_annotations_written_in_the_cluster_meanwhile_stay(world):
    """They do not count as a generation, so nothing tells the portal's edit that there was another."""
    from sgportal.actions import save_grids

    from ..world import ADA

    noted = a_grid(template=a_template())
    noted["metadata"]["annotations"] = {"gone": "1", "kept": "1", "mine": "1"}
    world.save(noted)
    theirs = {"metadata": {"annotations": {"kept": "2", "theirs": "1"}, "labels": {"a": "b"}}}
    world.cluster.patch("DeploymentGrid", "default", "g", theirs, MERGE_PATCH)
    mine = a_grid(template=a_template("two"))
    mine["metadata"]["annotations"] = {"kept": "1", "mine": "2"}
    save_grids([mine], ADA)
    world.settle()
    metadata = world.get("g", "DeploymentGrid")["metadata"]
    assert metadata["annotations"].pop(HOME) == "portal"
    assert metadata["annotations"] == {"kept": "2", "mine": "2", "theirs": "1"}
    assert metadata["labels"] == {"a": "b"}
    observe(world)
    grid = Grid.objects.get()
    assert grid.metadata == {"labels": {"a": "b"}, "annotations": metadata["annotations"]}
    assert images(world) == ["two"]


def images(world):
    return [world.get(name)["spec"]["template"]["spec"]["containers"][0]["image"] for name in world.names()]


def test_a_status_is_never_said_to_be_that_of_an_edit_it_has_not_seen(world, monkeypatch):
    """kubectl wait --for=condition=Ready goes by it."""
    world.save(a_grid(template=a_template()))
    assert world.get("g", "DeploymentGrid")["status"]["observedGeneration"] == 1
    done = record.record

    def record_late(*arguments):
        spec = {"spec": a_grid(template=a_template("three"))["spec"]}
        world.cluster.patch("DeploymentGrid", "default", "g", spec, MERGE_PATCH)
        monkeypatch.setattr(record, "record", done)
        return done(*arguments)

    monkeypatch.setattr(record, "record", record_late)
    world.cluster.patch(
        "DeploymentGrid", "default", "g", {"spec": a_grid(template=a_template("two"))["spec"]}, MERGE_PATCH
    )
    sync.observe("DeploymentGrid", "default", "g", world.get("g", "DeploymentGrid"))
    world.settle()
    body = world.get("g", "DeploymentGrid")
    assert (body["metadata"]["generation"], body["status"]["observedGeneration"]) == (3, 2)
    observe(world)
    assert world.get("g", "DeploymentGrid")["status"]["observedGeneration"] == 3


def test_a_grid_made_while_the_row_of_its_namesake_goes_is_found(world):
    """The watch saw it while there still was a row, so it only woke that one."""
    world.cluster.apply(a_grid(template=a_template()))
    workqueue.enqueue(["deploymentgrids/default/g", "deploymentgrids/default/none", "labels/none/none"])
    world.settle()
    assert Grid.objects.get().name == "g"
    assert world.names() == ["g-a"]


def test_deleting_the_custom_resource_deletes_the_grid(world):
    grid = world.save(a_grid(template=a_template()))
    world.cluster.delete("DeploymentGrid", "default", "g")
    observe(world)
    assert Grid.objects.get().missing_since  # for a moment: it may be one of many
    world.later(absence.SETTLE_SECONDS)
    assert not Grid.objects.exists()
    world.until(lambda: world.names() == [])
    assert AuditEvent.objects.get(verb="delete").door == "cluster"
    assert Revision.objects.filter(path=grid.path).count() == 1


def test_a_custom_resource_that_is_missing_for_a_moment_has_nobody_counted(world, monkeypatch):
    """How many others are missing is asked once it may matter, not for each of many that somebody deletes."""
    world.save(a_grid(template=a_template()))
    world.cluster.delete("DeploymentGrid", "default", "g")
    monkeypatch.setattr(absence, "_holds", lambda _: pytest.fail("counted too early"))
    observe(world)
    assert Grid.objects.get().missing_since


HOLD = ["test.sgportal.example/hold"]


def held(world, propagation):
    """Delete the grid's custom resource as somebody else; a finalizer keeps it, so that its end can be seen coming."""
    world.cluster.patch("DeploymentGrid", "default", "g", {"metadata": {"finalizers": HOLD}}, MERGE_PATCH)
    uid = world.get("g", "DeploymentGrid")["metadata"]["uid"]
    world.cluster.delete("DeploymentGrid", "default", "g", uid=uid, propagation=propagation)


def let_go(world):
    """Take that finalizer away, once the garbage collector has done what its own asks for."""
    world.until(lambda: world.get("g", "DeploymentGrid")["metadata"]["finalizers"] == HOLD)
    world.cluster.patch("DeploymentGrid", "default", "g", {"metadata": {"finalizers": None}}, MERGE_PATCH)


def test_deleting_the_custom_resource_alone_leaves_what_runs(world):
    world.save(a_grid(template=a_template()))
    uid = world.get("g-a")["metadata"]["uid"]
    held(world, "Orphan")
    observe(world)
    world.later(absence.SETTLE_SECONDS)
    assert Grid.objects.get().deleting_since
    let_go(world)
    world.until(lambda: (world.later(2), not Grid.objects.exists())[1])
    assert world.get("g-a")["metadata"]["uid"] == uid


@pytest.mark.parametrize(
    ("finalizers", "propagation"),
    [
        (["orphan"], "Orphan"),
        (["a.example/b", "foregroundDeletion"], "Foreground"),
        ([], "Background"),
    ],
)
def test_how_a_custom_resource_is_deleted_is_read_from_its_finalizers(finalizers, propagation):
    assert sync._propagation({"metadata": {"finalizers": finalizers}}) == propagation


def test_a_grid_made_again_while_its_namesake_goes_stays(world):
    world.save(a_grid(template=a_template()))
    held(world, "Background")
    observe(world)
    world.later(absence.SETTLE_SECONDS)
    assert Grid.objects.get().deleting_since
    let_go(world)
    made = world.cluster.apply(a_grid(template=a_template("two"))).body["metadata"]["uid"]
    world.until(lambda: (observe(world), world.later(2), world.names() == ["g-a"])[2])
    assert world.get("g", "DeploymentGrid")["metadata"]["uid"] == made
    assert Grid.objects.get().deleting_since is None
    assert world.get("g-a")["metadata"]["ownerReferences"][0]["uid"] == made


def test_an_invalid_custom_resource_is_shown_and_changes_nothing(world):
    kubectl_apply(world, template={**a_template(), "replica": 2})
    grid = Grid.objects.get()
    assert grid.state == "Blocked"
    assert grid.status["conditions"][0]["reason"] == "InvalidSpec"
    assert world.names() == []
    assert world.get("g", "DeploymentGrid")["status"]["conditions"][0]["reason"] == "InvalidSpec"
    kubectl_apply(world, template={**a_template(), "replica": None})
    assert world.names() == ["g-a"]


def test_without_custom_resources_the_portal_is_the_only_home_and_cleans_up_itself(world):
    for definition in DEFINITIONS:
        world.cluster.delete("CustomResourceDefinition", "", definition["metadata"]["name"])
    world.until(lambda: not world.cluster.serves("DeploymentGrid"))
    grid = world.save(a_grid(template=a_template()))
    metadata = world.get("g-a")["metadata"]
    assert metadata["annotations"]["sgportal.superedge.io/grid-uid"] == str(grid.uid)
    assert "ownerReferences" not in metadata
    from sgportal.actions import delete_grid

    from ..world import ADA

    delete_grid(grid, ADA)
    world.settle()
    world.later(5)
    assert world.names() == []
    assert not Grid.objects.exists()


def test_children_made_without_custom_resources_get_their_owner_when_there_are_some(world):
    from sgportal.cluster import install_crds

    for definition in DEFINITIONS:
        world.cluster.delete("CustomResourceDefinition", "", definition["metadata"]["name"])
    world.until(lambda: not world.cluster.serves("DeploymentGrid"))
    world.save(a_grid(template=a_template()))
    uid = world.get("g-a")["metadata"]["uid"]
    install_crds(world.cluster)
    world.until(lambda: world.cluster.serves("DeploymentGrid"))
    world.resync()
    metadata = world.get("g-a")["metadata"]
    assert metadata["uid"] == uid
    assert metadata["ownerReferences"][0]["uid"] == world.get("g", "DeploymentGrid")["metadata"]["uid"]
    assert "sgportal.superedge.io/grid-uid" not in metadata.get("annotations", {})


def test_what_only_the_portal_refuses_becomes_a_condition_with_the_same_sentence(world):
    """The definition of the resource cannot say that two ports have one number; nothing is made of it."""
    template = a_template()
    ports = [{"name": name, "containerPort": 80} for name in ("http", "metrics")]
    template["template"]["spec"]["containers"][0]["ports"] = ports
    with pytest.raises(Invalid) as refused:
        world.save(a_grid(template=template))
    kubectl_apply(world, template=template)
    problem = refused.value.problems[0]
    for status in (Grid.objects.get().status, world.get("g", "DeploymentGrid")["status"]):
        told = {each["type"]: (each["reason"], each["message"]) for each in status["conditions"]}
        assert told["Ready"] == ("InvalidSpec", f"{problem.pointer}: {problem.sentence}")
    assert world.names() == []
