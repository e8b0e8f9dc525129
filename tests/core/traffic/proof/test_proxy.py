"""kube-proxy's rule, mirrored: the questions of its own tests in our words, and how it merges slices."""

import json

import pytest

from sgportal.core.traffic.proof.proxy import Backend, PortName, behind_wrapper, belongs_to, effective, merged, table
from sgportal.core.traffic.rules import obeys_hints

from ...builders import DATA
from ..closing import a_node

CASES = json.loads((DATA / "kube-proxy-topology.json").read_text())
WEB = PortName("http")


def we_say(case):
    """The endpoints that a node uses, as kube-proxy's tests name them, by our mirror of its rule."""
    known = table(
        Backend(
            each["address"],
            each["port"],
            each["ready"],
            each["serving"],
            each["terminating"],
            frozenset(each["forNodes"]),
            frozenset(each["forZones"]),
        )
        for each in case["endpoints"]
    )
    return sorted(map(str, known.of(case["node"]["name"], case["node"]["zone"])))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_which_endpoints_a_node_uses(case):
    assert we_say(case) == case["expected"]


def a_slice(name, *endpoints, family="IPv4", ports=({"name": "http", "port": 8080, "protocol": "TCP"},)):
    labels = {"kubernetes.io/service-name": "web-svc"}
    metadata = {"name": name, "namespace": "shop", "labels": labels}
    return {"metadata": metadata, "addressType": family, "ports": list(ports), "endpoints": list(endpoints)}


def an_endpoint(address, node="", terminating=False, **options):
    conditions = {"ready": not terminating, "serving": True, "terminating": terminating}
    return {"addresses": [address], "conditions": conditions, "nodeName": node, **options}


@pytest.mark.parametrize("order", [("s-1", "s-2"), ("s-2", "s-1")])
def test_of_two_with_one_address_the_one_that_stays_counts(order):
    going, staying = an_endpoint("10.0.0.1", "n1", terminating=True), an_endpoint("10.0.0.1", "n2")
    found = merged([a_slice(order[0], going), a_slice(order[1], staying)], WEB)
    assert [(each.node, each.terminating) for each in found] == [("n2", False)]


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ([a_slice("s", an_endpoint("010.0.0.01")), a_slice("t", an_endpoint("10.0.0.1"))], ["10.0.0.1:8080"]),
        ([a_slice("s", an_endpoint("fd00:0::1"), family="IPv6")], []),
        ([a_slice("s", {"addresses": ["10.0.0.1"]})], ["10.0.0.1:8080"]),
        ([a_slice("s", an_endpoint("10.0.0.1"), ports=[{"name": "http", "port": 80, "protocol": "UDP"}])], []),
        ([a_slice("s", an_endpoint("10.0.0.1"), ports=[{"name": "other", "port": 80, "protocol": "TCP"}])], []),
        ([a_slice("s", an_endpoint("10.0.0.1"), ports=[{"name": "http", "port": None}])], []),
        ([a_slice("s", an_endpoint("10.0.0.1"), ports=[])], []),
        ([{**a_slice("s"), "endpoints": None}], []),
    ],
)
def test_what_counts_for_a_port(slices, expected):
    assert [str(each) for each in merged(slices, WEB)] == expected


def test_each_family_has_a_proxy_of_its_own():
    slices = [a_slice("s", an_endpoint("10.0.0.1")), a_slice("t", an_endpoint("fd00:0::1"), family="IPv6")]
    assert [str(each) for each in merged(slices, PortName("http", "TCP", "IPv6"))] == ["[fd00::1]:8080"]


def test_a_slice_belongs_by_its_label_whoever_wrote_it():
    assert belongs_to(a_slice("anything"), "shop", "web-svc")
    assert not belongs_to(a_slice("anything"), "other", "web-svc")
    assert not belongs_to({"metadata": {"name": "web-svc-x", "namespace": "shop"}}, "shop", "web-svc")


def test_traffic_kept_on_its_node_ignores_hints():
    hints = {"hints": {"forNodes": [{"name": "n2"}]}}
    slices = [a_slice("s", an_endpoint("10.0.0.1", "n1", **hints), an_endpoint("10.0.0.2", "n2", terminating=True))]
    for name, expected in (("n1", ["10.0.0.1:8080"]), ("n2", ["10.0.0.2:8080"]), ("n3", [])):
        assert [str(each) for each in effective(slices, a_node(name), WEB, local=True)] == expected


def test_behind_superedges_wrapper_a_node_sees_endpoints_with_its_own_value():
    backends = merged([a_slice("web-svc-abcde", *(an_endpoint(f"10.0.0.{i}", f"n{i}") for i in range(1, 5)))], WEB)
    passed, rest = behind_wrapper(backends, "web-svc", {"n1": "a", "n2": "b", "n3": "a"})
    assert {value: [each.node for each in several] for value, several in passed.items()} == {
        "a": ["n1", "n3"],
        "b": ["n2"],
    }
    assert rest == ()


def test_the_wrapper_passes_what_its_reading_of_names_misses():
    """It finds the Service by the slice's name, not by the label: a slice called otherwise goes to every node."""
    backends = merged([a_slice("handmade", an_endpoint("10.0.0.1", "n1"))], WEB)
    passed, rest = behind_wrapper(backends, "web-svc", {"n1": "a"})
    assert (passed, [each.node for each in rest]) == ({}, ["n1"])


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v1.34.0", True),
        ("v1.40.1+k3s1", True),
        ("1.34", True),
        ("v2.0.0", True),
        ("v1.33.9", False),
        ("v1.4", False),
        ("", None),
        ("x", None),
        ("v" + "9" * 5000, None),
    ],
)
def test_versions(version, expected):
    assert obeys_hints(version) is expected
