"""The acceptance scenarios, through rows, reconciler and a real HTTP API server."""

import pytest

from sgportal.actions import delete_grid, recreate_unit
from sgportal.cluster import JSON_PATCH
from sgportal.models import AuditEvent, Grid, GridEvent, GridUnit, Revision

from ..world import ADA, a_grid, a_template, seed


@pytest.fixture
def two(world):
    """Units a (node0) and b (node1), and a grid that runs in both."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.grid = world.save(a_grid(template=a_template()))
    world.server.reset_counts()
    return world


def units(grid):
    return {row.name: (row.state, row.reason) for row in GridUnit.objects.filter(grid=grid)}


def images(world):
    return {name: world.get(name)["spec"]["template"]["spec"]["containers"][0]["image"] for name in world.names()}


def applies(world, plural="deployments"):
    return world.server.requests["PATCH", plural]


def test_01_one_create_for_each_unit(world):
    for node, unit in (("node0", "a"), ("node1", "a"), ("node2", "b")):
        world.label(node, zone=unit)
    world.server.reset_counts()
    world.save(a_grid())
    assert world.names() == ["g-a", "g-b"]
    assert applies(world) == 2


def test_02_the_custom_resource_is_what_the_user_sent(world):
    world.label("node0", zone="a")
    manifest = a_grid(template=a_template(nodeSelector={"disk": "ssd"}))
    world.save(manifest)
    assert world.get("g", "DeploymentGrid")["spec"] == manifest["spec"]
    assert world.get("g-a")["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "ssd", "zone": "a"}


def test_03_a_new_unit_writes_nothing_else(two):
    two.label("node2", zone="c")
    two.settle()
    assert two.names() == ["g-a", "g-b", "g-c"]
    assert applies(two) == 1


def test_04_07_a_vanished_unit_is_kept_for_its_grace_and_never_touched_if_it_returns(two, settings):
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 60
    two.label("node1", zone=None)
    two.resync()
    assert units(two.grid)["b"] == ("UnitGone", "UnitGone")
    two.label("node1", zone="b")
    two.resync()
    two.later(61)
    assert two.names() == ["g-a", "g-b"]
    two.label("node1", zone=None)
    two.resync()
    two.later(59)
    assert two.names() == ["g-a", "g-b"]
    two.later(2)
    assert two.names() == ["g-a"]
    assert "b" not in units(two.grid)


def test_04_a_unit_that_is_back_in_the_cluster_is_not_deleted_on_old_news(two, settings):
    settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 60
    two.label("node1", zone=None)
    two.resync()
    two.cluster.patch("Node", "", "node1", {"metadata": {"labels": {"zone": "b"}}}, "application/merge-patch+json")
    two.later(61)  # the mirror has not heard of the label yet
    assert two.names() == ["g-a", "g-b"]


def test_05_a_silent_node_changes_nothing(two):
    two.server.set_node_ready("node1", None)
    two.look()
    two.resync()
    assert two.names() == ["g-a", "g-b"]
    assert applies(two) == 0
    assert units(two.grid)["b"] == ("Offline", "NodesUnreachable")


def test_06_a_node_that_moves_leaves_misplaced_pods(world):
    world.label("node0", zone="a")
    world.label("node1", zone="a")
    world.label("node2", zone="b")
    grid = world.save(a_grid(template=a_template(replicas=2)))
    world.until_ready("g-a", "g-b")
    world.label("node1", zone="b")
    world.resync()
    assert world.names() == ["g-a", "g-b"]
    assert len(GridUnit.objects.get(grid=grid, name="a").misplaced) == 1


def test_08_a_unit_without_a_valid_name_is_refused_alone(two):
    two.label("node2", zone="Site_01")
    two.settle()
    assert two.names() == ["g-a", "g-b"]
    assert units(two.grid)["Site_01"] == ("Blocked", "InvalidName")
    two.resync()
    assert GridEvent.objects.filter(reason="InvalidName", unit="Site_01").count() == 1


def test_09_a_key_with_a_slash(world):
    world.label("node0", topology__kubernetes="")  # a key with a name that reads the same
    world.cluster.patch(
        "Node",
        "",
        "node0",
        {"metadata": {"labels": {"topology.kubernetes.io/zone": "z1"}}},
        "application/merge-patch+json",
    )
    world.look()
    world.save(a_grid(key="topology.kubernetes.io/zone"))
    world.until_ready("g-z1")
    annotations = world.get("g-z1")["metadata"]["annotations"]
    assert annotations["superedge.io/grid-uniq-key"] == "topology.kubernetes.io/zone"


def test_10_children_belong_to_the_custom_resource(two):
    metadata = two.get("g-a")["metadata"]
    owner = two.get("g", "DeploymentGrid")["metadata"]["uid"]
    references = metadata["ownerReferences"]
    assert [(r["uid"], r["controller"], r["blockOwnerDeletion"]) for r in references] == [(owner, True, True)]
    assert metadata["labels"]["superedge.io/grid-selector"] == "g"


def test_11_the_service_exists_without_units(world):
    world.save(seed("servicegrid"))
    assert world.names("Service") == ["servicegrid-demo-svc"]
    service = world.get("servicegrid-demo-svc", "Service")
    assert service["metadata"]["annotations"] == {
        "topologyKeys": '["zone1"]',
        "sgportal.superedge.io/closure": '{"mode":"strict","key":"zone1","failover":[]}',
        "sgportal.superedge.io/selector": '{"appGrid":"echo"}',
    }
    assert "selector" not in service["spec"]


def test_a_service_that_was_there_before_is_closed_only_when_asked(world):
    """SuperEdge's, or our own of an earlier version: where its traffic goes is not changed unasked, and once we have
    taken its selector away nobody gets it back by an edit."""
    manifest = {**seed("servicegrid"), "spec": {**seed("servicegrid")["spec"], "closure": {"mode": "wrapper"}}}
    grid = world.save(manifest)
    world.change(grid, lambda m: m["spec"].pop("closure"))
    assert world.get("servicegrid-demo-svc", "Service")["spec"]["selector"] == {"appGrid": "echo"}
    world.change(grid, lambda m: m["spec"].update(closure={"mode": "strict"}))
    assert "selector" not in world.get("servicegrid-demo-svc", "Service")["spec"]
    world.change(grid, lambda m: m["spec"].pop("closure"))
    opened = {"metadata": {"annotations": {"sgportal.superedge.io/closure": None}}, "spec": {"selector": {"a": "b"}}}
    world.edit("servicegrid-demo-svc", opened, "Service")
    world.resync()
    service = world.get("servicegrid-demo-svc", "Service")
    assert "selector" not in service["spec"]
    assert "sgportal.superedge.io/closure" in service["metadata"]["annotations"]


@pytest.mark.parametrize(("replicas", "wanted"), [(None, 1), (0, 0)])
def test_12_replicas(world, replicas, wanted):
    world.label("node0", zone="a")
    world.save(a_grid(template=a_template(replicas=replicas)))
    assert world.get("g-a")["spec"]["replicas"] == wanted


@pytest.fixture
def pooled(world):
    """Template t1 in unit a, t2 elsewhere."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    pool = {"t1": a_template("one"), "t2": a_template("two"), "spare": a_template("spare")}
    world.grid = world.save(a_grid(templatePool=pool, templates={"a": "t1"}, defaultTemplateName="t2"))
    world.until_ready("g-a", "g-b")
    world.server.reset_counts()
    return world


