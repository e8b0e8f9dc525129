"""EndpointSlices: what a Service's traffic may be told."""

import pytest

from ..conftest import APPLY, MERGE


@pytest.fixture
def slices(namespace):
    return f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"


def a_slice(*endpoints, **fields):
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "s"},
        "addressType": "IPv4",
        "endpoints": list(endpoints) or [{"addresses": ["10.1.0.1"]}],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
        **fields,
    }


def nodes(*names):
    return {"addresses": ["10.1.0.1"], "hints": {"forNodes": [{"name": name} for name in names]}}


def zones(*names):
    return {"addresses": ["10.1.0.1"], "hints": {"forZones": [{"name": name} for name in names]}}


def test_what_is_sent_is_kept(server, slices):
    endpoint = {
        "addresses": ["10.1.0.1"],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": "node0",
        "zone": "",
        "targetRef": {"kind": "Pod", "namespace": "x", "name": "p", "uid": "u"},
        "hints": {"forNodes": [{"name": "node0"}], "forZones": [{"name": "z"}]},
    }
    made = server("POST", f"{slices}?fieldValidation=Strict", a_slice(endpoint))
    assert made.status == 201, made
    assert made.body["endpoints"] == [endpoint]
    assert made.body["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]


def test_ports_have_defaults(server, slices):
    made = server("POST", slices, a_slice(ports=[{"port": 80}]))
    assert made.body["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]


def test_no_endpoints_are_null(server, slices):
    """As whatever is stored by way of protobuf: an empty list and none are the same."""
    assert server("POST", slices, {**a_slice(), "endpoints": []}).body["endpoints"] is None
    assert server("GET", f"{slices}/s").body["endpoints"] is None


def test_eight_nodes_and_zones_are_taken_and_an_empty_zone_name(server, slices):
    eight = [f"n{number}" for number in range(8)]
    both = {**nodes(*eight)}
    both["hints"] |= zones(*eight)["hints"]
    assert server("POST", f"{slices}?dryRun=All", a_slice(both)).status == 201
    assert server("POST", f"{slices}?dryRun=All", a_slice(zones(""))).status == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (a_slice(nodes(*[f"n{number}" for number in range(9)])), "endpoints[0].hints.forNodes"),
        (a_slice(zones(*[f"n{number}" for number in range(9)])), "endpoints[0].hints.forZones"),
        (a_slice(nodes("a", "a")), "endpoints[0].hints.forNodes[1].name"),
        (a_slice(zones("a", "a")), "endpoints[0].hints.forZones[1].name"),
        (a_slice(nodes("Not_A_Name")), "endpoints[0].hints.forNodes[0].name"),
        (a_slice(nodes("")), "endpoints[0].hints.forNodes[0].name"),
        (a_slice(zones("no zone")), "endpoints[0].hints.forZones[0].name"),
        (a_slice({"addresses": ["127.0.0.1"]}), "endpoints[0].addresses[0]"),
        (a_slice({"addresses": ["169.254.1.1"]}), "endpoints[0].addresses[0]"),
        (a_slice({"addresses": ["224.0.0.1"]}), "endpoints[0].addresses[0]"),
        (a_slice({"addresses": ["0.0.0.0"]}), "endpoints[0].addresses[0]"),
        (a_slice({"addresses": ["nonsense"]}), "endpoints[0].addresses[0]"),
        (a_slice({"addresses": ["fd00::1"]}), "endpoints[0].addresses"),
        (a_slice({"addresses": []}), "endpoints[0].addresses"),
        (a_slice({"addresses": [f"10.1.{number}.1" for number in range(101)]}), "endpoints[0].addresses"),
        (a_slice({"addresses": ["10.1.0.1"], "nodeName": "Not_A_Name"}), "endpoints[0].nodeName"),
        (a_slice(addressType="Odd"), "addressType"),
        (a_slice(addressType=""), "addressType"),
        (a_slice(ports=[{"name": "Not_A_Name", "port": 80}]), "ports[0].name"),
        (a_slice(ports=[{"port": 80}, {"port": 81}]), "ports[1].name"),
        (a_slice(ports=[{"port": 80, "protocol": "ICMP"}]), "ports[0].protocol"),
        (a_slice(*[{"addresses": ["10.1.0.1"]}] * 1001), "endpoints"),
    ],
)
@pytest.mark.parametrize("way", ["create", "apply", "dry run"])
def test_slices_that_are_refused(server, slices, body, field, way):
    if way == "apply":
        answer = server("PATCH", f"{slices}/s?fieldManager=one", body, **APPLY)
    else:
        answer = server("POST", slices + ("?dryRun=All" if way == "dry run" else ""), body)
    assert answer.status == 422, answer
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]]
    assert server("GET", f"{slices}/s").status == 404


def test_the_type_of_addresses_cannot_change(server, slices):
    server("POST", slices, a_slice({"addresses": ["10.1.0.1"]}))
    change = {"addressType": "IPv6", "endpoints": [{"addresses": ["fd00::1"]}]}
    answer = server("PATCH", f"{slices}/s", change, **MERGE)
    assert answer.status == 422
    assert "addressType" in [cause["field"] for cause in answer.body["details"]["causes"]]


def test_endpoints_are_owned_as_a_whole(server, slices):
    server("PATCH", f"{slices}/s?fieldManager=one", a_slice(nodes("a")), **APPLY)
    refused = server("PATCH", f"{slices}/s?fieldManager=two", a_slice(nodes("b")), **APPLY)
    assert (refused.status, refused.body["details"]["causes"][0]["field"]) == (409, ".endpoints")
    less = server("PATCH", f"{slices}/s?fieldManager=two", a_slice(nodes("a")), **APPLY)
    assert less.status == 409  # without the conditions that were filled in it is not the same list
    whole = a_slice({**nodes("a"), "conditions": {}})
    assert server("PATCH", f"{slices}/s?fieldManager=two", whole, **APPLY).status == 200
    assert server("PATCH", f"{slices}/s?fieldManager=one", a_slice(nodes("a")), **APPLY).status == 409


def test_generation_counts_what_is_said(server, slices):
    """EndpointSlices have no spec: every change but that of metadata counts."""
    made = server("POST", slices, a_slice()).body
    assert made["metadata"]["generation"] == 1
    labelled = server("PATCH", f"{slices}/s", {"metadata": {"annotations": {"a": "b"}}}, **MERGE).body
    assert labelled["metadata"]["generation"] == 1
    said = server("PATCH", f"{slices}/s", {"endpoints": [{"addresses": ["10.1.0.2"]}]}, **MERGE).body
    assert said["metadata"]["generation"] == 2
