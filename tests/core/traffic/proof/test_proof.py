"""The proof: where each node's traffic goes, judged by the mode, with the guilty endpoint where it leaks."""

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.names import ZONE
from sgportal.core.text import say
from sgportal.core.traffic.closure import Closure
from sgportal.core.traffic.proof.case import Seen
from sgportal.core.traffic.proof.doubts import NO_SLICES, Doubt
from sgportal.core.traffic.proof.proof import STATES, proof
from sgportal.core.traffic.slices.slices import built_in
from sgportal.core.traffic.slices.topology import places
from sgportal.core.units import Agent

from ...builders import frozen
from ..closing import HTTP, KEY, METRICS, a_node, a_pod, a_service, decide, reached, worlds

NODES = (a_node("a0", "a"), a_node("b0", "b"), a_node("c0", "c", "z"), a_node("lone"))
PODS = (a_pod("pa", "a0"), a_pod("pb", "b0"))


def shown(found):
    return {each.node: (each.state, [backend.pod for backend in each.endpoints]) for each in found}


def proved(mode="strict", failover=(), known=NODES, present=PODS):
    service = a_service(Closure(mode, failover))
    manages_slices = service.closure.manages_slices
    slices = (
        decide(service, known, present).slices if manages_slices else built_in(service, places(known, KEY), present)
    )
    return proof(service, [frozen(each) for each in slices], known)


@pytest.mark.parametrize(
    ("mode", "failover", "expected"),
    [
        ("strict", (), [("closed", ["pa"]), ("closed", ["pb"]), ("refusing", []), ("refusing", [])]),
        ("failover", ("a",), [("closed", ["pa"]), ("closed", ["pb"]), ("open", ["pa"]), ("refusing", [])]),
        ("prefer", (), [("closed", ["pa"]), ("closed", ["pb"]), ("open", ["pa", "pb"]), ("open", ["pa", "pb"])]),
        ("wrapper", (), [("unknown", ["pa"]), ("unknown", ["pb"]), ("unknown", []), ("unknown", [])]),
        ("open", (), [("open", ["pa", "pb"])] * 4),
    ],
)
def test_each_mode_is_judged_by_its_own_promise(mode, failover, expected):
    assert list(shown(proved(mode, failover)).values()) == expected


@pytest.mark.parametrize(
    ("mode", "node", "sentence"),
    [
        ("strict", "a0", "only endpoints of NodeUnit “a”"),
        ("strict", "c0", "NodeUnit “c” has no ready endpoint"),
        ("strict", "lone", "the node is in no NodeUnit of this key"),
        ("failover", "c0", "NodeUnit “c” has no ready endpoint; goes to a"),
        ("prefer", "c0", "NodeUnit “c” has no ready endpoint; goes to a, b"),
        ("prefer", "lone", "the node is in no NodeUnit of this key; goes to a, b, as the mode allows"),
        ("open", "a0", "goes to every endpoint, including those of b: mode “open” does not restrict traffic"),
        (
            "wrapper",
            "a0",
            "SuperEdge's application-grid-wrapper was not seen on the node; only where it runs does traffic stay "
            "within the NodeUnit",
        ),
    ],
)
def test_the_reason_is_said(mode, node, sentence):
    found = {each.node: str(each.sentence) for each in proved(mode, ("a",) if mode == "failover" else ())}
    assert found[node] == sentence


def test_a_node_that_there_was_no_room_for_is_refused_and_told_why():
    known = [a_node(f"a{i:02}", "a") for i in range(9)]
    last = proved(known=known, present=[a_pod("pa", "a00")])[-1]
    assert (last.state, str(last.sentence)) == (
        "refusing",
        "NodeUnit “a” has more nodes than its ready endpoints can name",
    )
    known = [*(a_node(f"a{i}", "a") for i in range(8)), a_node("b0", "b")]
    last = proved("failover", ("a",), known, [a_pod("pa", "a0")])[-1]
    assert str(last.sentence) == "NodeUnit “b” has no ready endpoint, and those it may borrow from have no room"