def rollouts(world, unit):
    return int(world.get(f"g-{unit}")["metadata"]["annotations"]["deployment.kubernetes.io/revision"])


def test_14_templates(pooled):
    assert images(pooled) == {"g-a": "one", "g-b": "two"}


def test_15_switching_one_unit_makes_one_rollout_there_only(pooled):
    pooled.change(pooled.grid, lambda m: m["spec"].update(templates={"a": "t2"}))
    assert images(pooled) == {"g-a": "two", "g-b": "two"}
    assert applies(pooled) == 2  # a dry run before it was stored, and the one that counts
    pooled.until(lambda: rollouts(pooled, "a") == 2)
    assert rollouts(pooled, "b") == 1


def test_16_a_missing_template_is_said_once_and_stops_nobody_else(pooled):
    pooled.change(pooled.grid, lambda m: m["spec"].update(templates={"a": "t2", "b": "nowhere"}))
    assert images(pooled) == {"g-a": "two", "g-b": "two"}
    for _ in range(3):
        pooled.resync()
    assert units(pooled.grid)["b"] == ("Blocked", "TemplateNotFound")
    events = GridEvent.objects.filter(reason="TemplateNotFound")
    assert [(event.unit, event.type, event.count) for event in events] == [("b", "Warning", 1)]


