"""A proof that cannot be fooled: slices of several writers that disagree, against kube-proxy's own code, whose answer
depends on Go's random order of maps. Whatever it answers, the proof says at least as much."""

import json
import os
import random
import subprocess
from collections import Counter
from dataclasses import replace
from itertools import chain

import pytest

from sgportal.core.names import HEADLESS, MANAGED_BY, SERVICE_NAME, ZONE
from sgportal.core.traffic.closure import Closure
from sgportal.core.traffic.proof.case import Seen, foreign
from sgportal.core.traffic.proof.proof import proof
from sgportal.core.traffic.proof.proxy import PortName, listings
from sgportal.core.traffic.proof.worlds import port_of
from sgportal.core.traffic.rules import LATEST
from sgportal.core.traffic.slices.sentinels import sentinel_number
from tests.kube import binaries

from ..closing import HTTP, METRICS, REFUSAL, a_node, a_pod, a_service, decide

WORLDS = int(os.environ.get("CLOSED_LOOP_WORLDS", "1000"))
ROUNDS = 20
NODES = (
    a_node("a0", "a"),
    a_node("a1", "a", "za"),
    a_node("b0", "b", "zb"),
    a_node("c0", "c"),
    a_node("lone", "", "z"),
)
SEEN = Seen(refusing=frozenset(chain(*REFUSAL.addresses.values())))


def kube_proxy_says(asked):
    """Every answer that kube-proxy was heard to give, question by question."""
    program = binaries.worlds()
    lines = "\n".join(json.dumps(each) for each in asked)
    said = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    return [[frozenset(answer) for answer in json.loads(line)] for line in said.stdout.splitlines()]


def question(slices, node, family="IPv4", port="http", local=False):
    return {
        "local": local,
        "node": {"name": node.name, "zone": node.labels.get(ZONE, "")},
        "family": family,
        "port": {"name": port, "protocol": "TCP"},
        "namespace": "shop",
        "service": "web-svc",
        "slices": list(slices),
        "rounds": ROUNDS,
    }


def a_slice(name, endpoints, labels=(), family="IPv4", port=8080, namespace="shop"):
    """Somebody's slice."""
    metadata = {"name": name, "namespace": namespace, "labels": {SERVICE_NAME: "web-svc", **dict(labels)}}
    ports = [{"name": "http", "port": port, "protocol": "TCP"}]
    return {"metadata": metadata, "addressType": family, "ports": ports, "endpoints": endpoints}


def an_endpoint(address, node="", nodes=(), zones=(), ready=True, terminating=False):
    hints = {kind: [{"name": each} for each in names] for kind, names in (("forNodes", nodes), ("forZones", zones))}
    conditions = {"ready": ready, "serving": ready or terminating, "terminating": terminating}
    found = {"addresses": [address], "conditions": conditions}
    if node:
        found["nodeName"] = node
    return found | ({"hints": {kind: each for kind, each in hints.items() if each}} if nodes or zones else {})


def strangers(chance, ours):
    """Slices of others, which mostly list what ours list, the sentinel's address too, differently."""
    known = [each["addresses"][0] for slice_ in ours for each in slice_["endpoints"]] or ["10.9.9.9"]
    ports = {each["addresses"][0]: slice_["ports"][0]["port"] for slice_ in ours for each in slice_["endpoints"]}
    names = [node.name for node in NODES]

    def endpoint():
        hinted = chance.random() < 0.7
        address = chance.choice(known) if chance.random() < 0.8 else f"10.7.0.{chance.randint(1, 3)}"
        return an_endpoint(
            address,
            chance.choice(["", *names]),
            chance.sample(names, chance.randint(0, 2)) if hinted else (),
            chance.sample(["", "za", "zb", "z"], chance.randint(0, 2)) if hinted else (),
            ready=chance.random() < 0.8,
            terminating=chance.random() < 0.2,
        )

    def name():
        return chance.choice(["0-first", "web-svc-abcde", "web-svc-v4units9", "zz-last"])

    found = {}
    for _ in range(chance.choice((1, 1, 2, 3))):
        endpoints = [endpoint() for _ in range(chance.randint(1, 4))]
        if chance.random() < 0.3:  # a slice has one number per port: that of a sentinel's, to double it
            endpoints = [each for each in endpoints if ports.get(each["addresses"][0], 8080) != 8080] or endpoints
        port = ports.get(endpoints[0]["addresses"][0], 8080)
        labels = {MANAGED_BY: chance.choice(["kubectl", "endpointslice-controller.k8s.io"])}
        each = name()
        found[each] = a_slice(each, endpoints, labels, port=port)
    return list(found.values())