def test_a_node_that_nobody_names_yet_is_not_said_to_be_one_too_many():
    """It has just registered, or has come from another unit, and no keeper has written since."""
    slices = decide(a_service(), NODES, PODS).slices
    moved = [*NODES, a_node("late", "a"), replace(NODES[2], name="c0", labels={KEY: "b"})]
    known = [each for each in moved if each is not NODES[2]]
    found = {each.node: each for each in proof(a_service(), slices, known)}
    for name, unit in (("late", "a"), ("c0", "b")):
        assert (found[name].state, found[name].reason, str(found[name].sentence)) == (
            "refusing",
            "NodeNotNamed",
            f"no endpoint of NodeUnit “{unit}” names this node yet: its calls are refused until the keeper has written "
            "that",
        )


def test_a_port_or_a_family_at_which_a_unit_has_nobody_is_told():
    service = a_service(Closure("strict"), HTTP, METRICS, families=("IPv4", "IPv6"))
    known = [a_node("a0", "a"), a_node("b0", "b")]
    both, metrics = ("10.1.0.1", "fd00::1"), (("metrics", 9000, "TCP"),)
    present = [a_pod("pa", "a0", ips=both, ports=metrics), a_pod("pb", "b0")]
    whole, part = proof(service, decide(service, known, present).slices, known)
    assert (whole.state, whole.refused) == ("closed", ())
    assert (part.state, part.reason) == ("refusing", "PortWithoutEndpoint")
    assert str(part.sentence) == (
        "only endpoints of NodeUnit “b”, and none at metrics (IPv4), http (IPv6), metrics (IPv6)"
    )


def handmade(address="192.0.2.9", name="handmade", node="", **hints):
    endpoint = {"addresses": [address], "conditions": {"ready": True}}
    endpoint |= ({"nodeName": node} if node else {}) | ({"hints": hints} if hints else {})
    metadata = {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": "web-svc"}}
    ports = [{"name": "http", "port": 8080, "protocol": "TCP"}]
    return {"metadata": metadata, "addressType": "IPv4", "ports": ports, "endpoints": [endpoint]}


def test_one_slice_by_hand_without_hints_opens_every_node_and_is_named():
    slices = [*decide(a_service(), NODES, PODS).slices, handmade()]
    found = proof(a_service(), slices, NODES)
    assert {each.state for each in found} == {"leaking"}
    assert "handmade" in {each.slice for each in found[0].guilty}
    assert str(found[0].sentence).endswith(
        "the endpoint 192.0.2.9:8080 of EndpointSlice handmade has no hints, which opens the Service to every node"
    )


def test_one_slice_by_hand_that_names_a_node_leaks_there_alone():
    name = {"forNodes": [{"name": "a0"}], "forZones": [{"name": "none"}]}
    slices = [*decide(a_service(), NODES, PODS).slices, handmade(**name)]
    found = {each.node: each for each in proof(a_service(), slices, NODES)}
    assert [found[node].state for node in ("a0", "b0", "c0", "lone")] == ["leaking", "closed", "refusing", "refusing"]
    assert [str(each) for each in found["a0"].guilty] == ["192.0.2.9:8080"]
    assert str(found["a0"].sentence) == ("goes to 192.0.2.9:8080 (EndpointSlice handmade), whose node is unknown")


def test_the_slices_of_the_clusters_own_controller_leak_and_the_neighbour_is_named():
    service = a_service()
    leftover = built_in(service, places(NODES, KEY), PODS)
    found = {each.node: each for each in proof(service, [*decide(service, NODES, PODS).slices, *leftover], NODES)}
    assert found["c0"].state == "leaking"
    assert [each.node for each in found["a0"].guilty] == ["b0"]


def test_a_sentinel_taken_away_is_found_out():
    slices = [each for each in decide(a_service(), NODES, PODS).slices if "refuse" not in each["metadata"]["name"]]
    found = {each.node: each for each in proof(a_service(), slices, NODES)}
    assert (found["a0"].state, found["c0"].state) == ("closed", "leaking")
    assert str(found["c0"].sentence).endswith("on node a0 of a")


def test_a_slice_that_only_calls_itself_a_sentinel_is_none():
    fake = handmade(name="web-svc-v4refuse7", forNodes=[{"name": "c0"}], forZones=[{"name": "x"}])
    found = {
        each.node: each.state for each in proof(a_service(), [*decide(a_service(), NODES, PODS).slices, fake], NODES)
    }
    assert found["c0"] == "leaking"


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("", "the version of its kube-proxy is not known; hints for nodes are obeyed from 1.34 on"),
        ("?", "the version of its kube-proxy is not known; hints for nodes are obeyed from 1.34 on"),
    ],
)
def test_an_unknown_kube_proxy_is_not_answered_for(version, sentence):
    known = (replace(NODES[0], version=version), *NODES[1:])
    first = proved(known=known)[0]
    assert (first.state, first.reason, str(first.sentence)) == ("unknown", "ProxyVersionUnknown", sentence)
    assert proved("open", known=known)[0].state == "open"