def test_17_only_replicas_means_no_restart(pooled):
    pooled.change(pooled.grid, lambda m: m["spec"]["templatePool"]["t1"].update(replicas=2))
    pooled.until_ready("g-a")
    assert (rollouts(pooled, "a"), rollouts(pooled, "b")) == (1, 1)
    assert pooled.get("g-b")["spec"]["replicas"] == 1


def test_18_unused_templates_are_named_and_go_only_when_asked(pooled):
    from sgportal.actions import remove_unused_templates

    pooled.change(pooled.grid, lambda m: m["spec"].update(autoDeleteUnusedTemplate=True))
    grid = Grid.objects.get()
    assert grid.status["unusedTemplates"] == ["spare"]
    assert "spare" in pooled.get("g", "DeploymentGrid")["spec"]["templatePool"]
    remove_unused_templates(grid, ADA)
    pooled.settle()
    assert set(pooled.get("g", "DeploymentGrid")["spec"]["templatePool"]) == {"t1", "t2"}


def test_19_an_empty_name_is_the_spec_template(pooled):
    pooled.change(pooled.grid, lambda m: m["spec"]["templates"].update(a=""))
    assert images(pooled)["g-a"] == "gcr.io/kubernetes-e2e-test-images/echoserver:2.2"


def test_20_a_resync_without_news_writes_nothing(two):
    two.save(seed("servicegrid"))
    two.until_ready("g-a", "g-b")
    two.until_at_rest()


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("/spec/template/spec/containers/0/image", "evil", 'spec.template.spec.containers[name="c"].image'),
        ("/spec/template/spec/nodeSelector/disk", "ssd", "spec.template.spec.nodeSelector.disk"),
        ("/spec/replicas", 7, "spec.replicas"),
    ],
)
def test_21_drift_is_repaired_and_named(two, path, value, field):
    before = two.get("g-a")["spec"]
    two.edit("g-a", [{"op": "add", "path": path, "value": value}], content_type=JSON_PATCH)
    two.resync()
    after = two.get("g-a")["spec"]
    assert after == before
    sentence = str(GridEvent.objects.filter(reason="Updated", unit="a").first().sentence)
    assert f"drift: kubectl-edit changed {field}" in sentence


def test_22_foreign_metadata_survives_the_next_update(two):
    patch = {"metadata": {"annotations": {"other.io/x": "1"}, "finalizers": ["other.io/f"], "labels": {"o": "1"}}}
    two.edit("g-a", patch)
    two.change(two.grid, lambda m: m["spec"]["template"].update(replicas=2))
    metadata = two.get("g-a")["metadata"]
    assert two.get("g-a")["spec"]["replicas"] == 2
    assert (metadata["annotations"]["other.io/x"], metadata["finalizers"]) == ("1", ["other.io/f"])
    assert metadata["labels"]["o"] == "1"


