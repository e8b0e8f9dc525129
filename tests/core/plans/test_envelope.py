"""Warnings where a plan leaves what Kubernetes is known to bear."""

import pytest

from sgportal.core.plans.plan import plan
from sgportal.core.plans.preview.envelope import MOST, crowded, growth, large

from ..builders import a_grid, a_service, a_template, a_world, settled


def steps_of(spec, live=(), units=("a", "b"), **world):
    return plan(spec, a_world(units, live, **world)).steps


def test_what_a_plan_adds_is_counted_with_its_pods():
    three = a_grid(template=a_template(replicas=3))
    assert growth(steps_of(three)) == {"Deployment": 2, "Pod": 6}
    assert growth(steps_of(three, live=settled(a_grid()))) == {"Pod": 4}
    assert growth(steps_of(a_grid(), live=settled(three))) == {"Pod": -4}
    assert growth(steps_of(three, live=settled(three), deleting=True)) == {"Deployment": -2, "Pod": -6}
    assert growth(steps_of(a_grid(kind="ServiceGrid", template=a_service()["spec"]["template"]))) == {
        "Service": 1,
        "Pod": 0,
    }


@pytest.mark.parametrize("kind", MOST)
def test_only_who_adds_to_what_is_too_much_is_warned(kind):
    most = MOST[kind]
    assert not list(crowded("shop", {kind: most - 1}, {kind: 1}))
    assert [str(each) for each in crowded("shop", {kind: most}, {kind: 1})]
    assert str(next(iter(crowded("shop", {kind: most}, {kind: 1})))).startswith("the namespace “shop” would have")
    assert not list(crowded("shop", {kind: most * 2}, {kind: 0}))
    assert not list(crowded("shop", {kind: most * 2}, {kind: -1}))


def annotated(size, of_pods=False):
    template = a_template()
    (template["template"]["metadata"] if of_pods else template.setdefault("metadata", {}))["annotations"] = {
        "note": "é" * (size // 2)
    }
    return a_grid(template=template)


def test_large_objects_and_annotations_are_named():
    assert not list(large(steps_of(a_grid())))
    assert not list(large(steps_of(annotated(200_000, of_pods=True))))
    assert "annotations of “g-" in str(next(iter(large(steps_of(annotated(220_000, of_pods=True))))))
    pod = {"env": [{"name": f"V{number}", "value": "x" * 1000} for number in range(1400)]}
    template = a_template()
    template["template"]["spec"]["containers"][0] |= pod
    assert "KiB" in str(next(iter(large(steps_of(a_grid(template=template))))))
