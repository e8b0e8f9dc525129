"""What the verbs make of a manifest, and what a pause and a restart make of a plan."""

import json

import pytest

from sgportal.core.grids import operations
from sgportal.core.grids.grid import parse
from sgportal.core.plans.plan import plan
from sgportal.core.status.status import Observed, summarise
from sgportal.core.text import Invalid
from sgportal.core.units import units_of

from ..builders import a_manifest, a_node, a_template, a_world, frozen, settled

PAUSED = "sgportal.superedge.io/paused"
PAUSED_UNITS = "sgportal.superedge.io/paused-units"
APPROVED_UNITS = "sgportal.superedge.io/approved-units"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
RESTARTED_UNITS = "sgportal.superedge.io/restarted-units"
TWO = [{"name": "c", "image": "img:1"}, {"name": "d", "image": "img:1"}]


def annotated(**annotations):
    manifest = a_manifest()
    manifest["metadata"]["annotations"] = {key: value for key, value in annotations.items() if value}
    return frozen(manifest)


def the_annotations(manifest):
    return manifest["metadata"]["annotations"]


def test_pauses_of_the_grid_and_of_units_are_kept_apart():
    manifest = operations.pause(operations.pause(annotated(), []), ["b", "a"])
    manifest = operations.pause(manifest, ["a", "c"])
    assert the_annotations(manifest) == {PAUSED: "true", PAUSED_UNITS: "b,a,c"}
    manifest = operations.resume(manifest, ["b", "a"])
    assert the_annotations(operations.resume(manifest, [])) == {PAUSED_UNITS: "c"}
    assert the_annotations(operations.resume(manifest, ["c"])) == {PAUSED: "true"}


def test_units_are_approved_one_after_another():
    manifest = operations.approve(operations.approve(annotated(), ["b"]), ["a", "b"])
    assert the_annotations(manifest) == {APPROVED_UNITS: "b,a"}
    with pytest.raises(Invalid):
        operations.approve(manifest, [])


def test_a_restart_is_noted_for_the_grid_or_for_units():
    manifest = operations.restart(operations.restart(annotated(), [], "T1"), ["a"], "T2")
    assert the_annotations(manifest) == {RESTARTED: "T1", RESTARTED_UNITS: json.dumps({"a": "T2"})}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (PAUSED, "yes"),
        (PAUSED_UNITS, "a,not a value"),
        (APPROVED_UNITS, "a,not a value"),
        (RESTARTED_UNITS, "a"),
        (RESTARTED_UNITS, '["a"]'),
        (RESTARTED_UNITS, '{"a": 1}'),
    ],
)
def test_an_annotation_that_is_none_of_these_is_refused(name, value):
    manifest = a_manifest()
    manifest["metadata"]["annotations"] = {name: value}
    with pytest.raises(Invalid) as raised:
        parse(manifest)
    assert [each.pointer for each in raised.value.problems] == ["/metadata/annotations/" + name.replace("/", "~1")]


def images(manifest):
    return [each["image"] for each in manifest["spec"]["template"]["template"]["spec"]["containers"]]


def test_an_image_is_set_in_every_template_that_has_the_container():
    pool = {"two": a_template(containers=TWO), "other": a_template(containers=[{"name": "x", "image": "x:1"}])}
    manifest = operations.set_image(frozen(a_manifest(templatePool=pool)), [], "img:2", "c")
    found = manifest["spec"]["templatePool"]
    assert images(manifest) == ["img:2"]
    assert [each["image"] for each in found["two"]["template"]["spec"]["containers"]] == ["img:2", "img:1"]
    assert found["other"]["template"]["spec"]["containers"][0]["image"] == "x:1"
    parse(manifest)


@pytest.mark.parametrize(("container", "containers"), [("", TWO), ("nobody", TWO)])
def test_a_container_that_is_not_clear_or_not_there_is_refused(container, containers):
    manifest = a_manifest(template=a_template(containers=containers))
    with pytest.raises(Invalid) as raised:
        operations.set_image(manifest, [], "img:2", container)
    assert raised.value.problems[0].pointer == "/container"


def test_units_go_from_one_image_to_another():
    manifest = operations.set_image(frozen(a_manifest()), ["a", "b"], "img:2", "")
    manifest = operations.set_image(manifest, ["b", "c"], "img:3", "")
    manifest = operations.set_image(manifest, ["a"], "img:3", "")
    assert manifest["spec"]["overrides"] == [{"units": ["a", "b", "c"], "image": "img:3"}]
    parse(manifest)


def test_scaling_leaves_other_overrides_alone():
    overrides = [{"units": ["a"], "image": "img:2"}, {"units": ["a", "b"], "replicas": 2}]
    manifest = operations.scale(frozen(a_manifest(overrides=overrides)), ["a"], 5)
    expected = [overrides[0], {"units": ["b"], "replicas": 2}, {"units": ["a"], "replicas": 5}]
    assert manifest["spec"]["overrides"] == expected
    assert operations.scale(a_manifest(), [], 4)["spec"]["template"]["replicas"] == 4
    total = a_manifest(template=a_template(replicas=None), totalReplicas=3)
    assert operations.scale(total, [], 9)["spec"]["totalReplicas"] == 9


def planned(annotations, image="img:2", units="ab", **world):
    live = settled(parse(a_manifest()), ["a", "b"])
    manifest = a_manifest(template=a_template(image))
    manifest["metadata"]["annotations"] = annotations
    return plan(parse(manifest), a_world(list(units), live, **world))