def test_23_labels_and_annotations_come_back_and_nothing_is_deleted(two):
    two.save(seed("servicegrid"))
    uid = two.get("g-a")["metadata"]["uid"]
    two.edit("g-a", {"metadata": {"labels": {"superedge.io/grid-selector": None, "superedge.io/grid-uniq-key": "x"}}})
    two.edit("servicegrid-demo-svc", {"metadata": {"annotations": {"topologyKeys": None}}}, "Service")
    two.resync()
    metadata = two.get("g-a")["metadata"]
    assert (metadata["uid"], metadata["labels"]["superedge.io/grid-selector"]) == (uid, "g")
    assert metadata["labels"]["superedge.io/grid-uniq-key"] == "zone"
    assert two.get("servicegrid-demo-svc", "Service")["metadata"]["annotations"]["topologyKeys"] == '["zone1"]'


def a_strangers(name, **metadata):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": a_template("theirs"),
    }


def test_24_a_strangers_deployment_is_never_touched(world):
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.cluster.apply(a_strangers("g-a"))
    before = world.get("g-a")
    grid = world.save(a_grid())
    world.resync()
    after = world.get("g-a")
    assert (after["spec"], after["metadata"].get("labels"), "ownerReferences" in after["metadata"]) == (
        before["spec"],
        before["metadata"].get("labels"),
        False,
    )
    assert units(grid)["a"] == ("Blocked", "NameConflict")
    assert world.names() == ["g-a", "g-b"]
    world.cluster.delete("Deployment", "default", "g-a")
    world.resync()
    world.later(600)
    assert units(grid)["a"][0] != "Blocked"


def test_25_a_strangers_deployment_with_our_label_is_left_alone(two):
    two.cluster.apply(a_strangers("other", labels={"superedge.io/grid-selector": "g"}))
    two.resync()
    assert "other" in two.names()
    assert "ownerReferences" not in two.get("other")["metadata"]


@pytest.mark.parametrize(("propagation", "left"), [("Background", []), ("Orphan", ["g-a", "g-b"])])
def test_27_deletion(two, propagation, left):
    delete_grid(two.grid, ADA, propagation=propagation)
    two.settle()
    # A real garbage collector learns of kinds that were defined a moment ago every 30 seconds.
    two.until(lambda: two.names() == left and two.names("DeploymentGrid") == [])
    two.later(5)
    assert not Grid.objects.exists()
    assert two.names("DeploymentGrid") == []
    assert Revision.objects.filter(path="deploymentgrids/default/g").count() == 1


def test_26_orphans_are_adopted_without_a_restart(two):
    two.until_ready("g-a", "g-b")
    uid, generation = two.get("g-a")["metadata"]["uid"], two.get("g-a")["metadata"]["generation"]
    delete_grid(two.grid, ADA, propagation="Orphan")
    two.settle()
    two.until(lambda: two.names("DeploymentGrid") == [])
    two.later(5)
    grid = two.save(a_grid(template=a_template()))
    metadata = two.get("g-a")["metadata"]
    assert (metadata["uid"], metadata["generation"]) == (uid, generation)
    assert metadata["ownerReferences"][0]["uid"] == two.get("g", "DeploymentGrid")["metadata"]["uid"]
    assert GridEvent.objects.filter(path=grid.path, reason="Adopted").count() == 2


def test_28_a_child_deleted_by_hand_comes_back(two):
    two.cluster.delete("Deployment", "default", "g-a")
    two.resync()
    assert two.names() == ["g-a", "g-b"]


