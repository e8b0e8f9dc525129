"""EndpointSlices that we write, by example; what holds of them whatever the world is in `test_slices_laws`."""

import json
from dataclasses import replace

import pytest

from sgportal.core.names import HEADLESS, MANAGED_BY, NO_NODE, NO_ZONE, SERVICE_NAME, TRIGGER_TIME, ZONE
from sgportal.core.traffic.closure import Closure
from sgportal.core.traffic.slices.packing import LIMIT
from sgportal.core.traffic.slices.sentinels import MOST_ADDRESSES, Refusal, names_nodes
from sgportal.core.traffic.slices.slices import wanted
from sgportal.core.traffic.slices.topology import places
from sgportal.core.traffic.slices.write_order import writes

from ...builders import DATA, frozen
from ..closing import (
    HTTP,
    KEY,
    METRICS,
    REFUSAL,
    a_node,
    a_pod,
    a_service,
    carried_out,
    decide,
    named_by_sentinels,
    names,
    reached,
    real,
    sentinels,
    zones_of,
)

BOTH = (HTTP, METRICS)


@pytest.mark.parametrize("change", ["service", "nodes"])
def test_the_last_answer_is_forgotten_where_the_service_or_the_nodes_changed(change):
    known, present = [a_node("a0", "a")], [a_pod("p", "a0")]
    last = decide(a_service(), known, present)
    service = a_service(publish_not_ready=True) if change == "service" else a_service()
    moved = [a_node("a0", "b"), a_node("b1", "b")] if change == "nodes" else known
    where = places(moved, KEY)
    unready = [replace(present[0], ready=False)] if change == "service" else present
    found = wanted(service, where, unready, REFUSAL, last.slices, before=last)
    assert found.slices == wanted(service, where, unready, REFUSAL, last.slices).slices


def test_a_unit_too_large_for_its_endpoints_is_reported_with_the_cure():
    known = [a_node(f"n{i:02}", "a") for i in range(20)]
    found = decide(a_service(), known, [a_pod("p0", "n00")])
    assert [each.nodes for each in found.unnamed] == [tuple(f"n{i:02}" for i in range(8, 20))]
    assert str(found.unnamed[0].sentence) == (
        "12 nodes of NodeUnit “a” are refused: its ready endpoints can name 8 nodes, each 8; 3 ready endpoints would "
        "do, or a value of topology.kubernetes.io/zone that only this unit's nodes have"
    )
    assert decide(a_service(), known, [a_pod(f"p{i}", "n00") for i in range(3)]).unnamed == ()


def test_a_zone_of_its_own_stands_in_for_the_names_of_a_large_unit():
    known = [*(a_node(f"a{i:02}", "a", "za") for i in range(20)), a_node("b0", "b", "zb"), a_node("lone")]
    found = decide(a_service(), known, [a_pod("p0", "a00"), a_pod("p1", "b0")])
    assert found.unnamed == ()
    assert all(reached(found.slices, node) == ({"p0"}, False) for node in known[:20])
    assert reached(found.slices, known[20]) == ({"p1"}, False)
    assert zones_of(found.slices) == {"", "zb"}


def test_a_zone_that_others_share_never_stands_in():
    known = [*(a_node(f"a{i:02}", "a", "z") for i in range(20)), a_node("b0", "b", "z")]
    found = decide(a_service(), known, [a_pod("p0", "a00")])
    assert len(found.unnamed[0].nodes) == 12
    assert reached(found.slices, known[20]) == (set(), True)


def test_a_zone_never_stands_in_for_a_unit_that_lacks_one_of_the_ports():
    """For the port it lacks, a zone named neither by it nor by a sentinel would be open to all."""
    known = [*(a_node(f"a{i:02}", "a", "za") for i in range(20)), a_node("b0", "b", "zb")]
    serving = [a_pod("p0", "a00"), a_pod("p1", "b0", ports=(("metrics", 9000, "TCP"),))]
    slices = decide(a_service(Closure("strict"), *BOTH), known, serving).slices
    assert all(reached(slices, node, METRICS) == (set(), True) for node in known[:20])