@pytest.mark.parametrize(
    ("annotations", "written", "waiting"),
    [
        ({}, "ab", ""),
        ({PAUSED: "true"}, "", "ab"),
        ({PAUSED: "false"}, "ab", ""),
        ({PAUSED_UNITS: "a"}, "b", "a"),
        ({PAUSED_UNITS: " b , a "}, "", "ab"),
    ],
)
def test_nothing_is_written_for_what_is_paused(annotations, written, waiting):
    made = planned(annotations)
    assert "".join(step.unit for step in made.steps) == written
    assert "".join(each.unit for each in made.findings if each.reason == "ReconciliationPaused") == waiting


def test_a_new_unit_a_lost_one_and_one_to_be_made_anew_wait_as_well():
    made = planned({PAUSED: "true"}, units="bc", gone_since={"a": 0.0}, grace=1.0, recreate=["b"])
    assert made.steps == ()
    assert {each.unit for each in made.findings} == {"a", "b", "c"}


def test_a_paused_unit_that_is_as_it_should_be_says_so_in_a_note():
    made = planned({PAUSED_UNITS: "a"}, image="img:1")
    assert (made.steps, made.findings) == ((), ())
    assert [(each.unit, each.reason) for each in made.notes] == [("a", "ReconciliationPaused")]


def test_what_waits_is_paused_and_not_unhealthy():
    made = planned({PAUSED_UNITS: "a"})
    units = units_of([a_node("n", zone="a")], "zone")
    live = settled(parse(a_manifest()), ["a"])
    status = summarise(parse(a_manifest()), Observed(units, live, [each for each in made.findings if each.unit == "a"]))
    assert [(unit.state, unit.reason) for unit in status.units] == [("Paused", "ReconciliationPaused")]


def test_the_deletion_of_a_paused_grid_is_not_held_up():
    assert [step.verb for step in planned({PAUSED: "true"}, deleting=True).steps] == ["delete", "delete"]


def restarted(annotations, template=None):
    manifest = a_manifest(template=template or a_template())
    manifest["metadata"]["annotations"] = annotations
    steps = plan(parse(manifest), a_world(["a", "b"])).steps
    pods = (step.body["spec"]["template"]["metadata"].get("annotations") or {} for step in steps)
    return [each.get(RESTARTED) for each in pods]


def test_the_later_restart_counts():
    assert restarted({}) == [None, None]
    assert restarted({RESTARTED: "2026-01-01T00:00:00Z"}) == ["2026-01-01T00:00:00Z"] * 2
    units = json.dumps({"a": "2026-02-01T00:00:00Z", "b": "2025-01-01T00:00:00Z"})
    found = restarted({RESTARTED: "2026-01-01T00:00:00Z", RESTARTED_UNITS: units})
    assert found == ["2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"]


def test_a_restart_that_the_template_asks_for_stays_where_it_is_the_later():
    template = a_template()
    template["template"]["metadata"]["annotations"] = {RESTARTED: "2026-03-01T00:00:00Z"}
    assert restarted({RESTARTED: "2026-01-01T00:00:00Z"}, template) == ["2026-03-01T00:00:00Z"] * 2


def test_annotations_that_are_null_ask_for_nothing():
    manifest = a_manifest()
    manifest["metadata"]["annotations"] = dict.fromkeys((PAUSED, PAUSED_UNITS, RESTARTED, RESTARTED_UNITS))
    assert len(plan(parse(manifest), a_world(["a", "b"])).steps) == 2
    assert the_annotations(operations.pause(manifest, ["a"]))[PAUSED_UNITS] == "a"
    parse(operations.restart(manifest, ["a"], "T1"))


def test_a_unit_loses_the_overrides_that_name_it_and_no_others():
    chosen = {"unitSelector": {"matchLabels": {"tier": "test"}}, "replicas": 9}
    spec = {"overrides": [{"units": ["a", "b"], "replicas": 2}, {"units": ["a"], "image": "shop:2"}, chosen]}
    manifest = {**a_manifest(), "spec": {**a_manifest()["spec"], **spec}}
    assert operations.overrides_by_name(spec, "a") == spec["overrides"][:2]
    for shapeless in ("a", {"units": ["a"]}, ["a", None, {"units": "abc"}, {"units": {"a": 1}}]):  # by kubectl
        assert operations.overrides_by_name({"overrides": shapeless}, "a") == []
    left = operations.remove_overrides(manifest, ["a"])
    assert left["spec"]["overrides"] == [{"units": ["b"], "replicas": 2}, chosen]
    assert (
        "overrides"
        not in operations.remove_overrides(
            {**manifest, "spec": {**manifest["spec"], "overrides": [{"units": ["a"], "replicas": 2}]}}, ["a"]
        )["spec"]
    )
    with pytest.raises(Invalid):
        operations.remove_overrides(manifest, [])


def test_a_canary_comes_first_unless_the_grid_has_waves_of_its_own():
    waves = operations.with_canary(a_manifest())["spec"]["rollout"]["waves"]
    assert waves == [{"name": "canary", "count": 1, "approval": True}]
    parse(operations.with_canary(a_manifest()))
    own = {**a_manifest(), "spec": {**a_manifest()["spec"], "rollout": {"waves": [{"percent": 10}]}}}
    assert operations.with_canary(own) == own
