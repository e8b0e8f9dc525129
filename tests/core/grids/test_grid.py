"""What is a grid and what is not: one validation for every door."""

import copy

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.text import Invalid

from ..builders import a_grid, a_manifest, a_service, a_template, frozen, seed


def problems(manifest, units=()):
    with pytest.raises(Invalid) as caught:
        parse(manifest, units)
    return {problem.pointer: str(problem.sentence) for problem in caught.value.problems}


def edited(manifest, path, value):
    manifest = copy.deepcopy(manifest)
    target = manifest
    *parents, last = path.split(".")
    for part in parents:
        target = target[int(part) if part.isdigit() else part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return manifest


@pytest.mark.parametrize("name", ["deploymentgrid", "servicegrid"])
def test_the_seed_manifests_are_grids(name):
    spec = parse(frozen(seed(name)), ["nodeunit1", "nodeunit2"])
    assert (spec.name, spec.namespace, spec.key) == (f"{name}-demo", "default", "zone1")


def test_a_null_field_counts_as_absent():
    assert parse(edited(a_manifest(), "spec.templatePool", None)).pool == {}


@pytest.mark.parametrize(
    ("path", "value", "pointer", "sentence"),
    [
        ("apiVersion", "v1", "/apiVersion", "must be “superedge.io/v1”"),
        ("kind", "Grid", "/kind", "must be one of DeploymentGrid, StatefulSetGrid, ServiceGrid"),
        ("kind", ["x"], "/kind", "must be one of DeploymentGrid, StatefulSetGrid, ServiceGrid"),
        ("spec", "x", "/spec", "must be an object, not “x”"),
        ("metadata.name", ..., "/metadata/name", "is required"),
        ("metadata.name", 5, "/metadata/name", "must be text, not 5"),
        ("spec.gridUniqKey", ..., "/spec/gridUniqKey", "is required"),
        ("spec.gridUniqKey", 7, "/spec/gridUniqKey", "must be text, not 7"),
        ("spec.templtes", {}, "/spec/templtes", "unknown field “templtes”; did you mean “templates”?"),
        ("spec.replicas", 2, "/spec/replicas", "“replicas” belongs in spec.template"),
        ("spec.template.replicas", "2", "/spec/template/replicas", "must be a whole number, not “2”"),
        ("spec.template.replicas", True, "/spec/template/replicas", "must be a whole number, not true"),
        ("spec.template.replicas", -1, "/spec/template/replicas", "must not be negative"),
        ("spec.template.paused", "no", "/spec/template/paused", "must be true or false, not “no”"),
        ("spec.template.selector", ..., "/spec/template/selector", "is required"),
        (
            "spec.template.template.spec.containers.0.imagee",
            "x",
            "/spec/template/template/spec/containers/0/imagee",
            "unknown field “imagee”; did you mean “image”?",
        ),
        (
            "spec.template.template.spec.containers",
            [],
            "/spec/template/template/spec/containers",
            "at least one container is required",
        ),
        (
            "spec.template.selector",
            {"matchLabels": {"app": "other"}},
            "/spec/template/selector",
            "does not match the labels of the pod template (app=web)",
        ),
        (
            "spec.template.selector",
            {},
            "/spec/template/selector",
            "is required: an empty selector would match every pod",
        ),
        (
            "spec.templatePool",
            {"default": a_template()},
            "/spec/templatePool/default",
            "“default” always means spec.template; give this template another name",
        ),
    ],
)
def test_bad_input_names_the_field_and_the_cure(path, value, pointer, sentence):
    assert problems(edited(a_manifest(), path, value)) == {pointer: sentence}


@pytest.mark.parametrize("key", ["", "-zone", "a b", "区域", "<b>", "x" * 64, "a/b/c", "UPPER.example/zone"])
def test_an_invalid_key_is_refused(key):
    assert list(problems(a_manifest(key=key))) == ["/spec/gridUniqKey"]


@pytest.mark.parametrize("value", ["<script>", "华东", "a b", "-x", "x" * 64])
def test_hostile_labels_are_refused(value):
    manifest = a_manifest()
    manifest["metadata"]["labels"] = {"team": value}
    assert list(problems(manifest)) == ["/metadata/labels/team"]


def test_every_problem_is_reported_at_once():
    manifest = edited(edited(a_manifest(), "spec.gridUniqKey", ...), "spec.template.replicas", "x")
    assert list(problems(manifest)) == ["/spec/gridUniqKey", "/spec/template/replicas"]


def test_a_name_too_long_for_every_unit_is_refused_and_for_one_only_is_not():
    long = "g" * 55
    found = problems(a_manifest(name=long), ["nodeunit1"])
    assert found["/metadata/name"].endswith("would exceed 63 characters; use at most 53")
    assert parse(a_manifest(name="g" * 40), ["nodeunit1", "u" * 60]).name == "g" * 40


@pytest.mark.parametrize(
    ("template", "pointer"),
    [
        ({"selector": {}}, "/spec/template/selector"),
        ({"ports": []}, "/spec/template/ports"),
        ({"ports": [{"port": 0}]}, "/spec/template/ports/0/port"),
        ({"ports": [{"port": 1}, {"port": 2, "name": "b"}]}, "/spec/template/ports/0/name"),
        ({"ports": [{"port": 1, "name": "b"}, {"port": 2, "name": "b"}]}, "/spec/template/ports/1/name"),
        ({"portz": []}, "/spec/template/portz"),
    ],
)
def test_bad_services_are_refused(template, pointer):
    assert list(problems(a_service(**template))) == [pointer]


def test_quantities_may_be_numbers_and_labels_may_not():
    resources = {"limits": {"cpu": 1, "memory": "1Gi"}}
    manifest = edited(a_manifest(), "spec.template.template.spec.containers.0.resources", resources)
    assert parse(manifest)
    assert "/metadata/labels/n" in problems(edited(a_manifest(), "metadata.labels", {"n": 1}))


def test_fields_newer_than_superedge_survive():
    spec = a_grid(template=a_template(hostUsers=False, schedulingGates=[{"name": "x"}]))
    assert spec.template["template"]["spec"]["schedulingGates"] == [{"name": "x"}]


def test_template_lookup_follows_superedge():
    pool = {"t1": a_template("one"), "t2": a_template("two")}
    spec = a_grid(templatePool=pool, templates={"a": "t1", "b": "", "c": "gone"}, defaultTemplateName="t2")
    names = {unit: spec.template_name(unit) for unit in "abcd"}
    assert names == {"a": "t1", "b": "default", "c": "gone", "d": "t2"}
    assert spec.template_of("b") == spec.template
    assert spec.template_of("c") is None


def test_unused_templates_are_those_nobody_refers_to():
    pool = {name: a_template() for name in ("used", "fallback", "spare")}
    spec = a_grid(templatePool=pool, templates={"a": "used"}, defaultTemplateName="fallback")
    assert spec.unused_templates() == ("spare",)


@pytest.mark.parametrize(
    ("kind", "name", "allowed"),
    [
        ("ServiceGrid", "c.d", "lower-case letters, digits and “-”"),
        ("StatefulSetGrid", "c.d", "lower-case letters, digits and “-”"),
    ],
)
def test_a_name_that_its_children_cannot_have_is_refused_in_the_name_s_own_field(kind, name, allowed):
    manifest = a_service(name) if kind == "ServiceGrid" else a_manifest(name, kind=kind)
    found = problems(manifest)
    assert list(found) == ["/metadata/name"]
    assert allowed in found["/metadata/name"]
    assert found["/metadata/name"].endswith("change metadata.name")


def test_a_deployment_s_name_may_have_dots_and_every_name_may_begin_with_a_digit():
    assert parse(a_manifest("c.d"), ["1.2"])
    assert parse(a_service("3scale"))
    assert parse(a_manifest("3scale", kind="StatefulSetGrid"), ["1"])


def test_units_of_which_none_can_have_a_child_are_named_and_one_that_can_is_enough():
    manifest = a_manifest(kind="StatefulSetGrid")
    found = problems(manifest, ["1.2", "1.3"])
    assert list(found) == ["/spec/gridUniqKey"]
    assert "“g-1.2” cannot be the name of a StatefulSet" in found["/spec/gridUniqKey"]
    assert found["/spec/gridUniqKey"].endswith("change the label value “1.2” of the unit's nodes")
    assert parse(manifest, ["1.2", "13"])
    assert list(problems(a_manifest(), ["Site_1"])) == ["/spec/gridUniqKey"]


@pytest.mark.parametrize("unit", ["Site", "a_b", "é", "a.b"])
def test_a_statefulset_s_unit_is_part_of_its_pods_host_names(unit):
    assert list(problems(a_manifest(kind="StatefulSetGrid"), [unit])) == ["/spec/gridUniqKey"]


def test_an_object_of_another_kind_is_told_from_a_mistyped_one():
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}}
    assert problems(config_map) == {
        "/kind": "ConfigMap (v1) is not supported here, only DeploymentGrid, StatefulSetGrid, ServiceGrid "
        "(superedge.io/v1): remove it and apply it with “kubectl apply”"
    }
    group = {"apiVersion": "superedge.io/v1", "kind": "ServiceGroup", "metadata": {"name": "x"}, "spec": {}}
    assert problems(group) == {"/kind": "a ServiceGroup cannot be part of a bundle; send it alone"}
    assert list(problems({**config_map, "kind": 5})) != ["/kind"]
