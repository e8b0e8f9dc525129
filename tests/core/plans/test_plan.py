"""Which writes would make the cluster agree: the acceptance scenarios, asked of the pure function."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.grids.grid import parse
from sgportal.core.ownership.identity import Owner
from sgportal.core.plans.contest import TRIES
from sgportal.core.plans.plan import plan

from ..builders import (
    OWNER,
    a_grid,
    a_manifest,
    a_service,
    a_template,
    a_world,
    frozen,
    live_of,
    reasons,
    set_by,
    settled,
    verbs,
)


def child(made, unit):
    return next(step.body for step in made.steps if step.unit == unit)


def test_01_one_child_for_each_distinct_value_pinned_to_its_own_unit():
    made = plan(a_grid(), a_world(["a", "b"]))
    assert verbs(made) == [("create", "g-a"), ("create", "g-b")]
    for unit in "ab":
        assert child(made, unit)["spec"]["template"]["spec"]["nodeSelector"] == {"zone": unit}


def test_02_the_templates_own_node_selector_stays_and_the_users_spec_is_untouched():
    manifest = a_manifest(template=a_template(nodeSelector={"disk": "ssd"}))
    before = copy.deepcopy(manifest)
    made = plan(parse(frozen(manifest)), a_world(["a", "b"]))
    for unit in "ab":
        assert child(made, unit)["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "ssd", "zone": unit}
    assert manifest == before


def test_03_a_new_unit_writes_its_own_child_only():
    spec = a_grid()
    assert verbs(plan(spec, a_world(["a", "b", "c"], settled(spec)))) == [("create", "g-c")]


def test_04_a_vanished_units_child_is_kept_for_the_grace_time_then_goes():
    spec = a_grid()
    live = settled(spec)
    kept = plan(spec, a_world(["a"], live, gone_since={"b": 1000.0}, now=1059.0, grace=60.0))
    assert verbs(kept) == []
    assert reasons(kept) == {"b": "UnitGone"}
    gone = plan(spec, a_world(["a"], live, gone_since={"b": 1000.0}, now=1060.0, grace=60.0))
    assert verbs(gone) == [("delete", "g-b")]
    assert gone.steps[0].uid == "uid-g-b"


@pytest.mark.parametrize("unit", ["Site_01", "u" * 63])
def test_08_a_unit_whose_value_is_no_name_is_refused_alone(unit):
    made = plan(a_grid(name="grid"), a_world(["a", unit]))
    assert verbs(made) == [("create", "grid-a")]
    assert reasons(made) == {unit: "InvalidName"}


def test_09_a_key_with_a_slash_works_with_its_raw_form_in_an_annotation():
    made = plan(a_grid(key="topology.kubernetes.io/zone"), a_world(["a"]))
    metadata = made.steps[0].body["metadata"]
    assert metadata["annotations"]["superedge.io/grid-uniq-key"] == "topology.kubernetes.io/zone"
    label = metadata["labels"]["superedge.io/grid-uniq-key"]
    assert "/" not in label
    assert len(label) <= 63
    selector = made.steps[0].body["spec"]["template"]["spec"]["nodeSelector"]
    assert selector == {"topology.kubernetes.io/zone": "a"}


def test_10_the_childs_labels_owner_and_name_are_superedges():
    manifest = a_manifest()
    manifest["metadata"]["labels"] = {"team": "shop"}
    metadata = plan(parse(manifest), a_world(["a"])).steps[0].body["metadata"]
    assert metadata["labels"] == {
        "team": "shop",
        "superedge.io/grid-selector": "g",
        "superedge.io/grid-uniq-key": "zone",
        "sgportal.superedge.io/unit": "a",
    }
    assert metadata["ownerReferences"] == [
        {
            "apiVersion": "superedge.io/v1",
            "kind": "DeploymentGrid",
            "name": "g",
            "uid": "grid-uid",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    assert "annotations" not in metadata


def test_10_without_a_custom_resource_ownership_is_an_annotation():
    metadata = plan(a_grid(), a_world(["a"], owner=Owner("row", False, "row"))).steps[0].body["metadata"]
    assert "ownerReferences" not in metadata
    assert metadata["annotations"] == {"sgportal.superedge.io/grid-uid": "row"}


@pytest.mark.parametrize("units", [[], ["a", "b"]])
def test_11_the_service_exists_once_whatever_the_units(units):
    manifest = a_service()
    manifest["metadata"]["annotations"] = {
        "konghq.com/x": "1",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    made = plan(parse(manifest), a_world(units))
    assert verbs(made) == [("create", "g-svc")]
    body = made.steps[0].body
    assert body["metadata"]["annotations"] == {"konghq.com/x": "1", "topologyKeys": '["zone"]'}
    assert body["spec"] == {"selector": {"app": "web"}, "ports": [{"port": 80}]}


@pytest.mark.parametrize(("replicas", "children"), [(None, 1), (0, 0), (3, 3)])
def test_12_omitted_replicas_are_one_and_zero_is_respected(replicas, children):
    made = plan(a_grid(template=a_template(replicas=replicas)), a_world(["a"]))
    assert made.steps[0].body["spec"]["replicas"] == children


def pooled(**templates):
    pool = {"t1": a_template("one"), "t2": a_template("two")}
    return a_grid(templatePool=pool, templates=templates, defaultTemplateName="t2")


def image(body):
    return body["spec"]["template"]["spec"]["containers"][0]["image"]


def test_14_a_unit_uses_its_template_or_the_default():
    made = plan(pooled(a="t1", c="default"), a_world(["a", "b", "c"]))
    assert {step.unit: image(step.body) for step in made.steps} == {"a": "one", "b": "two", "c": "img:1"}


def test_15_switching_one_units_template_writes_that_child_only():
    live = settled(pooled(a="t1", b="t1"))
    made = plan(pooled(a="t2", b="t1"), a_world(live=live))
    assert verbs(made) == [("update", "g-a")]
    assert [change.path for change in made.steps[0].changes] == ["/spec/template/spec/containers/0/image"]


def test_16_a_missing_template_stops_its_unit_only():
    live = settled(pooled(a="t1"))
    made = plan(pooled(a="t2", b="nowhere"), a_world(live=live))
    assert verbs(made) == [("update", "g-a")]
    assert reasons(made) == {"b": "TemplateNotFound"}


def test_17_only_replicas_changes_only_replicas():
    spec, more = a_grid(), a_grid(template=a_template(replicas=5))
    made = plan(more, a_world(live=settled(spec)))
    assert {change.path for step in made.steps for change in step.changes} == {"/spec/replicas"}


def test_20_a_second_look_issues_no_write():
    for manifest in (a_manifest(), a_service(), a_manifest(template=a_template(replicas=None))):
        spec = parse(manifest)
        made = plan(spec, a_world(live=settled(spec)))
        assert made.steps == ()
        assert made.findings == ()


def spoil(body, edit):
    body = copy.deepcopy(body)
    edit(body)
    return body


def container(body):
    return body["spec"]["template"]["spec"]["containers"][0]


POD = ("f:spec", "f:template", "f:spec")


def add_sidecar(body, by=""):
    """Somebody adds a container: a manager, or admission, which is nobody."""
    body["spec"]["template"]["spec"]["containers"].append({"name": "x", "image": "y"})
    if by:
        set_by(by, body, *POD, "f:containers", 'k:{"name":"x"}', ".")


FULL = a_template()
FULL["template"]["spec"]["containers"][0] |= {
    "env": [{"name": "A", "value": "1"}],
    "resources": {"limits": {"cpu": "500m"}},
    "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
}


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (lambda body: container(body).update(image="bad"), "/spec/template/spec/containers/0/image"),
        (lambda body: container(body)["env"][0].update(value="2"), "/spec/template/spec/containers/0/env/0/value"),
        (lambda body: container(body)["env"].clear(), "/spec/template/spec/containers/0/env/-"),
        (
            lambda body: container(body)["resources"]["limits"].update(cpu="2"),
            "/spec/template/spec/containers/0/resources/limits/cpu",
        ),
        (
            lambda body: container(body).pop("livenessProbe"),
            "/spec/template/spec/containers/0/livenessProbe/httpGet/path",
        ),
        (lambda body: body["spec"].update(replicas=9), "/spec/replicas"),
        (lambda body: add_sidecar(body, "kubectl-edit"), "/spec/template/spec/containers/1"),
        (
            lambda body: body["spec"]["template"]["spec"]["nodeSelector"].update(disk="ssd"),
            "/spec/template/spec/nodeSelector/disk",
        ),
        (lambda body: body["metadata"]["labels"].clear(), "/metadata/labels/superedge.io~1grid-selector"),
    ],
)
def test_21_23_drift_is_seen_and_named(edit, path):
    spec = a_grid(template=FULL)
    live = [spoil(each, edit) for each in settled(spec, ["a"])]
    made = plan(spec, a_world(["a"], live))
    assert verbs(made) == [("update", "g-a")]
    assert path in [change.path for change in made.steps[0].changes]
    assert path.split("/")[-1].split("~1")[-1] in str(made.steps[0].reason) or path[-1] in "-1"


def test_a_field_we_once_applied_and_no_longer_want_is_removed():
    live = settled(a_grid(template=FULL), ["a"])
    made = plan(a_grid(), a_world(["a"], live))
    paths = {change.path for change in made.steps[0].changes if change.new is None}
    assert "/spec/template/spec/containers/0/livenessProbe" in paths
    assert "/spec/template/spec/containers/0/env" in paths


def test_what_others_added_is_told_from_what_we_drop_ourselves():
    """Dropping our own field is part of one apply: one rollout, not two."""
    live = settled(a_grid(template=a_template(nodeSelector={"disk": "ssd"})), ["a"])
    add_sidecar(live[0], "kubectl-edit")
    changes = {change.path: change.claimed for change in plan(a_grid(), a_world(["a"], live)).steps[0].changes}
    where = "/spec/template/spec"
    assert changes == {f"{where}/nodeSelector/disk": False, f"{where}/containers/1": True}


def test_equal_quantities_are_no_drift():
    live = [
        spoil(each, lambda body: container(body)["resources"]["limits"].update(cpu="0.5"))
        for each in settled(a_grid(template=FULL), ["a"])
    ]
    assert plan(a_grid(template=FULL), a_world(["a"], live)).steps == ()


def test_22_what_others_add_to_metadata_stays():
    spec = a_grid()
    live = settled(spec, ["a"])
    live[0]["metadata"]["annotations"] = {"other.io/note": "keep"}
    live[0]["metadata"]["finalizers"] = ["other.io/wait"]
    live[0]["metadata"]["labels"]["other.io/team"] = "x"
    assert plan(spec, a_world(["a"], live)).steps == ()


def stranger(name, **metadata):
    return live_of(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "shop", **metadata},
            "spec": {"replicas": 1, **a_template("theirs")},
        }
    )


def test_24_a_strangers_deployment_is_not_touched():
    made = plan(a_grid(), a_world(["a", "b"], [stranger("g-a")]))
    assert verbs(made) == [("create", "g-b")]
    assert reasons(made) == {"a": "NameConflict"}


def test_24_another_grids_child_is_not_touched():
    owner = {
        "apiVersion": "superedge.io/v1",
        "kind": "DeploymentGrid",
        "name": "g-a",
        "uid": "else",
        "controller": True,
    }
    taken = stranger("g-a", ownerReferences=[owner], labels={"superedge.io/grid-selector": "g"})
    made = plan(a_grid(), a_world(["a"], [taken]))
    assert made.steps == ()
    assert "belongs to DeploymentGrid g-a" in str(made.findings[0].sentence)


def test_25_a_strangers_deployment_with_our_label_is_neither_adopted_nor_deleted():
    made = plan(a_grid(), a_world(["a"], [stranger("mine", labels={"superedge.io/grid-selector": "g"})]))
    assert verbs(made) == [("create", "g-a")]


def test_26_an_orphan_of_the_right_name_is_adopted():
    orphan = settled(a_grid(), ["a"])[0]
    del orphan["metadata"]["ownerReferences"]
    made = plan(a_grid(), a_world(["a"], [orphan]))
    assert verbs(made) == [("adopt", "g-a")]
    assert {change.path for change in made.steps[0].changes} == {"/metadata/ownerReferences/-"}


def test_28_a_child_deleted_by_hand_is_made_anew():
    spec = a_grid()
    assert verbs(plan(spec, a_world(live=settled(spec)[:1]))) == [("create", "g-b")]


def test_a_child_on_its_way_out_is_waited_for():
    live = settled(a_grid(), ["a"])
    live[0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    made = plan(a_grid(), a_world(["a"], live))
    assert made.steps == ()
    assert reasons(made) == {"a": "ChildTerminating"}


TWO_PORTS = {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}], "publishNotReadyAddresses": True}


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ({**TWO_PORTS, "ports": TWO_PORTS["ports"][:1]}, "/spec/ports/1"),
        ({**TWO_PORTS, "publishNotReadyAddresses": False}, "/spec/publishNotReadyAddresses"),
        ({"ports": TWO_PORTS["ports"]}, "/spec/publishNotReadyAddresses"),
        ({**TWO_PORTS, "selector": {"app": "other"}}, "/spec/selector/app"),
    ],
)
def test_30_a_service_follows_what_is_taken_away(template, path):
    live = settled(parse(a_service(**TWO_PORTS)))
    made = plan(parse(a_service(**template)), a_world(live=live))
    assert verbs(made) == [("update", "g-svc")]
    assert path in [change.path for change in made.steps[0].changes]


def test_30_a_selector_key_taken_away_is_followed():
    live = settled(parse(a_service(selector={"app": "web", "tier": "x"})))
    made = plan(parse(a_service()), a_world(live=live))
    assert [change.path for change in made.steps[0].changes] == ["/spec/selector/tier"]


def test_31_a_changed_key_moves_annotation_and_label_of_the_service():
    made = plan(parse(a_service(key="city")), a_world(live=settled(parse(a_service()))))
    changes = {change.path: change.new for change in made.steps[0].changes}
    assert changes["/metadata/annotations/topologyKeys"] == '["city"]'
    assert changes["/metadata/labels/superedge.io~1grid-uniq-key"] == "city"


def test_31_a_changed_key_keeps_old_children_until_the_new_are_ready():
    old, spec = settled(a_grid(), ["a"]), a_grid(key="city")
    fresh = settled(spec, ["x"])
    assert verbs(plan(spec, a_world(["x"], old))) == [("create", "g-x")]
    assert reasons(plan(spec, a_world(["x"], old + fresh))) == {"a": "WaitingForSuccessors"}
    counts = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), 1)
    ready = settled(spec, ["x"], observedGeneration=1, **counts)
    assert verbs(plan(spec, a_world(["x"], old + ready))) == [("delete", "g-a")]


def test_31_a_changed_key_that_no_node_carries_deletes_nothing():
    old, spec = settled(a_grid(), ["a", "b"]), a_grid(key="city")
    made = plan(spec, a_world([], old))
    assert verbs(made) == []
    assert reasons(made) == {"a": "WaitingForSuccessors", "b": "WaitingForSuccessors"}


def allocated(**spec):
    live = settled(parse(a_service()))
    live[0]["spec"] |= {"clusterIP": "10.96.0.9", **spec}
    return live


def test_32_an_allocated_address_is_kept():
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 30001, "targetPort": 80}]
    assert plan(parse(a_service()), a_world(live=allocated(ports=ports))).steps == ()


def test_32_a_change_to_headless_is_immutable_and_recreated_on_request():
    spec = parse(a_service(clusterIP="None"))
    made = plan(spec, a_world(live=allocated()))
    assert made.steps == ()
    assert reasons(made) == {"": "ImmutableField"}
    assert verbs(plan(spec, a_world(live=allocated(), recreate=[""]))) == [("delete", "g-svc")]


def test_a_changed_selector_is_immutable():
    other = a_template()
    other["selector"] = {"matchLabels": {"app": "web", "v": "2"}}
    other["template"]["metadata"]["labels"] = {"app": "web", "v": "2"}
    made = plan(a_grid(template=other), a_world(["a"], settled(a_grid(), ["a"])))
    assert reasons(made) == {"a": "ImmutableField"}


def test_deleting_removes_what_is_ours_and_nothing_else():
    live = [*settled(a_grid()), stranger("other", labels={"superedge.io/grid-selector": "g"})]
    made = plan(a_grid(), a_world(live=live, deleting=True))
    assert verbs(made) == [("delete", "g-a"), ("delete", "g-b")]


units = st.sets(st.sampled_from(["a", "b", "c-1", "x.y", "Bad_1", "z" * 63]), max_size=5)


@given(units, units, st.integers(0, 3), st.booleans())
def test_any_plan_carried_out_leaves_nothing_to_do(before, after, replicas, sensitive):
    spec = a_grid(template=a_template(replicas=replicas, nodeSelector={"disk": "ssd"} if sensitive else {}))
    live = {each["metadata"]["name"]: each for each in settled(spec, sorted(before))}
    made = plan(
        spec, a_world(sorted(after), frozen(list(live.values())), gone_since=dict.fromkeys(before, 0.0), grace=1.0)
    )
    for step in made.steps:
        if step.verb == "delete":
            del live[step.name]
        else:
            live[step.name] = live_of(step.body)
    again = plan(spec, a_world(sorted(after), list(live.values()), owner=OWNER))
    assert again.steps == ()


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_what_is_observed_does_not_matter(order):
    spec = a_grid()
    live = sorted(settled(spec, ["a", "b"]), key=lambda body: order.index(body["metadata"]["name"][-1]))
    assert plan(spec, a_world(order, live)) == plan(spec, a_world(sorted(order), settled(spec, ["a", "b"])))


def test_a_template_without_replicas_sets_one_at_creation_and_none_afterwards():
    template = a_template()
    del template["replicas"]
    spec = a_grid(template=template)
    (made,) = plan(spec, a_world(["a"])).steps
    assert made.body["spec"]["replicas"] == 1
    live = live_of(made.body)
    live["spec"]["replicas"] = 4
    set_by("kubectl", live, "f:spec", "f:replicas", subresource="scale")
    assert plan(spec, a_world(["a"], [live])).steps == ()
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    (update,) = plan(spec, a_world(["a"], [live])).steps
    assert "replicas" not in update.body["spec"]


def test_few_tries_are_few():
    assert 2 <= TRIES <= 5
