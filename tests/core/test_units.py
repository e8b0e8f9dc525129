"""Nodes, units, selectors, endpoints, names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.names import as_label_value, kubelet_may_set, label_value_problem, protected_label_problem
from sgportal.core.selector import matches, parse_selector, requirements
from sgportal.core.text import Invalid, pointer
from sgportal.core.units import relabelled, unit_changes, units_of
from sgportal.core.usage.quantities import quantity

from .builders import a_node

NODES = (
    a_node("n0", zone="a"),
    a_node("n1", zone="b"),
    a_node("n2", "Unknown", zone="b"),
    a_node("n3"),
    a_node("n4", zone=""),
)


def test_units_are_the_distinct_non_empty_values():
    units = units_of(NODES, "zone")
    assert {name: [node.name for node in unit.nodes] for name, unit in units.items()} == {
        "a": ["n0"],
        "b": ["n1", "n2"],
    }
    assert [units[name].state for name in "ab"] == ["Ready", "Degraded"]


@pytest.mark.parametrize(
    ("ready", "state"),
    [
        (["Ready"], "Ready"),
        (["NotReady", "Unknown"], "NotReady"),
        (["Unknown"], "Offline"),
        (["Ready", "NotReady"], "Degraded"),
    ],
)
def test_the_state_of_a_unit(ready, state):
    nodes = [a_node(f"n{i}", each, zone="a") for i, each in enumerate(ready)]
    assert units_of(nodes, "zone")["a"].state == state


def test_what_a_change_of_labels_does():
    after = relabelled(NODES, ["n0", "n3"], {"zone": "c"})
    changes = {(c.unit, c.verb, c.joining, c.leaving) for c in unit_changes(NODES, after, ["zone"])}
    assert changes == {("a", "vanishes", (), ("n0",)), ("c", "appears", ("n0", "n3"), ())}
    removed = relabelled(NODES, ["n1"], {"zone": None})
    assert [(c.unit, c.verb) for c in unit_changes(NODES, removed, ["zone"])] == [("b", "changes")]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("zone=b", [1, 2]),
        ("zone==b", [1, 2]),
        ("zone!=b", [0, 3, 4]),
        ("zone in (a, b)", [0, 1, 2]),
        ("zone notin (a)", [1, 2, 3, 4]),
        ("zone", [0, 1, 2, 4]),
        ("!zone", [3]),
        ("zone,zone!=a", [1, 2, 4]),
        ("zone=", [4]),
    ],
)
def test_selectors_choose_as_kubernetes_does(text, chosen):
    wanted = parse_selector(text)
    assert [i for i, node in enumerate(NODES) if matches(wanted, node.labels)] == chosen


@pytest.mark.parametrize("text", ["zone=a b", "zone in a", "=a", "a=b=c", "zone in (<b>)", "区域=1", "a" * 64])
def test_a_bad_selector_is_refused_naming_the_parameter(text):
    with pytest.raises(Invalid) as caught:
        parse_selector(text)
    assert caught.value.problems[0].pointer == "/labelSelector"


def test_selector_objects_are_the_same_requirements():
    found = requirements(
        {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "In", "values": ["x"]}]}
    )
    assert found == parse_selector("a=1,b in (x)")


@given(st.text(max_size=300))
def test_any_text_becomes_a_label_value_and_different_texts_differ(text):
    assert label_value_problem(as_label_value(text)) is None
    assert as_label_value(text) != as_label_value(text + "x")


@pytest.mark.parametrize(
    ("key", "protected"),
    [
        ("kubernetes.io/hostname", True),
        ("node-role.kubernetes.io/worker", True),
        ("beta.kubernetes.io/os", True),
        ("node.k8s.io/x", True),
        ("topology.kubernetes.io/zone", False),
        ("node-restriction.kubernetes.io/site", False),
        ("acme.node-restriction.kubernetes.io/site", False),
        ("notkubernetes.io/site", False),
        ("zone", False),
        ("example.com/zone", False),
    ],
)
def test_kubernetes_own_labels_are_protected(key, protected):
    assert (protected_label_problem(key) is not None) == protected


@pytest.mark.parametrize(
    ("key", "may"),
    [
        ("zone", True),
        ("example.com/zone", True),
        ("notkubernetes.io/site", True),
        ("topology.kubernetes.io/zone", True),
        ("kubernetes.io/hostname", True),
        ("node.kubernetes.io/instance-type", True),
        ("a.kubelet.kubernetes.io/site", True),
        ("node-restriction.kubernetes.io/site", False),
        ("acme.node-restriction.kubernetes.io/site", False),
        ("node-role.kubernetes.io/worker", False),
        ("kubernetes.io/site", False),
        ("k8s.io/site", False),
    ],
)
def test_what_a_kubelet_may_set_on_its_own_node(key, may):
    """By the code of the admission plugin NodeRestriction."""
    assert kubelet_may_set(key) == may


@pytest.mark.parametrize(
    ("left", "right"), [("1", "1000m"), ("1Gi", "1024Mi"), ("1e3", "1k"), (1, "1"), ("0.5", "500m")]
)
def test_quantities(left, right):
    assert quantity(left) == quantity(right)
    assert quantity("1x") is None


def test_pointers_are_escaped():
    assert pointer("a/b", "c~d", 0) == "/a~1b/c~0d/0"
