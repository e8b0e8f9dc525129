"""Pause, restart and scale as kubectl asks for them, on an embedded and a real cluster."""

import pytest

from sgportal.cluster import MERGE_PATCH
from sgportal.cluster.kinds import RESOURCES
from sgportal.models import Grid, GridUnit

from ..world import a_grid, a_template

PAUSED = "sgportal.superedge.io/paused"
PAUSED_UNITS = "sgportal.superedge.io/paused-units"
RESTARTED = "kubectl.kubernetes.io/restartedAt"


@pytest.fixture
def two(world):
    """Units a (node0) and b (node1), and a grid that runs in both."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.grid = world.save(a_grid(template=a_template()))
    return world


def image(world, name):
    return world.get(name)["spec"]["template"]["spec"]["containers"][0]["image"]


def annotate(world, **annotations):
    """Annotate the custom resource as `kubectl annotate` does."""
    named = {PAUSED: annotations.get("paused"), PAUSED_UNITS: annotations.get("units")}
    named[RESTARTED] = annotations.get("restarted")
    world.edit("g", {"metadata": {"annotations": named}}, "DeploymentGrid", by="kubectl-annotate")
    world.resync()


def test_a_grid_is_paused_and_resumed_with_kubectl_annotate(two):
    annotate(two, paused="true")
    two.edit("g-a", {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "img:9"}]}}}})
    two.label("node2", zone="c")
    two.resync()
    assert (image(two, "g-a"), two.names()) == ("img:9", ["g-a", "g-b"])
    rows = {row.name: (row.state, row.reason) for row in GridUnit.objects.filter(grid=two.grid)}
    assert rows["a"] == rows["c"] == ("Paused", "ReconciliationPaused")
    annotate(two)
    assert (image(two, "g-a"), two.names()) == ("img:1", ["g-a", "g-b", "g-c"])


def test_a_unit_that_is_paused_keeps_what_it_has_while_others_go_on(two):
    annotate(two, units="a")
    two.change(two.grid, lambda manifest: manifest["spec"].update(template=a_template("img:2")))
    assert (image(two, "g-a"), image(two, "g-b")) == ("img:1", "img:2")
    annotate(two)
    assert image(two, "g-a") == "img:2"


def test_a_restart_by_annotation_restarts_the_pods_once(two):
    annotate(two, restarted="2026-01-01T00:00:00Z")
    pods = [two.get(name)["spec"]["template"]["metadata"]["annotations"] for name in ("g-a", "g-b")]
    assert pods == [{RESTARTED: "2026-01-01T00:00:00Z"}] * 2
    generation = two.get("g-a")["metadata"]["generation"]
    two.resync()
    assert two.get("g-a")["metadata"]["generation"] == generation


def test_kubectl_scale_sets_the_number_of_each_unit_that_has_no_other(two):
    two.change(two.grid, lambda manifest: manifest["spec"].update(overrides=[{"units": ["b"], "replicas": 4}]))
    path = RESOURCES["DeploymentGrid"].path("default", "g", "scale")
    headers = {"Content-Type": MERGE_PATCH}
    two.cluster._transport.call("PATCH", path, body={"spec": {"replicas": 3}}, headers=headers)
    two.resync()
    assert [two.get(name)["spec"]["replicas"] for name in ("g-a", "g-b")] == [3, 4]
    two.resync()
    assert Grid.objects.get().status["replicas"] == 7
    scale = two.cluster._transport.call("GET", path)[1]
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 7)
