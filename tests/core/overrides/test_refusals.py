"""What is refused of overrides, variables, placement and division, at which place."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.text import Invalid
from sgportal.core.units import units_of

from ..builders import a_manifest, a_node, a_template

TWO = a_template(containers=[{"name": "c", "image": "img:1"}, {"name": "d", "image": "img:1"}])
ANY = a_template(replicas=None)
A = {"units": ["a"]}
CANARY = {"matchLabels": {"tier": "canary"}}


def in_container(**fields):
    return {"template": {"spec": {"containers": [{"name": "c", **fields}]}}}


CASES = [
    ([{"image": "i"}], "/spec/overrides/0/units"),
    ([{"units": [], "image": "i"}], "/spec/overrides/0/units"),
    ([{"units": ["a"], "unitSelector": CANARY, "image": "i"}], "/spec/overrides/0/unitSelector"),
    ([{"unitSelector": {}, "image": "i"}], "/spec/overrides/0/unitSelector"),
    (
        [{"unitSelector": {"matchExpressions": [{"key": "k", "operator": "Is"}]}, "image": "i"}],
        "/spec/overrides/0/unitSelector/matchExpressions/0/operator",
    ),
    ([{"units": ["not a value"], "image": "i"}], "/spec/overrides/0/units/0"),
    ([{"units": "a", "image": "i"}], "/spec/overrides/0/units"),
    ([A], "/spec/overrides/0"),
    ([{**A, "imagee": "i"}], "/spec/overrides/0/imagee"),
    ([{**A, "replicas": -1}], "/spec/overrides/0/replicas"),
    ([{**A, "replicas": "2"}], "/spec/overrides/0/replicas"),
    ([{**A, "image": ""}], "/spec/overrides/0/image"),
    ([{**A, "env": [{"value": "x"}]}], "/spec/overrides/0/env/0/name"),
    ([{**A, "env": [{"name": "X"}, {"name": "X"}]}], "/spec/overrides/0/env/1"),
    ([{**A, "container": "nobody", "image": "i"}], "/spec/overrides/0/container"),
    ([{**A, "patch": {"spec": {}}}], "/spec/overrides/0/patch/spec"),
    ([{**A, "patch": {"selector": {"matchLabels": {"a": "b"}}}}], "/spec/overrides/0/patch/selector"),
    ([None], "/spec/overrides/0"),
    ([{**A, "patch": []}], "/spec/overrides/0/patch"),
    ([{**A, "patch": {"$patch": "delete"}}], "/spec/overrides/0"),
    ([{**A, "patch": {"template": {"$patch": "delete"}}}], "/spec/overrides/0"),
    ([{**A, "patch": {"replicas": -1}}], "/spec/overrides/0"),
    ([{**A, "patch": {"template": None}}], "/spec/overrides/0/patch/template"),
    ([{**A, "patch": in_container(ttyy=True)}], "/spec/overrides/0/patch/template/spec/containers/0/ttyy"),
    (
        [{**A, "patch": in_container(**{"$patch": "replace"})}],
        "/spec/overrides/0/patch/template/spec/containers/0/$patch",
    ),
    ([{**A, "patch": in_container(image=None)}], "/spec/overrides/0"),
    ([{**A, "patch": {"template": {"metadata": {"labels": {"app": "x"}}}}}], "/spec/overrides/0"),
    ([{**A, "patch": {"template": {"spec": {"containers": [{"name": "new"}]}}}}], "/spec/overrides/0"),
    ([{**A, "image": "i"}, {**A, "image": "j"}], "/spec/overrides/1"),
    ([{**A, "replicas": 1}, {"units": ["b", "a"], "patch": {"replicas": 2}}], "/spec/overrides/1"),
    ([{**A, "image": "i", "patch": in_container(image="j")}], "/spec/overrides/0"),
    (
        [{**A, "patch": in_container(resources=None)}, {**A, "resources": {"limits": {"cpu": "1"}}}],
        "/spec/overrides/1",
    ),
    ([{**A, "image": "{{unit.vars.tag}}"}], "/spec/overrides/0/image"),
    ([{**A, "image": "{{unit.nome}}"}], "/spec/overrides/0/image"),
]


def pointers(**spec):
    with pytest.raises(Invalid) as raised:
        parse(a_manifest(**spec))
    return [problem.pointer for problem in raised.value.problems]


@pytest.mark.parametrize(("overrides", "expected"), CASES)
def test_a_bad_override_is_refused_at_its_place(overrides, expected):
    assert pointers(overrides=overrides) == [expected]


def test_overrides_that_agree_are_taken():
    parse(
        a_manifest(overrides=[{**A, "image": "i"}, {**A, "image": "i", "replicas": 2}, {"units": ["b"], "image": "j"}])
    )


def test_with_several_containers_the_one_that_is_meant_is_named():
    assert pointers(template=TWO, overrides=[{**A, "image": "i"}]) == ["/spec/overrides/0/container"]
    parse(a_manifest(template=TWO, overrides=[{**A, "container": "d", "image": "i"}]))


def test_overrides_by_labels_that_contradict_one_another_now_are_refused():
    manifest = a_manifest(overrides=[{**A, "image": "i"}, {"unitSelector": CANARY, "image": "j"}])
    parse(manifest)
    parse(manifest, known=units_of([a_node("n", zone="a"), a_node("m", zone="b", tier="canary")], "zone"))
    with pytest.raises(Invalid) as raised:
        parse(manifest, known=units_of([a_node("n", zone="a", tier="canary")], "zone"))
    assert [each.pointer for each in raised.value.problems] == ["/spec/overrides/1"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"placement": []}, "/spec/placement"),
        ({"placement": {"only": {}}}, "/spec/placement/only"),
        ({"placement": {"include": {}}}, "/spec/placement/include/units"),
        ({"placement": {"exclude": {"unitSelector": {}}}}, "/spec/placement/exclude/unitSelector"),
        ({"vars": {"a b": "x"}}, "/spec/vars/a b"),
        ({"vars": {"a": 1}}, "/spec/vars/a"),
        ({"unitVars": {"a": {"b": None, "c d": "x"}}}, "/spec/unitVars/a/c d"),
        ({"unitVars": {"a": "x"}}, "/spec/unitVars/a"),
        ({"template": a_template("img:{{unit.vars.tag}}")}, "/spec/template/template/spec/containers/0/image"),
        ({"totalReplicas": 3}, "/spec/template/replicas"),
        ({"template": ANY, "totalReplicas": -3}, "/spec/totalReplicas"),
        ({"division": {"by": "nodes"}}, "/spec/division"),
        ({"template": ANY, "totalReplicas": 3, "division": {"by": "luck"}}, "/spec/division/by"),
        (
            {"template": ANY, "totalReplicas": 3, "division": {"weights": {"a": 1}}},
            "/spec/division/weights",
        ),
        (
            {
                "template": ANY,
                "totalReplicas": 3,
                "division": {"by": "weight", "weights": {"a": -1}},
            },
            "/spec/division/weights/a",
        ),
        (
            {"template": ANY, "totalReplicas": 3, "division": {"atLeast": -1}},
            "/spec/division/atLeast",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(spec, expected):
    assert pointers(**spec) == [expected]


def test_the_label_of_the_unit_is_the_portals():
    template = a_template()
    template["template"]["metadata"] = {"labels": {"app": "web", "sgportal.superedge.io/unit": "a"}}
    assert pointers(template=template) == ["/spec/template/template/metadata/labels/sgportal.superedge.io~1unit"]
    template = a_template()
    template["selector"] = {"matchExpressions": [{"key": "sgportal.superedge.io/unit", "operator": "DoesNotExist"}]}
    assert pointers(template=template) == ["/spec/template/selector"]
