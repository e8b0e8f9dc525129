"""Services that SuperEdge's filter would keep: which they are, and what it leaves each node."""

import json
from dataclasses import replace

import pytest

from sgportal.core.traffic.proof.annotated import annotated_proof, topology_keys
from sgportal.core.units import Agent

from ..closing import KEY, a_node, a_pod


def a_body(keys='["site"]', labels=None, **spec):
    metadata = {"namespace": "shop", "name": "byhand", "uid": "u", "labels": labels or {}}
    metadata["annotations"] = {"topologyKeys": keys}
    found = {"clusterIP": "10.96.0.9", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"metadata": metadata, "spec": {**found, **spec}}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ('["site"]', ("site",)),
        ('["site", "rack", "site"]', ("site", "rack")),
        ('["*", 7, null, "site"]', ("site",)),
        ("site", ()),
        ('{"site": 1}', ()),
        ("[" * 100_000, ()),
        ("", ()),
    ],
)
def test_the_annotation_is_a_json_list_of_label_keys(keys, found):
    assert topology_keys(a_body(keys)) == found


@pytest.mark.parametrize(
    "body",
    [
        a_body(clusterIP="None"),
        a_body(type="ExternalName"),
        a_body(labels={"service.kubernetes.io/headless": ""}),
        a_body(labels={"service.kubernetes.io/service-proxy-name": "x"}),
        {"metadata": {"namespace": "shop", "name": "plain"}},
    ],
    ids=["headless", "external", "labelled headless", "another proxy", "plain"],
)
def test_what_the_filter_leaves_alone_is_none_of_them(body):
    assert topology_keys(body) == ()


def said(body, nodes, present):
    return {
        each.node: (each.unit, each.state, {one.pod for one in each.endpoints})
        for each in annotated_proof(body, nodes, present)
    }


def test_each_node_is_left_the_endpoints_of_its_own_unit():
    nodes = [a_node("a0", "a"), a_node("b0", "b"), a_node("c0", "c"), a_node("x0")]
    present = [a_pod("p", "a0"), a_pod("q", "b0"), a_pod("r", "x0")]
    assert said(a_body(), nodes, present) == {
        "a0": ("a", "unknown", {"p"}),
        "b0": ("b", "unknown", {"q"}),
        "c0": ("c", "unknown", set()),
        "x0": ("", "unknown", set()),
    }
    assert said(a_body(selector=None), nodes, present) == {}


def test_where_the_filter_was_seen_on_the_node_its_rule_is_claimed():
    filtered = replace(a_node("a0", "a"), agents=(Agent("application-grid-wrapper"),))
    present = [a_pod("p", "a0"), a_pod("q", "b0")]
    found = said(a_body(), [filtered, a_node("b0", "b")], present)
    assert found == {"a0": ("a", "closed", {"p"}), "b0": ("b", "unknown", {"q"})}


def test_any_of_several_keys_lets_an_endpoint_through():
    one, two, three = (a_node(name, unit) for name, unit in (("n1", "a"), ("n2", "b"), ("n3", "a")))
    rack = {"n1": "r1", "n2": "r1", "n3": "r2"}
    nodes = [
        type(node)(node.name, {KEY: node.labels[KEY], "rack": rack[node.name]}, version=node.version)
        for node in (one, two, three)
    ]
    found = said(a_body(json.dumps([KEY, "rack"])), nodes, [a_pod("p", "n1"), a_pod("q", "n2")])
    assert found == {
        "n1": ("a", "unknown", {"p", "q"}),
        "n2": ("b", "unknown", {"p", "q"}),
        "n3": ("a", "unknown", {"p"}),
    }
    missing = said(a_body('["no-such-key", "rack"]'), nodes, [a_pod("q", "n2")])
    assert missing == {
        "n1": ("r1", "unknown", {"q"}),
        "n2": ("r1", "unknown", {"q"}),
        "n3": ("", "unknown", set()),
    }
