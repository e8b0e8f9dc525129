"""What differs from unit to unit, from the manifest to the children, on an embedded and a real cluster."""

import pytest

from sgportal.core.text import Invalid
from sgportal.models import GridUnit

from ..world import a_grid, a_template

UNIT = "sgportal.superedge.io/unit"
CANARY = {"matchLabels": {"tier": "canary"}}


@pytest.fixture
def two(world):
    """Units a (node0) and b (node1)."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    return world


def image(world, name):
    return world.get(name)["spec"]["template"]["spec"]["containers"][0]["image"]


def generation(world, name):
    """How often the spec was changed: a write that is refused since the controller wrote meanwhile is sent again."""
    return world.get(name)["metadata"]["generation"]


def writes(world):
    return world.server.requests["PATCH", "deployments"]


def test_a_fleet_of_children_with_and_without_the_label_is_at_rest(two):
    old = a_grid(template=a_template())["spec"]["template"]
    pod = {**old["template"], "spec": {**old["template"]["spec"], "nodeSelector": {"zone": "a"}}}
    labels = {"superedge.io/grid-selector": "g", "superedge.io/grid-uniq-key": "zone"}
    metadata = {"name": "g-a", "namespace": "default", "labels": labels}
    two.cluster.create(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {**old, "template": pod}}
    )
    before = two.get("g-a")
    two.look()
    grid = two.save(a_grid(template=a_template()))
    assert two.get("g-b")["spec"]["selector"]["matchLabels"][UNIT] == "b"
    assert two.get("g-a")["spec"] == before["spec"]
    assert two.get("g-a")["metadata"]["generation"] == before["metadata"]["generation"]
    two.server.reset_counts()
    two.resync()
    assert writes(two) == 0
    two.change(grid, lambda manifest: manifest["spec"].update(template=a_template("img:2")))
    assert [image(two, name) for name in ("g-a", "g-b")] == ["img:2", "img:2"]
    assert UNIT not in two.get("g-a")["spec"]["selector"]["matchLabels"]


def test_overrides_and_variables_reach_the_children_and_stay(two):
    overrides = [{"units": ["a"], "image": "img:{{unit.name}}", "replicas": 2, "env": [{"name": "X", "value": "1"}]}]
    grid = two.save(a_grid(template=a_template(), overrides=overrides))
    assert (image(two, "g-a"), image(two, "g-b")) == ("img:a", "img:1")
    assert (two.get("g-a")["spec"]["replicas"], two.get("g-b")["spec"]["replicas"]) == (2, 1)
    two.server.reset_counts()
    two.resync()
    assert writes(two) == 0
    two.change(grid, lambda manifest: manifest["spec"].pop("overrides"))
    assert image(two, "g-a") == "img:1"
    assert "env" not in two.get("g-a")["spec"]["template"]["spec"]["containers"][0]


def test_a_label_of_a_node_that_changes_an_override_wakes_that_cell_alone(two):
    two.save(a_grid(template=a_template(), overrides=[{"unitSelector": CANARY, "image": "img:2"}]))
    two.look()
    two.settle()
    before = generation(two, "g-a"), generation(two, "g-b")
    two.label("node1", tier="canary")
    two.settle()
    assert (image(two, "g-a"), image(two, "g-b")) == ("img:1", "img:2")
    assert (generation(two, "g-a"), generation(two, "g-b")) == (before[0], before[1] + 1)
    two.label("node1", tier=None)
    two.settle()
    assert image(two, "g-b") == "img:1"


def test_overrides_that_come_to_contradict_one_another_block_one_unit_and_write_nothing(two):
    overrides = [{"units": ["b"], "image": "img:3"}, {"unitSelector": CANARY, "image": "img:2"}]
    grid = two.save(a_grid(template=a_template(), overrides=overrides))
    two.label("node1", tier="canary")
    two.settle()
    assert image(two, "g-b") == "img:3"
    row = GridUnit.objects.get(grid=grid, name="b")
    assert (row.state, row.reason) == ("Blocked", "OverrideConflict")
    with pytest.raises(Invalid):
        two.change(grid, lambda manifest: manifest["spec"].update(template=a_template("img:9")))


def test_a_total_is_divided_anew_when_a_unit_comes(two):
    two.save(a_grid(template=a_template(replicas=None), totalReplicas=6, division={"atLeast": 1}))
    assert [two.get(name)["spec"]["replicas"] for name in ("g-a", "g-b")] == [3, 3]
    two.label("node2", zone="c")
    two.settle()
    assert [two.get(name)["spec"]["replicas"] for name in ("g-a", "g-b", "g-c")] == [2, 2, 2]


def test_a_unit_that_is_left_out_by_name_goes_and_comes_back(two):
    grid = two.save(a_grid(template=a_template()))
    grid = two.change(grid, lambda manifest: manifest["spec"].update(placement={"exclude": {"units": ["b"]}}))
    two.resync()
    assert two.names() == ["g-a"]
    assert (grid.unit_count, [each["name"] for each in grid.status["units"]]) == (1, ["a"])
    two.change(grid, lambda manifest: manifest["spec"].pop("placement"))
    assert two.names() == ["g-a", "g-b"]


def test_a_unit_that_is_left_out_by_a_label_is_kept_for_the_grace_time(two, settings):
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 60
    two.label("node0", tier="canary")
    two.label("node1", tier="canary")
    grid = two.save(a_grid(template=a_template(), placement={"include": {"unitSelector": CANARY}}))
    assert two.names() == ["g-a", "g-b"]
    two.label("node1", tier=None)
    two.settle()
    assert two.names() == ["g-a", "g-b"]
    assert GridUnit.objects.get(grid=grid, name="b").reason == "UnitLeftOut"
    two.later(61)
    assert two.names() == ["g-a"]


@pytest.mark.parametrize(
    ("policy", "at_once", "later"),
    [
        ({"orphanPolicy": "delete"}, ["g-a"], ["g-a"]),
        ({"orphanPolicy": "retain"}, ["g-a", "g-b"], ["g-a", "g-b"]),
        ({"deleteAfterSeconds": 30}, ["g-a", "g-b"], ["g-a"]),
    ],
)
def test_a_unit_without_nodes_keeps_its_child_as_the_grid_says(two, policy, at_once, later):
    two.save(a_grid(template=a_template(), **policy))
    two.label("node1", zone=None)
    two.settle()
    two.resync()
    assert two.names() == at_once
    two.later(31)
    assert two.names() == later
