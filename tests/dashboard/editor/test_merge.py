"""The form and the YAML beside it: what is changed on either side is kept, and what no field shows is named."""

from copy import deepcopy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.documents import read_document, write_document
from sgportal.dashboard.editor.merge import merged
from sgportal.dashboard.editor.subject import blank
from sgportal.dashboard.editor.unsaid import unsaid
from sgportal.dashboard.editor.yaml_edit import rewritten

from ... import builders

KINDS = ("DeploymentGrid", "StatefulSetGrid", "ServiceGrid", "ServiceGroup")


def test_what_both_sides_changed_is_kept():
    base = blank("DeploymentGrid", "zone")
    written = deepcopy(base)
    written["spec"]["template"]["replicas"] = 5
    written["spec"]["template"]["template"]["spec"]["hostNetwork"] = True
    done = merged(base, written, {"replicas": "1", "image": "shop:2", "name": ""})
    assert done.problems == ()
    assert done.left == {}
    template = done.manifest["spec"]["template"]
    assert template["replicas"] == 5
    assert template["template"]["spec"]["hostNetwork"] is True
    assert template["template"]["spec"]["containers"][0]["image"] == "shop:2"


def test_a_field_that_both_changed_otherwise_is_left_to_the_person():
    base = blank("DeploymentGrid", "zone")
    written = deepcopy(base)
    written["spec"]["template"]["replicas"] = 5
    done = merged(base, written, {"replicas": "3", "image": "shop:2"})
    assert [each.pointer for each in done.problems] == ["/spec/template/replicas"]
    assert done.left == {"replicas": "3"}
    assert done.manifest["spec"]["template"]["replicas"] == 5
    assert done.manifest["spec"]["template"]["template"]["spec"]["containers"][0]["image"] == "shop:2"
    again = merged(done.manifest, done.manifest, done.left)
    assert again.manifest["spec"]["template"]["replicas"] == 3


def test_what_cannot_be_read_of_the_form_holds_up_nothing_else():
    base = blank("DeploymentGrid", "zone")
    done = merged(base, base, {"ports": "http", "replicas": "4"})
    assert done.left == {"ports": "http"}
    assert done.manifest["spec"]["template"]["replicas"] == 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_shows_all_of_what_something_new_begins_with(kind):
    assert unsaid(blank(kind, "zone")) == []


def test_what_no_field_shows_is_named_at_its_highest_place():
    manifest = blank("DeploymentGrid", "zone")
    manifest["metadata"]["annotations"] = {"a/b": "c"}
    template = manifest["spec"]["template"]
    template["strategy"] = {"type": "Recreate"}
    template["template"]["metadata"]["labels"]["more"] = "x"
    pod = template["template"]["spec"]
    pod["affinity"] = {"nodeAffinity": {}, "podAffinity": {"x": 1}}
    pod["volumes"] = [{"name": "a", "emptyDir": {}}, {"name": "b", "projected": {"sources": []}}]
    pod["containers"][0]["ports"][0]["hostPort"] = 80
    pod["containers"][0]["env"] = [{"name": "A", "value": "1"}, {"name": "N", "valueFrom": {"fieldRef": {}}}]
    pod["containers"].append({"name": "log", "image": "fluent", "securityContext": {"privileged": True}})
    assert unsaid(manifest) == [
        "/metadata/annotations",
        "/spec/template/template/metadata/labels/more",
        "/spec/template/template/spec/containers/0/ports/0/hostPort",
        "/spec/template/template/spec/containers/0/env/1",
        "/spec/template/template/spec/containers/1/securityContext",
        "/spec/template/template/spec/affinity",
        "/spec/template/template/spec/volumes/1",
        "/spec/template/strategy",
    ]


@pytest.mark.parametrize("spec", [1, [], {"template": 1}, {"template": {"template": [], "ports": [{"port": []}, 1]}}])
def test_odd_shapes_are_named_too(spec):
    assert unsaid({"kind": "ServiceGrid", "metadata": 1, "spec": spec})


TEXT = """# a shop
kind: DeploymentGrid
metadata: {name: shop, labels: {a: b}}  # flow
spec:
  gridUniqKey: "zone"   # the key

  template:
    # how many
    replicas: 2
    template:
      spec:
        containers:
          - name: main   # first
            image: shop:1
            command:
            - sh
            - -c
            args:
            - |
              echo a
              echo b
          # the second
          - name: log
            image: fluent:1
# the end
"""


def _changed(path, value):
    after = yaml.safe_load(TEXT)
    place = after
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return after


_CONTAINERS = ("spec", "template", "template", "spec", "containers")


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (("spec", "template", "replicas"), 7, ["-    replicas: 2", "+    replicas: 7"]),
        (("spec", "gridUniqKey"), "site", ['-  gridUniqKey: "zone"   # the key', "+  gridUniqKey: site   # the key"]),
        (("metadata", "name"), "x y", None),
        ((*_CONTAINERS, 0, "image"), "shop:2", ["-            image: shop:1", "+            image: shop:2"]),
        ((*_CONTAINERS, 1, "image"), None, ["-            image: fluent:1"]),
        (
            (*_CONTAINERS, 0, "ports"),
            [{"containerPort": 80}],
            ["+            ports:", "+            - containerPort: 80"],
        ),
        ((*_CONTAINERS, 1, "env"), [{"name": "A", "value": "1"}], None),
        ((*_CONTAINERS, 0, "command"), ["true"], None),
        (("spec", "templatePool"), {"big": {"replicas": 1}}, None),
        (("spec", "template", "template", "spec", "volumes"), [{"name": "a", "emptyDir": {}}], None),
        (("metadata", "annotations"), {"a": "b"}, None),
        ((*_CONTAINERS, 0, "args"), ["one\ntwo\n", "three"], None),
    ],
)
def test_a_text_changes_where_its_object_does(path, value, lines):
    after = _changed(path, value)
    text = rewritten(TEXT, yaml.safe_load(TEXT), after)
    assert read_document(text.encode()) == after
    old, new = TEXT.splitlines(), text.splitlines()
    if lines is not None:
        assert [f"-{each}" for each in old if each not in new] + [
            f"+{each}" for each in new if each not in old
        ] == lines
    for comment in ("# a shop", "# flow", "# the key", "# how many", "# first", "# the second", "# the end"):
        assert comment in text


_SCALARS = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "1", "a: b", "x\ny", "#", "é ", "no"])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "1", "c d"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.sampled_from(["k", "l", "m"]), _VALUES, max_size=3)


@given(_OBJECTS, _OBJECTS)
def test_a_text_says_what_its_object_became(before, after):
    assert read_document(rewritten(write_document(before), before, after).encode()) == after


def test_a_pool_and_a_member_are_named_by_their_places():
    package = blank("ServiceGroup", "zone")
    package["spec"]["grids"][0]["spec"]["templatePool"] = {"big": builders.workload(replicas=9)}
    package["spec"]["grids"][0]["spec"]["templatePool"]["big"]["paused"] = True
    package["spec"]["grids"][1]["spec"]["template"]["sessionAffinity"] = "ClientIP"
    assert unsaid(package) == [
        "/spec/grids/0/spec/templatePool/big/paused",
        "/spec/grids/1/spec/template/sessionAffinity",
    ]
