"""The form over a manifest, field by field."""

from copy import deepcopy

import pytest

from sgportal.core.text import Invalid
from sgportal.dashboard.editor.codecs import read, write
from sgportal.dashboard.editor.fields import FIELDS
from sgportal.dashboard.editor.form import parts_of
from sgportal.dashboard.editor.subject import blank
from sgportal.dashboard.editor.yaml_lines import line_of
from sgportal.dashboard.page.difference import lines

from .filling import filled

KINDS = ("DeploymentGrid", "StatefulSetGrid", "ServiceGrid", "ServiceGroup")


def shown(manifest):
    return {field.name: field.shown_in(manifest) for part in parts_of(manifest) for field in part.fields}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_form_shows_changes_nothing(kind):
    manifest = blank(kind, "zone")
    assert filled(manifest, shown(manifest)) == manifest


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_typed_is_what_is_shown(kind):
    manifest = blank(kind, "zone")
    samples = {"replicas": "7", "labels": "a=b", "selector": "a=b", "templates": "u=t", "env": "A=1"}
    samples |= {"ignored": "/spec/replicas by hpa"}
    samples |= {"volumes": "a emptyDir", "mounts": "/a a ro", "tolerations": "a=b:NoExecute for 5s"}
    samples |= {"readiness": "http 80 /a every 5", "liveness": "tcp web", "startup": "exec cat '/a b'"}
    samples |= {"nodeselector": "a=b"}
    samples |= {"ports": "81/UDP x", "serviceports": "81:web/TCP x"}
    typed = {name: samples.get(name.split("-")[-1], "text") for name in shown(manifest)}
    before = deepcopy(manifest)
    assert shown(filled(manifest, typed)) == typed
    assert manifest == before


@pytest.mark.parametrize("kind", KINDS)
def test_emptying_every_field_removes_what_it_stood_for(kind):
    manifest = blank(kind, "zone")
    emptied = filled(manifest, dict.fromkeys(shown(manifest), ""))
    assert set(shown(emptied).values()) == {""}


@pytest.mark.parametrize(
    "manifest", [{}, {"kind": 1}, {"kind": "ServiceGroup", "spec": {"grids": [1, {}, {"kind": []}]}}]
)
def test_shapes_nobody_expects(manifest):
    filled(manifest, {"name": "x"})


@pytest.mark.parametrize("kind", ["DeploymentGrid", "ServiceGrid"])
@pytest.mark.parametrize(
    "spec", [1, [], {"template": 1}, {"template": {"template": [], "selector": 1, "ports": [{"port": []}, 1]}}]
)
def test_odd_documents_can_be_filled_in(kind, spec):
    manifest = {"kind": kind, "metadata": 1, "spec": spec}
    for field in FIELDS:
        try:
            filled(manifest, {field.name: "1"})
        except Invalid:
            continue


def with_pool(own):
    manifest = blank("DeploymentGrid", "zone")
    template = manifest["spec"].pop("template")
    manifest["spec"] |= {
        "templatePool": {"small": template, "华东/<b>": deepcopy(template)},
        "defaultTemplateName": "small",
    }
    if own:
        manifest["spec"]["template"] = deepcopy(template)
    return manifest


@pytest.mark.parametrize("own", [True, False])
def test_each_template_has_its_fields(own):
    manifest = with_pool(own)
    after = filled(manifest, {"t1-replicas": "9", "t0-image": "x:2"})
    assert after["spec"]["templatePool"]["华东/<b>"]["replicas"] == 9
    assert after["spec"]["templatePool"]["small"]["template"]["spec"]["containers"][0]["image"] == "x:2"
    assert ("template" in after["spec"]) == own
    assert ("replicas" in shown(manifest)) == own


def test_templates_of_a_grid_in_a_package():
    package = {"kind": "ServiceGroup", "spec": {"grids": [blank("ServiceGrid", "z"), with_pool(False)]}}
    after = filled(package, {"1-t0-replicas": "3", "1-t0-labels": "a=b"})
    template = after["spec"]["grids"][1]["spec"]["templatePool"]["small"]
    assert template["replicas"] == 3
    assert template["template"]["metadata"]["labels"] == {"a": "b"}