def test_a_kube_proxy_that_ignores_hints_for_nodes_is_answered_for_by_its_own_rule():
    """Zones decide there: by 1.33 each node meets the sentinel, by 1.32 those with a zone; 1.30 goes everywhere."""
    expected = {
        "v1.33.5": [("refusing", []), ("refusing", [])],
        "v1.32.9": [("leaking", ["pa", "pb"]), ("refusing", [])],
        "v1.30.0": [("leaking", ["pa", "pb"]), ("leaking", ["pa", "pb"])],
    }
    for version, wanted_ in expected.items():
        known = [replace(each, version=version) for each in NODES]
        found = {each.node: each for each in proved(known=known)}
        assert [shown([found[name]])[name] for name in ("a0", "c0")] == wanted_
    assert found["a0"].reason == "ProxyIgnoresHints"
    assert str(found["a0"].sentence).endswith(": kube-proxy v1.30.0 ignores hints for nodes")


def test_a_zone_of_the_units_own_keeps_the_loop_closed_by_zones_alone():
    known = [a_node(f"a{i:02}", "a", "za", "v1.33.1") for i in range(9)] + [a_node("b0", "b", "zb", "v1.33.1")]
    found = {each.node: each.state for each in proved(known=known, present=[a_pod("pa", "a00"), a_pod("pb", "b0")])}
    assert found["a03"] == "closed"


def test_windows_goes_to_every_ready_endpoint():
    known = (replace(NODES[0], system="windows"), *NODES[1:])
    first = proved(known=known)[0]
    assert (first.state, first.reason) == ("leaking", "ProxyIgnoresHints")
    assert "kube-proxy on Windows" in str(first.sentence)


def test_kube_router_without_a_kube_proxy_leaves_open_where_traffic_goes():
    known = (replace(NODES[0], agents=(Agent("kube-router", "v2.5.0"),)), *NODES[1:])
    assert [(each.state, each.reason) for each in proved(known=known)][:1] == [("unknown", "DataPlane")]
    both = (Agent("kube-router", "v2.5.0"), Agent("kube-proxy", "v1.37.2"))
    assert proved(known=(replace(NODES[0], agents=both), *NODES[1:]))[0].state == "closed"


def test_the_version_of_kube_proxys_own_pod_counts_not_the_kubelets():
    others = [replace(each, agents=(Agent("kube-proxy", "v1.37.2"),)) for each in NODES[1:]]
    known = (replace(NODES[0], agents=(Agent("kube-proxy", "v1.30.2"),)), *others)
    assert [each.state for each in proved(known=known)][:2] == ["leaking", "closed"]
    known = (replace(NODES[0], agents=(Agent("kube-proxy", ""),)), *NODES[1:])
    assert proved(known=known)[0].reason == "ProxyVersionUnknown"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("strict", ("unknown", "ProxyNotSeen")),
        ("failover", ("unknown", "ProxyNotSeen")),
        ("prefer", ("unknown", "ProxyNotSeen")),
        ("open", ("open", "AsAsked")),
    ],
)
def test_a_node_without_a_kube_proxy_where_others_have_one_is_not_answered_for(mode, expected):
    """As on KubeEdge's edge nodes, where EdgeMesh carries traffic. Where it is no pod anywhere (k3s) it is there."""
    known = (replace(NODES[0], agents=(Agent("kube-proxy", "v1.37.2"),)), *NODES[1:])
    first, second, *_ = proved(mode, ("a",) if mode == "failover" else (), known)
    assert (second.state, second.reason) == expected
    assert first.state == ("open" if mode == "open" else "closed")
    windows = (*known[:1], replace(NODES[1], system="windows"), *NODES[2:])
    assert proved(mode, ("a",) if mode == "failover" else (), windows)[1].reason != "ProxyNotSeen"