def a_world(chance):
    """(slices, pods): a closed Service as we write it, or with one slice gone, and what others have added."""
    present = [
        a_pod(
            f"p{i}", chance.choice(("a0", "a1", "b0", "lone")), ready=chance.random() < 0.85, ips=(f"10.1.0.{i + 1}",)
        )
        for i in range(chance.randint(0, 4))
    ]
    ours = [json.loads(json.dumps(each)) for each in decide(a_service(), NODES, present).slices]
    added = strangers(chance, ours)
    if chance.random() < 0.15:
        ours.pop(chance.randrange(len(ours)))
    return [*ours, *added], present


def judged(slices, present):
    where = {pod.ips[0]: pod.node for pod in present}
    seen = Seen(refusing=SEEN.refusing, pods=where)
    return {each.node: each for each in proof(a_service(), slices, NODES, seen=seen)}


@pytest.mark.kubernetes
def test_no_answer_of_kube_proxys_is_worse_than_the_proof():
    chance = random.Random(20261127)
    worlds = [a_world(chance) for _ in range(WORLDS)]
    asked = [question(slices, node) for slices, _ in worlds for node in NODES]
    answers = iter(kube_proxy_says(asked))
    met = {"doubled": 0, "closed": 0, "refusing": 0, "leaking": 0}
    for slices, present in worlds:
        proofs = judged(slices, present)
        unit_of = {pod.ips[0]: next(n.labels.get("site", "") for n in NODES if n.name == pod.node) for pod in present}
        for node in NODES:
            said, heard = proofs[node.name], next(answers)
            assert heard, "asked at least once"
            own = node.labels.get("site", "")
            real = [{each for each in one if not is_refused(each)} for one in heard]
            away = {each for one in real for each in one if not own or unit_of.get(each.rpartition(":")[0]) != own}
            met["doubled"] += len(heard) > 1
            met[said.state] += 1
            assert {str(each) for each in said.endpoints} >= set().union(*real), (slices, node.name, said)
            if said.state != "leaking":
                assert not away, (slices, node.name, said)
            if said.state == "closed":
                assert all(len(one) == len(kept) > 0 for one, kept in zip(heard, real, strict=True)), (slices, said)
    assert min(met.values()) > WORLDS / 20, met


def a_larger_world(chance):
    """(service, slices, pods): any mode of ours, one port or two, of which not every pod has both, either family or
    both, either internalTrafficPolicy, and nodes more than endpoints can name; pods that share an address, as those of
    a node's own network do; strangers list what ours do, at ports of other names and protocols too, or as slices of a
    headless Service."""
    closure = chance.choice((Closure("strict"), Closure("strict"), Closure("failover", ("b",)), Closure("prefer")))
    families = chance.choice((("IPv4",), ("IPv6",), ("IPv4", "IPv6")))
    ports = chance.choice(((HTTP,), (HTTP, METRICS), (replace(HTTP, name="web"),)))
    service = a_service(closure, *ports, families=families, local=chance.random() < 0.15)
    present = [
        a_pod(
            f"p{i}",
            chance.choice(("a0", "a1", "b0", "lone")),
            ready=chance.random() < 0.8,
            terminating=chance.random() < 0.15,
            ips=(f"10.1.0.{(at := chance.choice((i, i, i, i, 0))) + 1}", f"fd00:1::{at + 1}"),
            ports=chance.choice(((), (("metrics", 9000, "TCP"),), (("metrics", 9001, "TCP"),))),
        )
        for i in range(chance.randint(0, 5))
    ]
    ours = [json.loads(json.dumps(each)) for each in decide(service, CROWDED, present).slices]
    added = []
    for each in strangers(chance, ours) if chance.random() < 0.6 else ():
        (address, *_) = each["endpoints"][0]["addresses"]
        family = "IPv6" if ":" in address else "IPv4"
        same = [e for e in each["endpoints"] if (":" in e["addresses"][0]) == (family == "IPv6")]
        port = {
            **each["ports"][0],
            "name": chance.choice([*(port.name for port in service.ports), "http", "", "metrics"]),
            "protocol": chance.choice(("TCP", "TCP", "TCP", "UDP")),
        }
        if chance.random() < 0.1:
            each["metadata"]["labels"] |= {HEADLESS: ""}
        added.append({**each, "addressType": family, "endpoints": same, "ports": [port]})
    if ours and chance.random() < 0.2:
        ours.pop(chance.randrange(len(ours)))
    return service, [*ours, *added], present


def watched(slices):
    """Those that a kube-proxy watches (cmd/kube-proxy/app/server.go)."""
    return [each for each in slices if HEADLESS not in each["metadata"]["labels"]]


def whereabouts(pods):
    """The node of each address, "" where pods on several have it."""
    found = {}
    for ip, node in ((ip, pod.node) for pod in pods for ip in pod.ips):
        found[ip] = node if found.get(ip, node) == node else ""
    return found