def test_a_zone_never_stands_in_for_a_unit_that_shares_an_address_with_another():
    """Of two endpoints with one address kube-proxy keeps either, perhaps not the one that names the zone."""
    known = [*(a_node(f"a{i:02}", "a", "za") for i in range(20)), a_node("b0", "b", "zb")]
    twins = [a_pod("pa", "a00", ips=("192.0.2.1",)), a_pod("pb", "b0", ips=("192.0.2.1",))]
    found = decide(a_service(), known, twins)
    assert zones_of(found.slices) == {"", "za", "zb"}
    assert len(found.unnamed[0].nodes) == 12


def failing_over(*units):
    return a_service(Closure("failover", units))


def test_an_empty_unit_borrows_from_the_first_listed_that_has_room():
    known = [a_node("a0", "a"), a_node("b0", "b"), *(a_node(f"c{i}", "c") for i in range(8)), a_node("lone")]
    everywhere = [a_pod("pa", "a0"), a_pod("pb", "b0"), a_pod("pc", "c0")]
    slices = decide(failing_over("c", "b"), known, everywhere[1:]).slices
    assert reached(slices, known[0]) == ({"pb"}, False), "c names eight nodes of its own and has no room"
    assert reached(slices, known[1]) == ({"pb"}, False)
    assert reached(slices, known[-1]) == (set(), True), "a node in no NodeUnit borrows nothing"
    own = decide(failing_over("c", "b"), known, everywhere).slices
    assert reached(own, known[0]) == ({"pa"}, False)
    alone = decide(failing_over("b"), known, everywhere[2:]).slices
    assert reached(alone, known[0]) == (set(), True)


def test_empty_units_share_the_room_of_those_they_borrow_from():
    known = [a_node("c0", "c"), a_node("d0", "d"), *(a_node(f"{unit}{i}", unit) for unit in "ab" for i in range(5))]
    slices = decide(failing_over("c", "d"), known, [a_pod("pc", "c0"), a_pod("pd", "d0")]).slices
    assert all(not reached(slices, node)[1] for node in known)


def test_prefer_has_no_sentinels_and_falls_back_to_all():
    known = [a_node("a0", "a", "z"), a_node("b0", "b"), a_node("c0", "c"), a_node("lone")]
    slices = decide(a_service(Closure("prefer")), known, [a_pod("pa", "a0"), a_pod("pb", "b0")]).slices
    assert sentinels(slices) == []
    assert [reached(slices, node)[0] for node in known] == [{"pa"}, {"pb"}, {"pa", "pb"}, {"pa", "pb"}]


def test_without_an_address_to_refuse_with_nothing_is_listed():
    found = decide(a_service(families=("IPv4", "IPv6")), [a_node("a0", "a")], [a_pod("p", "a0")], refusal=Refusal({}))
    assert (found.slices, found.missing) == ((), ("IPv4", "IPv6"))


def test_both_families_are_kept_apart():
    pod = a_pod("p", "a0", ips=("10.1.0.1", "fd00::1"))
    slices = decide(a_service(families=("IPv4", "IPv6")), [a_node("a0", "a")], [pod]).slices
    shown = {each["metadata"]["name"]: each["endpoints"][0]["addresses"] for each in slices}
    assert shown == {
        "web-svc-v4refuse1": ["10.96.0.200"],
        "web-svc-v4units1": ["10.1.0.1"],
        "web-svc-v6refuse1": ["fd00:96::200"],
        "web-svc-v6units1": ["fd00::1"],
    }
    for family in ("IPv4", "IPv6"):
        assert reached(slices, a_node("a0", "a"), family=family) == ({"p"}, False)
        assert reached(slices, a_node("x"), family=family) == (set(), True)


@pytest.mark.parametrize(
    ("options", "service", "expected"),
    [
        ({}, {}, {"ready": True, "serving": True, "terminating": False}),
        ({"ready": False}, {}, {"ready": False, "serving": False, "terminating": False}),
        ({"terminating": True}, {}, {"ready": False, "serving": True, "terminating": True}),
        (
            {"ready": False, "terminating": True},
            {"publish_not_ready": True},
            {"ready": True, "serving": False, "terminating": True},
        ),
        ({"phase": "Succeeded"}, {}, None),
        ({"phase": "Failed"}, {"publish_not_ready": True}, None),
        ({"ips": ()}, {}, None),
        ({"ips": ("fd00::1",)}, {}, None),
        ({"node": "gone"}, {}, None),
        ({"node": "gone"}, {"publish_not_ready": True}, {"ready": True, "serving": True, "terminating": False}),
        ({"labels": {"app": "other"}}, {}, None),
        ({"namespace": "other"}, {}, None),
    ],
)
def test_which_pods_are_listed_and_how(options, service, expected):
    pod = replace(a_pod("p", "a0"), **options)
    listed = [
        e for each in real(decide(a_service(**service), [a_node("a0", "a")], [pod]).slices) for e in each["endpoints"]
    ]
    assert [each["conditions"] for each in listed] == ([expected] if expected else [])