@pytest.mark.parametrize(
    ("agents", "states"),
    [
        ((), "unknown"),
        ((Agent("application-grid-wrapper", "v0.8.2", ready=False),), "unknown"),
        ((Agent("kube-proxy", "v1.37.0"),), "unknown"),
        ((Agent("application-grid-wrapper", "v0.8.2"),), "closed"),
    ],
)
def test_behind_superedges_filter_only_where_it_was_seen(agents, states):
    known = (replace(NODES[0], agents=agents), *NODES[1:])
    first, second, *_ = proved("wrapper", known=known)
    assert (first.state, second.state) == (states, "unknown")
    assert [each.pod for each in first.endpoints] == ["pa"]


@pytest.mark.parametrize("mode", ["wrapper", "open"])
def test_a_headless_service_is_never_closed(mode):
    service = a_service(Closure(mode), headless=True)
    found = proof(service, built_in(service, places(NODES, KEY), PODS), NODES, seen=Seen(NO_SLICES))
    assert {(each.state, each.reason) for each in found} == {("open", "Headless")}


def test_traffic_kept_on_its_node_stays_in_its_unit():
    service = a_service(local=True)
    known = (*NODES, a_node("a1", "a"))
    found = {each.node: each for each in proof(service, decide(service, known, PODS).slices, known)}
    assert shown(found.values())["a0"] == ("closed", ["pa"])
    assert found["a1"].state == "refusing"
    assert "internalTrafficPolicy Local" in str(found["a1"].sentence)


def test_every_port_counts():
    service = a_service(Closure("strict"), HTTP, METRICS)
    slices = decide(service, NODES, PODS).slices
    leak = handmade(forNodes=[{"name": "a0"}])
    leak["ports"] = [{"name": "metrics", "port": 9000, "protocol": "TCP"}]
    found = {each.node: each.state for each in proof(service, [*slices, leak], NODES)}
    assert found["a0"] == "leaking"


def test_one_node_may_be_asked_alone():
    service = a_service()
    (only,) = proof(service, decide(service, NODES, PODS).slices, NODES, ["b0"])
    assert (only.node, [each.unit for each in only.endpoints]) == ("b0", ["b"])


def test_slices_of_other_services_do_not_count():
    other = copy.deepcopy(handmade())
    other["metadata"]["namespace"] = "elsewhere"
    found = proof(a_service(), [*decide(a_service(), NODES, PODS).slices, other], NODES)
    assert {each.state for each in found} == {"closed", "refusing"}


@given(worlds(), st.sampled_from(["strict", "failover", "prefer"]))
def test_what_we_write_never_leaks(world, mode):
    known, present = world
    service = a_service(Closure(mode, ("b", "c") if mode == "failover" else ()))
    slices = decide(service, known, present).slices
    found = proof(service, slices, known)
    assert [each.node for each in found] == sorted(node.name for node in known)
    assert {each.state for each in found} <= {*STATES} - {"leaking", "unknown"}
    for each, node in zip(found, sorted(known, key=lambda node: node.name), strict=True):
        assert {backend.pod for backend in each.endpoints} == reached(slices, node)[0]
        assert (each.state == "refusing") == (not each.endpoints)
        assert each.state != "open" or mode != "strict"


def test_a_zone_that_only_the_unit_has_proves_closed():
    known = [*(a_node(f"a{i:02}", "a", "za") for i in range(20)), a_node("b0", "b", "zb")]
    assert {each.state for each in proved(known=known, present=[a_pod("pa", "a00"), a_pod("pb", "b0")])} == {"closed"}
    moved = [*known, replace(a_node("stray"), labels={ZONE: "za"})]
    stale = decide(a_service(), known, [a_pod("pa", "a00")]).slices
    assert proof(a_service(), stale, moved)[-1].state == "leaking"


@pytest.mark.parametrize("mode", ["strict", "prefer", "wrapper"])
def test_where_there_is_doubt_nothing_is_claimed(mode):
    doubt = Doubt("DataPlane", say("another data plane"))
    service = a_service(closure=Closure(mode))
    found = proof(service, decide(service, NODES, PODS).slices, NODES, seen=Seen(doubt))
    assert {(each.state, each.reason, each.guilty) for each in found} == {("unknown", "DataPlane", ())}