def test_30_a_service_follows_what_is_taken_away(world):
    manifest = seed("servicegrid")
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    manifest["spec"]["template"] |= {"ports": ports, "publishNotReadyAddresses": True}
    manifest["spec"]["template"]["selector"]["tier"] = "x"
    grid = world.save(manifest)
    address = world.get("servicegrid-demo-svc", "Service")["spec"]["clusterIP"]
    world.change(
        grid,
        lambda m: m["spec"].update(template={"selector": {"appGrid": "echo"}, "ports": ports[:1]}),
    )
    spec = world.get("servicegrid-demo-svc", "Service")["spec"]
    assert [port["port"] for port in spec["ports"]] == [80]
    annotations = world.get("servicegrid-demo-svc", "Service")["metadata"]["annotations"]
    assert annotations["sgportal.superedge.io/selector"] == '{"appGrid":"echo"}'
    assert not spec.get("publishNotReadyAddresses")
    assert spec["clusterIP"] == address


def test_31_a_changed_key_moves_the_service_and_keeps_workloads_until_successors_are_ready(two):
    two.save(seed("servicegrid"))
    two.change(Grid.objects.get(kind="ServiceGrid"), lambda m: m["spec"].update(gridUniqKey="city"))
    metadata = two.get("servicegrid-demo-svc", "Service")["metadata"]
    assert metadata["annotations"]["topologyKeys"] == '["city"]'
    assert metadata["labels"]["superedge.io/grid-uniq-key"] == "city"
    two.label("node0", city="x")
    two.settle()
    two.change(two.grid, lambda m: m["spec"].update(gridUniqKey="city"))
    assert {"g-a", "g-b", "g-x"} == set(two.names())
    two.until_ready("g-x")
    assert two.names() == ["g-x"]


def test_32_headless_is_refused_without_a_storm_and_recreated_on_request(world):
    grid = world.save(seed("servicegrid"))
    grid = world.change(grid, lambda m: m["spec"]["template"].update(clusterIP="None"))
    world.server.reset_counts()
    for _ in range(3):
        world.resync()
    assert applies(world, "services") == 0
    assert grid.status["conditions"][0]["reason"] == "ImmutableField"
    recreate_unit(grid, "", ADA)
    world.settle()
    world.resync()
    assert world.get("servicegrid-demo-svc", "Service")["spec"]["clusterIP"] == "None"


@pytest.mark.embedded_only
def test_33_a_condition_is_cleared_by_the_next_success(two):
    two.embedded.faults.add("status", code=403, methods=["PATCH"], path="deployments/g-a", count=2)
    grid = two.change(two.grid, lambda m: m["spec"]["template"].update(replicas=2))
    assert units(grid)["a"] == ("Blocked", "Forbidden")
    assert units(grid)["b"][0] != "Blocked"
    two.resync()  # within the unit's back-off nothing is tried, and what is wrong stays said
    assert units(grid)["a"] == ("Blocked", "Forbidden")
    two.later(600)
    two.later(600)
    two.until_ready("g-a", "g-b")
    grid.refresh_from_db()
    conditions = {each["type"]: each["status"] for each in grid.status["conditions"]}
    assert conditions == {"Ready": "True", "Progressing": "False", "Degraded": "False"}
    assert grid.status["observedGeneration"] == 2


def test_34_status_is_on_the_custom_resource(two):
    two.until_ready("g-a", "g-b")
    status = two.get("g", "DeploymentGrid")["status"]
    assert status["states"]["a"]["readyReplicas"] == 1
    assert [each["name"] for each in status["units"]] == ["a", "b"]
    assert (status["readyUnits"], status["totalUnits"], status["observedGeneration"]) == (2, 2, 1)


def test_every_write_of_intent_leaves_an_audit_event(two):
    two.look()
    two.change(two.grid, lambda m: m["spec"]["template"].update(replicas=2))
    delete_grid(Grid.objects.get(), ADA)
    trail = list(AuditEvent.objects.order_by("pk").values_list("actor", "verb", "path"))
    assert trail == [("ada", verb, "deploymentgrids/default/g") for verb in ("create", "change", "delete")]
    change = AuditEvent.objects.get(verb="change")
    assert (change.before["spec"]["template"]["replicas"], change.after["spec"]["template"]["replicas"]) == (1, 2)
    assert [step["verb"] for step in change.plan["steps"]] == ["update", "update"]