def test_an_endpoint_tells_where_it_is_and_what_it_is():
    pod = a_pod("p", "a0", ips=("010.001.002.003",), hostname="h", subdomain="web-svc")
    (slice_,) = real(decide(a_service(), [a_node("a0", "a", "z")], [pod]).slices)
    assert slice_["endpoints"] == [
        {
            "addresses": ["10.1.2.3"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": "p", "uid": "uid-p"},
            "nodeName": "a0",
            "zone": "z",
            "hostname": "h",
            "hints": {"forNodes": [{"name": "a0"}], "forZones": [{"name": NO_ZONE}]},
        }
    ]
    other = replace(pod, subdomain="other")
    assert "hostname" not in real(decide(a_service(), [a_node("a0", "a")], [other]).slices)[0]["endpoints"][0]


def test_endpoints_outside_any_unit_are_listed_and_named_for_nobody():
    slices = decide(a_service(), [a_node("lone", zone="z"), a_node("a0", "a")], [a_pod("p", "lone")]).slices
    (endpoint,) = real(slices)[0]["endpoints"]
    assert (names(endpoint), names(endpoint, "forZones")) == ([NO_NODE], [NO_ZONE])
    assert endpoint["conditions"]["ready"]


def test_named_ports_are_resolved_on_each_pod():
    service = a_service(Closure("strict"), replace(METRICS, app_protocol="http"), HTTP)
    pods_ = [
        a_pod("old", "a0", ports=(("metrics", 9000, "TCP"),)),
        a_pod("new", "a0", ports=(("metrics", 9001, "TCP"),)),
    ]
    pods_ += [a_pod("udp", "a0", ports=(("metrics", 9001, "UDP"),))]
    slices = real(decide(service, [a_node("a0", "a")], pods_).slices)
    ports = {
        each["endpoints"][0]["targetRef"]["name"]: {p["name"]: p["port"] for p in each["ports"]} for each in slices
    }
    assert ports == {
        "old": {"metrics": 9000, "http": 8080},
        "new": {"metrics": 9001, "http": 8080},
        "udp": {"http": 8080},
    }
    assert {port.get("appProtocol") for each in slices for port in each["ports"] if port["name"] == "metrics"} == {
        "http"
    }
    served = decide(service, [a_node("a0", "a")], pods_).slices
    assert reached(served, a_node("a0", "a"), METRICS)[0] == {"old", "new"}
    assert reached(served, a_node("a0", "a"), HTTP)[0] == {"old", "new", "udp"}


def test_a_rollout_to_another_port_number_still_names_every_node_between_the_two():
    known = [a_node(f"a{i:02}", "a") for i in range(16)]
    pods_ = [
        a_pod("old", "a00", ports=(("metrics", 9000, "TCP"),)),
        a_pod("new", "a01", ports=(("metrics", 9001, "TCP"),)),
    ]
    found = decide(a_service(Closure("strict"), METRICS), known, pods_)
    assert found.unnamed == ()
    assert all(reached(found.slices, node, METRICS)[0] for node in known)


def test_pods_that_share_an_address_name_the_same_nodes():
    """kube-proxy knows an endpoint by its address and port: of two with the same one it keeps either."""
    known = [a_node(f"a{i:02}", "a") for i in range(16)]
    pods_ = [a_pod(f"p{i}", "a00", ips=("192.0.2.1",)) for i in range(2)] + [a_pod("p2", "a01")]
    found = decide(a_service(), known, pods_)
    assert all(reached(found.slices, node)[0] for node in known)


def test_labels_and_owner_are_those_of_the_cluster_s_own_controller():
    reserved = {SERVICE_NAME: "x", MANAGED_BY: "x", HEADLESS: "x"}
    slices = decide(a_service(labels={"team": "shop", **reserved}), [a_node("a0", "a")], [a_pod("p", "a0")]).slices
    for each in slices:
        assert each["metadata"]["labels"] == {
            "team": "shop",
            SERVICE_NAME: "web-svc",
            MANAGED_BY: "closure.sgportal.superedge.io",
        }
        assert each["metadata"]["ownerReferences"] == [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "name": "web-svc",
                "uid": "uid-web",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]


def test_the_time_of_a_change_is_written_on_what_changed_alone():
    known = [a_node("a0", "a")]
    before = decide(a_service(), known, [a_pod("p", "a0")], trigger="2026-01-01T00:00:00Z").slices
    after = decide(a_service(), known, [a_pod("p", "a0", ready=False)], before, "2026-01-01T00:00:07Z").slices
    times = {each["metadata"]["name"]: each["metadata"]["annotations"][TRIGGER_TIME][-3:-1] for each in after}
    assert times == {"web-svc-v4refuse1": "00", "web-svc-v4refuse2": "07", "web-svc-v4units1": "07"}
    unknown = decide(a_service(), known, [a_pod("p", "a0")], after).slices
    assert [each["metadata"]["name"] for each in unknown if "annotations" not in each["metadata"]] == [
        "web-svc-v4units1"
    ]


def many(units, each):
    known = [a_node(f"{unit:04}-{i}", f"u{unit:04}", f"z{unit:04}") for unit in range(units) for i in range(2)]
    present = [a_pod(f"p{unit:04}-{i}", f"{unit:04}-{i % 2}") for unit in range(units) for i in range(each)]
    return known, present


def test_a_unit_that_joins_a_slice_stands_where_it_would_have_stood_from_the_start():
    known, present = many(2, 1)
    first = decide(a_service(), known, present[1:]).slices
    joined = decide(a_service(), known, present, first).slices
    assert joined == decide(a_service(), known, present).slices
    assert decide(a_service(), known, present, joined).slices == joined


def test_units_stay_together_and_where_they_are():
    known, present = many(60, 3)
    first = decide(a_service(), known, present).slices
    homes = {}
    for each in real(first):
        for endpoint in each["endpoints"]:
            homes.setdefault(endpoint["nodeName"][:4], set()).add(each["metadata"]["name"])
    assert all(len(home) == 1 for home in homes.values())
    assert [len(each["endpoints"]) for each in real(first)] == [114, 66]
    fewer = decide(a_service(), known, present[3:], first).slices
    assert sum(left != right for left, right in zip(real(first), real(fewer), strict=True)) == 1


def test_a_unit_that_outgrows_its_slice_moves_as_a_whole():
    known, present = many(33, 3)
    first = decide(a_service(), known, present).slices
    assert len(real(first)) == 1
    grown = present + [a_pod(f"p0000-x{i}", "0000-0") for i in range(60)]
    after = real(decide(a_service(), known, grown, first).slices)
    assert sorted(len(each["endpoints"]) for each in after) == [63, 96]


def test_a_unit_of_hundreds_spans_slices_and_one_change_leaves_the_others_alone():
    known = [a_node(f"n{i}", "a") for i in range(4)]
    present = [a_pod(f"p{i:03}", f"n{i % 4}") for i in range(250)]
    first = decide(a_service(), known, present).slices
    assert max(len(each["endpoints"]) for each in first) <= LIMIT
    fewer = decide(a_service(), known, present[1:], first).slices
    assert sum(left != right for left, right in zip(real(first), real(fewer), strict=True)) == 1


def homes(slices):
    return {each["targetRef"]["name"]: body["metadata"]["name"] for body in real(slices) for each in body["endpoints"]}


def test_a_unit_that_has_shrunk_is_gathered_once_not_whenever_it_crosses_the_limit():
    known = [a_node(f"n{i}", "a") for i in range(4)]
    present = [a_pod(f"p{i:03}", f"n{i % 4}") for i in range(200)]
    slices, moves = decide(a_service(), known, present[:190]).slices, []
    for first, last in ((70, 190), (70, 200), (85, 200), (85, 190), (95, 190)):  # 120, 130, 115, 105, 95 pods
        before, slices = slices, decide(a_service(), known, present[first:last], slices).slices
        moves.append(sum(homes(before).get(pod, home) != home for pod, home in homes(slices).items()))
    assert sum(map(bool, moves)) == 1
    assert len(real(slices)) == 1


def zone_guards(slices):
    return [each for each in sentinels(slices) if not names_nodes(each)]


def test_zones_stay_with_their_sentinel():
    known = [a_node(f"n{i:02}", zone=f"z{i:02}") for i in range(20)]
    first = decide(a_service(), known, []).slices
    (guard, second) = zone_guards(first)
    assert [len(names(each, "forZones")) for each in guard["endpoints"]] == [8, 8]
    assert [len(names(each, "forZones")) for each in second["endpoints"]] == [5]
    fewer = decide(a_service(), known[1:], [], first).slices
    assert changed(zone_guards(first), zone_guards(fewer)) == 1
    assert decide(a_service(), known[1:], [], fewer).slices == fewer
    more = decide(a_service(), [*known[1:], a_node("new", zone="a-new-zone")], [], fewer).slices
    assert changed(zone_guards(fewer), zone_guards(more)) == 1


def changed(before, after):
    return sum(left != right for left, right in zip(before, after, strict=True))


def test_a_thousand_zones_and_a_thousand_lonely_nodes_are_two_slices():
    addresses = tuple(f"10.96.{number // 200}.{number % 200 + 1}" for number in range(MOST_ADDRESSES))
    known = [a_node(f"n{i:04}", f"u{i:04}", f"u{i:04}") for i in range(990)]
    found = decide(a_service(), known, [], refusal=Refusal({"IPv4": addresses}))
    assert [each["metadata"]["name"][-7:] for each in found.slices] == ["refuse1", "refuse2"]
    assert found.refusing_services == 124
    alone = decide(a_service(), known, [])
    assert alone.refusing_services == 124, "asked for, while as few as there are make do"
    assert len(alone.slices) == 2 * 62


def test_the_name_of_a_unit_may_be_its_zone_one_day():
    known = [a_node("a0", "a", "za"), a_node("a1", "a"), a_node("b0", "b", "zb")]
    assert zones_of(decide(a_service(), known, []).slices) == {"", "za", "a", "zb"}


@pytest.mark.parametrize(("empty", "gone"), [(0, 0), (100, 0), (0, 900)])
def test_a_closed_service_has_hardly_more_slices_than_an_ordinary_one(empty, gone):
    """A thousand units with a zone each, a second pod in a hundred, some without any, and zones that nodes had before;
    Kubernetes' own controller puts a hundred endpoints in a slice."""
    addresses = tuple(f"10.96.{number // 200}.{number % 200 + 1}" for number in range(MOST_ADDRESSES))
    known = [a_node(f"n{i:04}", f"u{i:04}", f"z{i:04}") for i in range(1000)]
    present = [
        a_pod(f"p{i:04}-{twin}", f"n{i:04}", ips=(f"10.{twin}.{i // 250}.{i % 250 + 1}",))
        for i in range(1000 - empty)
        for twin in range(2 if i < 100 + empty else 1)
    ]
    where = places(known, KEY, [f"gone{i}" for i in range(gone)])
    slices = wanted(a_service(), where, present, Refusal({"IPv4": addresses})).slices
    assert len(present) == 1100
    assert len(slices) <= 1.1 * -(-len(present) // 100)


def test_what_one_endpoint_of_a_unit_lacks_is_refused_at_that_port_alone():
    """A pod without the port named metrics: its nodes are named for that port by slices of their own."""
    known = [a_node("a0", "a"), a_node("b0", "b"), a_node("lone")]
    pods_ = [a_pod("pa", "a0"), a_pod("pb", "b0", ports=(("metrics", 9000, "TCP"),))]
    slices = decide(a_service(Closure("strict"), *BOTH), known, pods_).slices
    assert named_by_sentinels(slices) == {"http": {"lone"}, "metrics": {"lone", "a0"}}
    moved = a_node("a0", "a", "never-heard-of")
    assert [reached(slices, moved, port) for port in BOTH] == [({"pa"}, False), (set(), True)]
    back = decide(a_service(Closure("strict"), *BOTH), known, pods_[:1], slices).slices
    assert named_by_sentinels(back) == {"http": {"lone", "b0"}, "metrics": {"lone", "a0", "b0"}}
    assert decide(a_service(Closure("strict"), *BOTH), known, pods_[:1], back).slices == back


def test_sentinels_are_ready_and_do_not_say_that_they_serve():
    """Readers that look at `serving` (Traefik, Envoy Gateway) leave them out; kube-proxy asks that only of endpoints
    that are not ready."""
    for each in sentinels(decide(a_service(), [a_node("a0", "a")], []).slices):
        for endpoint in each["endpoints"]:
            assert endpoint["conditions"] == {"ready": True, "serving": False, "terminating": False}


def old_sentinels(known):
    """As they were written before there was more than one refusing Service: a slice for eight zones."""
    zones = sorted({"", *(node.labels.get(ZONE, "") for node in known)})
    (pattern,) = zone_guards(decide(a_service(), [], []).slices)
    for number in range(1, -(-len(zones) // 8) + 1):
        hints = {"forNodes": [{"name": NO_NODE}], "forZones": [{"name": z} for z in zones[8 * number - 8 : 8 * number]]}
        endpoint = {**pattern["endpoints"][0], "conditions": {"ready": True}, "hints": hints}
        metadata = {**pattern["metadata"], "name": f"web-svc-v4refuse{number}"}
        ports = [{**pattern["ports"][0], "port": number}]
        yield {**pattern, "metadata": metadata, "ports": ports, "endpoints": [endpoint]}


def test_an_upgrade_from_sentinels_of_one_address_never_opens_the_loop():
    known = [a_node(f"n{i:02}", "ab"[i % 2], f"z{i // 2:02}") for i in range(80)]
    present = [a_pod("pa", "n00"), a_pod("pb", "n01")]
    new = decide(a_service(), known, present).slices
    live = [frozen(each) for each in (*old_sentinels(known), *real(new))]
    before = [reached(live, node) for node in known]
    wanted_ = decide(a_service(), known, present, live).slices
    for state in carried_out(live, writes(live, wanted_)):
        assert [reached(state, node) for node in known] == before
        assert all(reached(state, a_node("new", zone=f"z{i:02}")) == (set(), True) for i in range(40))
    assert decide(a_service(), known, present, wanted_).slices == wanted_
    assert len(zone_guards(wanted_)) == 3


def test_the_refusing_services_need_as_many_ports_as_slices_have_numbers():
    known = [a_node(f"n{i:02}", zone=f"z{i:02}") for i in range(20)]
    dns = replace(HTTP, name="dns", protocol="UDP", target=53)
    found = decide(a_service(Closure("strict"), HTTP, dns), known, [])
    assert found.refusing_ports == {"TCP": 4, "UDP": 4}
    assert found.refusing_services == 3
    assert [[port["port"] for port in each["ports"]] for each in found.slices] == [[1, 1], [2, 2], [3, 3], [4, 4]]


@pytest.mark.parametrize("name", ["web-svc-v4refuse1", "web-svc-v4units1"])
def test_slices_that_are_not_ours_are_no_place_for_ours(name):
    foreign = {"metadata": {"name": name, "labels": {}}, "addressType": "IPv4", "endpoints": [], "ports": []}
    slices = decide(a_service(), [a_node("a0", "a")], [a_pod("p", "a0")], [foreign]).slices
    assert name not in {each["metadata"]["name"] for each in slices}


def test_the_seed():
    """Three nodes, two units, a pod on each: as written down in tests/data."""
    known = [a_node("node0", "nodeunit1"), a_node("node1", "nodeunit2"), a_node("node2", "nodeunit2")]
    slices = decide(
        a_service(), known, [a_pod(f"echo-{i}", f"node{i}", ips=(f"10.244.{i}.5",)) for i in range(3)]
    ).slices
    assert list(slices) == json.loads((DATA / "seed-endpointslices.json").read_text())
    assert [sorted(reached(slices, node)[0]) for node in known] == [
        ["echo-0"],
        ["echo-1", "echo-2"],
        ["echo-1", "echo-2"],
    ]
    empty = decide(a_service(), known, [a_pod("echo-0", "node0")], slices).slices
    assert [reached(empty, node)[1] for node in known] == [False, True, True]