def test_reading_and_writing_places():
    manifest = {}
    write(manifest, ("a", 0, "b"), 1)
    assert manifest == {"a": [{"b": 1}]}
    assert read(manifest, ("a", 1, "b")) is None
    write(manifest, ("a", 0, "b"), None)
    write(manifest, ("x", "y"), None)
    assert manifest == {"a": [{}]}


@pytest.mark.parametrize(
    ("where", "line"), [("", 1), ("/a", 1), ("/a/0/b", 2), ("/a/1", 3), ("/a/1/x~1y", 3), ("/a/9", 1), ("/c/d", 4)]
)
def test_lines_of_places(where, line):
    assert line_of("a:\n- b: 1\n- x/y: 2\nc: {}\n", where) == line


def test_lines_in_a_stream_of_documents():
    assert line_of("a: 1\n---\nb: 1\n", "/1/b") == 3
    assert line_of(": : :", "/a") is None
    assert line_of("", "/a") is None


def test_a_difference_in_lines():
    found = [(line.kind, line.text) for line in lines("a\nb\n", "a\nc\n")]
    assert found[1:] == [("same", "a"), ("removed", "b"), ("added", "c")]
    assert lines("a", "a") == []


def test_a_form_drops_no_line_that_stands_twice_and_breaks_no_value_of_several_lines():
    manifest = blank("DeploymentGrid", "zone")
    container = manifest["spec"]["template"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "A", "value": "1"}, {"name": "SCRIPT", "value": "x=1\ny=2"}]
    changed = filled(manifest, {"env": "A=1\nA=2"})
    env = changed["spec"]["template"]["template"]["spec"]["containers"][0]["env"]
    assert env == [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, container["env"][1]]
    with pytest.raises(Invalid) as caught:
        filled(manifest, {"labels": "a=1\na=2"})
    assert "each key once" in str(caught.value.problems[0].sentence)


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("/spec/replicas", {"jsonPointers": ["/spec/replicas"]}),
        ("spec.replicas", {"fieldPaths": ["spec.replicas"]}),
        ("by keda-operator, hpa", {"managers": ["keda-operator", "hpa"]}),
        (
            """spec.template.spec.containers[name="a b"].image by kubectl-set""",
            {
                "fieldPaths": ["""spec.template.spec.containers[name="a b"].image"""],
                "managers": ["kubectl-set"],
            },
        ),
    ],
)
def test_what_is_left_to_others_is_a_line(line, entry):
    manifest = filled(blank("DeploymentGrid", "zone"), {"ignored": line})
    assert read(manifest, ("spec", "ignoreDifferences")) == [entry]
    assert shown(manifest)["ignored"] == line


def test_what_fits_no_line_stays_when_the_lines_change():
    manifest = blank("ServiceGrid", "zone")
    odd = [
        {"jsonPointers": ["/spec/a", "/spec/b"]},
        {"managers": ["a, b"]},
        {"fieldPaths": ["x by y"]},
        {},
    ]
    manifest["spec"]["ignoreDifferences"] = [{"jsonPointers": ["/spec/c"]}, *odd]
    assert shown(manifest)["ignored"] == "/spec/c"
    changed = filled(manifest, {"ignored": "by me"})
    assert read(changed, ("spec", "ignoreDifferences")) == [{"managers": ["me"]}, *odd]
    emptied = filled(blank("ServiceGrid", "zone"), {"ignored": ""})
    assert "ignoreDifferences" not in emptied["spec"]


@pytest.mark.parametrize("text", ["/spec/replicas by", "by", "by a,,b", "/spec/replicas by ,"])
def test_a_line_that_names_nobody_after_by_is_refused(text):
    with pytest.raises(Invalid) as refused:
        filled(blank("DeploymentGrid", "zone"), {"ignored": text})
    assert refused.value.problems[0].pointer == "/spec/ignoreDifferences"