CROWDED = (*NODES, *(a_node(f"a{number}", "a", f"z{number}") for number in range(2, 12)))


def allowed_units(service, node, slices, home):
    """Whom the mode lets a node reach, read off the slices by themselves."""
    own, closure = node.labels.get("site", ""), service.closure
    if closure.mode == "prefer":
        return {*home.values(), ""}
    ports = {(port.name, port.protocol) for port in service.ports}
    listed = {
        home.get(each["addresses"][0], "")
        for slice_ in watched(slices)
        for each in slice_["endpoints"]
        if each["conditions"]["ready"] and slice_["addressType"] in service.families
        if ports & {(port["name"], port["protocol"]) for port in slice_["ports"]}
    }
    return {own} - {""} if not own or own in listed or closure.mode == "strict" else {own, *closure.failover}


@pytest.mark.kubernetes
def test_in_every_mode_at_every_port_of_either_family_the_proof_says_at_least_what_kube_proxy_does():
    chance = random.Random(20261128)
    worlds = [a_larger_world(chance) for _ in range(WORLDS // 2)]
    some = (*NODES, CROWDED[-1])
    places = [
        (number, node, port.name, family)
        for number, (service, _, _) in enumerate(worlds)
        for node in some
        for port in service.ports
        for family in service.families
    ]
    answers = kube_proxy_says(
        [question(watched(worlds[n][1]), node, family, port, worlds[n][0].local) for n, node, port, family in places]
    )
    heard: dict[tuple[int, str], list[frozenset[str]]] = {}
    for (number, node, _, _), answer in zip(places, answers, strict=True):
        heard.setdefault((number, node.name), []).extend(answer)
    met = Counter()
    for number, (service, slices, present) in enumerate(worlds):
        node_of = whereabouts(present)
        home = {
            ip: next((n.labels.get("site", "") for n in NODES if n.name == node), "") for ip, node in node_of.items()
        }
        seen = Seen(refusing=SEEN.refusing, pods=node_of)
        proofs = {each.node: each for each in proof(service, slices, CROWDED, seen=seen)}
        for node in some:
            said = proofs[node.name]
            met[service.closure.mode, said.state] += 1
            reached = {each for one in heard[number, node.name] for each in one if not is_refused(each)}
            assert {str(each) for each in said.endpoints} >= reached, (service.closure, slices, node.name, said)
            units = {home.get(each.rpartition(":")[0].strip("[]"), "") for each in reached}
            if said.state not in ("leaking", "unknown"):
                assert units <= allowed_units(service, node, slices, home), (service.closure, slices, node.name, said)
            if said.state == "closed":
                assert units == {node.labels["site"]}, (slices, node.name, said)
    assert min(met[state] for state in EXPECTED) > WORLDS / 100, met


EXPECTED = (
    *(("strict", state) for state in ("closed", "refusing", "leaking")),
    *(("failover", state) for state in ("closed", "open", "refusing", "leaking")),
    *(("prefer", state) for state in ("closed", "open")),
)


def is_refused(endpoint):
    """Whether an endpoint is the address of the Service that refuses: kube-proxy refuses there, whoever lists it."""
    return endpoint.rpartition(":")[0].strip("[]") in SEEN.refusing


@pytest.mark.kubernetes
def test_what_is_said_to_be_possible_is_heard_of_kube_proxy():
    """Not too gloomy either: with two slices that disagree, each that we name is met within the rounds."""
    chance, worlds = random.Random(7), []
    while len(worlds) < 150:
        slices, present = a_world(chance)
        if len([each for each in slices if each["metadata"]["labels"][MANAGED_BY] == "kubectl"]) == 1:
            worlds.append((slices, present))
    asked = [question(slices, node) | {"rounds": 60} for slices, _ in worlds for node in NODES]
    answers = iter(kube_proxy_says(asked))
    port, said_more, questions = PortName("http"), 0, 0
    for slices, _ in worlds:
        listed = port_of(listings(slices, port).values())
        for node in NODES:
            possible = {str(each) for each in listed.of(node.name, node.labels.get(ZONE, ""), LATEST).backends}
            heard = set().union(*next(answers))
            assert possible >= heard
            questions += 1
            said_more += possible != heard
    # One slice comes before the other as a whole, while each address is judged on its own: seldom that says too much.
    assert said_more <= questions * 0.1, said_more


def test_an_address_in_two_slices_is_judged_by_either():
    """The case that fooled the proof before: the stranger's slice sorts first, kube-proxy takes either."""
    ours = decide(a_service(), NODES, [a_pod("pa", "a0", ips=("10.1.0.1",)), a_pod("pb", "b0", ips=("10.1.0.2",))])
    bare = a_slice("0-first", [an_endpoint("10.1.0.1", "a0")])
    for added in (bare, {**bare, "metadata": {**bare["metadata"], "name": "zz-last"}}):
        found = {each.node: each for each in proof(a_service(), [*ours.slices, added], NODES, seen=SEEN)}
        assert {each.state for each in found.values()} == {"leaking"}
        assert "has no hints, which opens the Service to every node" in str(found["c0"].sentence)


def test_a_stranger_is_not_believed_where_its_endpoints_are():
    """It says that an endpoint is on the caller's node; nobody saw a pod there, so it may be anywhere."""
    pods = [a_pod("pa", "a0", ips=("10.1.0.1",)), a_pod("pb", "b0", ips=("10.1.0.2",))]
    hinted = a_slice("guest", [an_endpoint("10.7.0.1", "a0", ["a0"], ["nowhere"])])
    slices = [*decide(a_service(), NODES, pods).slices, hinted]
    found = {each.node: each for each in proof(a_service(), slices, NODES, seen=SEEN)}
    assert (found["a0"].state, found["a0"].reason) == ("leaking", "EndpointOnNoNode")
    ours = {pod.ips[0]: pod.node for pod in pods}
    there = Seen(refusing=SEEN.refusing, pods=ours | {"10.7.0.1": "a0"})
    assert {each.node: each.state for each in proof(a_service(), slices, NODES, seen=there)}["a0"] == "closed"
    elsewhere = Seen(refusing=SEEN.refusing, pods=ours | {"10.7.0.1": "b0"})
    found = {each.node: each for each in proof(a_service(), slices, NODES, seen=elsewhere)}
    assert (found["a0"].state, found["a0"].guilty[0].node) == ("leaking", "b0")


def test_a_strangers_listing_of_our_pod_cannot_move_it():
    pods = [a_pod("pa", "a0", ips=("10.1.0.1",)), a_pod("pb", "b0", ips=("10.1.0.2",))]
    lie = a_slice("0-lie", [an_endpoint("10.1.0.2", "a0", ["a0"], ["nowhere"])])
    found = {e.node: e for e in proof(a_service(), [*decide(a_service(), NODES, pods).slices, lie], NODES, seen=SEEN)}
    assert (found["a0"].state, found["a0"].guilty[0].node) == ("leaking", "b0")


def test_a_double_that_only_takes_an_endpoint_away_is_told_as_a_refusal():
    pods = [a_pod("pa", "a0", ips=("10.1.0.1",))]
    elsewhere = a_slice("guest", [an_endpoint("10.1.0.1", "a0", ["b9"], ["nowhere"])])
    slices = [*decide(a_service(), NODES, pods).slices, elsewhere]
    found = {each.node: each for each in proof(a_service(), slices, NODES, seen=SEEN)}
    assert (found["a0"].state, found["a0"].reason) == ("refusing", "RefusedAtTimes")
    assert [each.pod for each in found["a0"].endpoints] == ["pa"]


def test_sentinels_count_only_while_their_address_refuses():
    slices = decide(a_service(), NODES, [a_pod("pa", "a0", ips=("10.1.0.1",))]).slices
    assert any(sentinel_number(each) for each in slices)
    for refusing, state in ((SEEN.refusing, "refusing"), (frozenset({"10.96.0.7"}), "leaking"), (None, "refusing")):
        found = {each.node: each for each in proof(a_service(), slices, NODES, seen=Seen(refusing=refusing))}
        assert found["c0"].state == state


@pytest.mark.parametrize("mode", ["strict", "failover", "prefer", "wrapper", "open"])
def test_slices_that_are_not_ours_are_named_where_ours_should_be_alone(mode):
    service = a_service(Closure(mode, ("a",) if mode == "failover" else ()))
    guest = a_slice("guest", [], {MANAGED_BY: "endpointslicemirroring-controller.k8s.io"})
    headless = a_slice("headless", [], {"service.kubernetes.io/headless": ""})
    elsewhere = a_slice("elsewhere", [], namespace="other")
    ours = decide(a_service(), NODES, [a_pod("pa", "a0")]).slices
    found = foreign(service, [*ours, guest, headless, elsewhere])
    assert found == (("guest",) if service.closure.manages_slices else ())


def test_several_ports_are_each_judged_by_all_their_listings():
    service = a_service(Closure("strict"), HTTP)
    slices = [*decide(service, NODES, [a_pod("pa", "a0", ips=("10.1.0.1",))]).slices]
    slices.append(a_slice("other-port", [an_endpoint("10.1.0.1", "a0")], port=9999))
    found = {each.node: each for each in proof(service, slices, NODES, seen=SEEN)}
    assert found["c0"].state == "leaking"
    assert (found["a0"].state, found["a0"].reason) == ("refusing", "RefusedAtTimes")
    assert [str(each) for each in found["a0"].endpoints] == ["10.1.0.1:9999", "10.1.0.1:8080"]
