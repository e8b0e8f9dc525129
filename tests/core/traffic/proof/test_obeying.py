"""What is said of nodes that do not obey hints, before a Service is closed."""

from dataclasses import replace

import pytest

from sgportal.core.traffic.proof.obeying import disobeying, effect_on
from sgportal.core.units import Agent

from ..closing import a_node


@pytest.mark.parametrize(
    ("version", "zone", "effect"),
    [
        ("v1.37.2", "", None),
        ("v1.34.0", "z", None),
        ("v1.33.5", "", "refuses"),
        ("v1.32.1", "z", "refuses"),
        ("v1.31.1", "", "leaks"),
        ("v1.30.9", "z", "leaks"),
        ("", "z", "unknown"),
    ],
)
def test_what_an_old_proxy_would_do(version, zone, effect):
    assert effect_on(a_node("n", "a", zone, version)) == effect


def test_windows_and_the_version_of_the_proxys_own_pod_count():
    new = a_node("n", "a")
    assert effect_on(replace(new, system="windows")) == "leaks"
    assert effect_on(replace(new, agents=(Agent("kube-proxy", "v1.33.1"),))) == "refuses"


def test_a_node_without_a_kube_proxy_is_named_where_others_have_one():
    proxied = replace(a_node("n", "a"), agents=(Agent("kube-proxy", "v1.37.2"),))
    windows = replace(a_node("w", "a"), system="windows")
    assert [str(each) for each in disobeying([proxied, a_node("edge", "a"), windows])] == [
        "1 nodes (w) would reach the pods of every NodeUnit",
        "1 nodes (edge) have no kube-proxy that was seen, while others have: nobody knows what they would reach",
    ]
    assert disobeying([a_node("n", "a"), a_node("edge", "a")]) == ()


def test_nodes_are_named_by_what_they_would_do():
    nodes = [a_node(f"old{i}", "a", version="v1.30.1") for i in range(5)] + [
        a_node("new", "a"),
        a_node("x", version=""),
    ]
    assert [str(each) for each in disobeying(nodes)] == [
        "5 nodes (old0, old1, old2 … (+2)) would reach the pods of every NodeUnit",
        "1 nodes (x) run a kube-proxy of a version that is not known",
    ]
