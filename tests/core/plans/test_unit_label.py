"""The pods and the selector of a new child carry its unit; children that were made without stay as they are."""

import copy

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.plans.plan import plan

from ..builders import a_manifest, a_template, a_world, live_of, settled

UNIT = "sgportal.superedge.io/unit"


def the_labels(body):
    return (
        body["metadata"]["labels"].get(UNIT),
        body["spec"]["selector"]["matchLabels"].get(UNIT),
        body["spec"]["template"]["metadata"]["labels"].get(UNIT),
    )


def old_and_new(spec):
    """Two live children, of units `a` and `b`; the first as SuperEdge, or an earlier version, made it."""
    old, new = (copy.deepcopy(step.body) for step in plan(spec, a_world(["a", "b"])).steps)
    for labels in (
        old["metadata"]["labels"],
        old["spec"]["selector"]["matchLabels"],
        old["spec"]["template"]["metadata"]["labels"],
    ):
        del labels[UNIT]
    return [live_of(old), live_of(new)]


@pytest.mark.parametrize("kind", ["DeploymentGrid", "StatefulSetGrid"])
def test_a_new_child_carries_its_unit(kind):
    template = a_template() | ({"serviceName": "s"} if kind == "StatefulSetGrid" else {})
    spec = parse(a_manifest(kind=kind, template=template))
    made = plan(spec, a_world(["a", "b"])).steps
    assert [the_labels(step.body) for step in made] == [("a", "a", "a"), ("b", "b", "b")]


def test_a_template_whose_selector_has_only_expressions_is_told_apart_as_well():
    template = a_template() | {"selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}
    selector = plan(parse(a_manifest(template=template)), a_world(["a"])).steps[0].body["spec"]["selector"]
    assert selector == {
        "matchExpressions": [{"key": "app", "operator": "Exists"}],
        "matchLabels": {UNIT: "a"},
    }


def test_a_fleet_that_is_mixed_stays_as_it_is():
    spec = parse(a_manifest())
    world = a_world(["a", "b"], old_and_new(spec))
    assert plan(spec, world).steps == ()
    assert plan(spec, world).findings == ()


def test_a_change_of_the_template_leaves_the_selector_of_an_old_child_alone():
    spec = parse(a_manifest(template=a_template("img:2")))
    steps = plan(spec, a_world(["a", "b"], old_and_new(parse(a_manifest())))).steps
    assert [(step.unit, step.verb, [each.path for each in step.changes]) for step in steps] == [
        (unit, "update", ["/spec/template/spec/containers/0/image"]) for unit in ("a", "b")
    ]
    assert [the_labels(step.body) for step in steps] == [(None, None, None), ("b", "b", "b")]


def test_an_old_child_that_is_made_anew_carries_its_unit_afterwards():
    spec = parse(a_manifest())
    old, _ = old_and_new(spec)
    assert [step.verb for step in plan(spec, a_world(["a"], [old], recreate=["a"])).steps] == ["delete"]
    assert the_labels(plan(spec, a_world(["a"])).steps[0].body) == ("a", "a", "a")


def test_the_label_of_the_pods_is_put_back_where_somebody_took_it_away_or_changed_it():
    spec = parse(a_manifest())
    live = settled(spec, ["a"])[0]
    live["spec"]["template"]["metadata"]["labels"][UNIT] = "b"
    changes = plan(spec, a_world(["a"], [live])).steps[0].changes
    assert [(each.old, each.new) for each in changes] == [("b", "a")]


def test_a_selector_that_means_another_unit_takes_a_person():
    spec = parse(a_manifest())
    live = settled(spec, ["a"])[0]
    live["spec"]["selector"]["matchLabels"][UNIT] = "b"
    planned = plan(spec, a_world(["a"], [live]))
    assert (planned.steps, [each.reason for each in planned.findings]) == ((), ["ImmutableField"])


def test_labels_of_pods_that_are_left_to_others_still_have_that_of_the_unit():
    entry = {"jsonPointers": ["/spec/template/metadata/labels"]}
    before, after = (parse(a_manifest(template=a_template(i), ignoreDifferences=[entry])) for i in ("img:1", "img:2"))
    body = plan(after, a_world(["a"], settled(before, ["a"]))).steps[0].body
    assert body["spec"]["template"]["metadata"]["labels"][UNIT] == "a"
