"""Namespaces that are closed to the portal: nothing is made there, whoever asks, and what runs there runs on."""

import pytest

from sgportal.actions import delete_grid
from sgportal.cluster import MERGE_PATCH
from sgportal.core.policy.namespaces import read_namespaces
from sgportal.core.policy.pod_security import ENFORCE
from sgportal.core.text import Invalid
from sgportal.models import Grid, Namespace, ResourceSync
from sgportal.queries.freshness import freshness
from sgportal.queries.label_impact import label_impact
from sgportal.queries.plans import plan_of
from sgportal.reconciler.grids.resource import absence, sync

from ..watching import a_watch, until
from ..world import ADA, a_grid, a_template, seed

CLOSED = "kube-system"


@pytest.fixture
def world(world):
    world.label("node0", zone="a")
    yield world
    for kind in ("DeploymentGrid", "ServiceGrid"):
        for grid in world.cluster.list(kind, CLOSED).items:
            world.cluster.delete(kind, CLOSED, grid["metadata"]["name"])


@pytest.fixture
def shut(settings):
    """Closes `default`, or opens it again."""

    def close(closing=True):
        settings.SGPORTAL_NAMESPACES = read_namespaces(["!default"] if closing else [], "sgportal")

    return close


def kubectl_apply(world, manifest, namespace=CLOSED):
    manifest["metadata"]["namespace"] = namespace
    world.cluster.apply(manifest)
    observe(world, manifest["kind"], namespace, manifest["metadata"]["name"])


def observe(world, kind, namespace, name):
    sync.observe(kind, namespace, name, world.cluster.get(kind, namespace, name))
    world.look()
    world.settle()


def conditions(world, name="g", kind="DeploymentGrid", namespace=CLOSED):
    status = world.get(name, kind, namespace)["status"]
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def test_a_custom_resource_in_a_closed_namespace_gets_no_children_and_says_why(world):
    kubectl_apply(world, a_grid(template=a_template(hostNetwork=True)))
    assert "g-a" not in world.names(namespace=CLOSED)
    found = conditions(world)
    assert found["NamespaceClosed"] == ("True", "NamespaceClosed")
    assert found["Ready"] == ("False", "NamespaceClosed")
    grid = Grid.objects.get(namespace=CLOSED)
    assert (grid.state, grid.units.get().reason) == ("Blocked", "NamespaceClosed")
    assert CLOSED in grid.status["units"][0]["message"]
    planned = plan_of(grid)
    assert (planned.steps, [each.reason for each in planned.findings]) == ((), ["NamespaceClosed"] * 2)


def test_a_service_grid_there_gets_no_service(world):
    manifest = seed("servicegrid")
    manifest["spec"]["gridUniqKey"] = "zone"
    kubectl_apply(world, manifest)
    assert "servicegrid-demo-svc" not in world.names("Service", CLOSED)
    assert conditions(world, "servicegrid-demo", "ServiceGrid")["Ready"] == ("False", "NamespaceClosed")


def test_a_new_unit_gets_nothing_there(world):
    kubectl_apply(world, a_grid(template=a_template()))
    assert label_impact(["node1"], {"zone": "b"}).steps == ()
    world.label("node1", zone="b")
    world.settle()
    assert world.names(namespace=CLOSED) == [
        name for name in world.names(namespace=CLOSED) if not name.startswith("g-")
    ]
    assert Grid.objects.get(namespace=CLOSED).units.count() == 2


def test_its_end_is_followed(world):
    kubectl_apply(world, a_grid(template=a_template()))
    world.cluster.delete("DeploymentGrid", CLOSED, "g")
    observe(world, "DeploymentGrid", CLOSED, "g")
    world.later(absence.SETTLE_SECONDS)
    assert not Grid.objects.exists()


def test_what_ran_when_the_namespace_was_closed_runs_on_untouched(world, shut):
    grid = world.save(a_grid(template=a_template()))
    world.until_ready("g-a")
    shut()
    before = world.get("g-a")["metadata"]["resourceVersion"]
    world.resync()
    found = conditions(world, namespace="default")
    assert (found["NamespaceClosed"][0], found["Ready"][0]) == ("True", "True")
    world.edit("g-a", {"spec": {"replicas": 3}})
    world.label("node0", zone=None)
    world.later(7200)
    assert world.get("g-a")["spec"]["replicas"] == 3
    assert world.get("g-a")["metadata"]["uid"]
    assert world.get("g-a")["metadata"]["resourceVersion"] != before
    with pytest.raises(Invalid, match="closed"):
        world.change(grid, lambda manifest: manifest["spec"]["template"].update(replicas=2))


def test_once_open_again_it_is_as_wanted(world, shut):
    world.save(a_grid(template=a_template()))
    shut()
    world.label("node1", zone="b")
    world.settle()
    assert world.names() == ["g-a"]
    shut(False)
    world.resync()
    assert world.names() == ["g-a", "g-b"]
    assert "NamespaceClosed" not in conditions(world, namespace="default")


def test_what_was_being_deleted_when_it_was_closed_goes(world, shut):
    grid = world.save(a_grid(template=a_template()))
    delete_grid(grid, ADA)
    shut()
    world.settle()
    world.until(lambda: world.later(2) or not Grid.objects.exists())
    world.until(lambda: world.names() == [])


@pytest.mark.usefixtures("transactional_db")
def test_the_watch_knows_the_labels_of_namespaces(world):
    def enforce(level):
        change = {"metadata": {"labels": {ENFORCE: level}}}
        world.cluster.patch("Namespace", "", "default", change, MERGE_PATCH)

    with a_watch(world.cluster):
        assert Namespace.objects.filter(name__in=["default", CLOSED]).count() == 2
        enforce("restricted")
        until(lambda: Namespace.objects.get(name="default").labels.get(ENFORCE) == "restricted")
        enforce(None)
        until(lambda: ENFORCE not in Namespace.objects.get(name="default").labels)


@pytest.mark.embedded_only
def test_without_the_right_to_read_namespaces_all_else_goes_on(world):
    world.embedded.faults.add("status", methods=["GET"], path="/namespaces$", code=403)
    with a_watch(world.cluster, wait=False):
        until(lambda: freshness().observed_at and not freshness().unreachable_since)
        assert not freshness().stale
        assert not ResourceSync.objects.get(resource="namespaces").served
