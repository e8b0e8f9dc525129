"""What holds of the EndpointSlices we write whatever the world, asked with kube-proxy's own rule."""

from dataclasses import replace
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.names import NO_NODE, ZONE
from sgportal.core.traffic.closure import Closure
from sgportal.core.traffic.slices.packing import LIMIT
from sgportal.core.traffic.slices.sentinels import share
from sgportal.core.traffic.slices.slices import wanted
from sgportal.core.traffic.slices.topology import MAX_HINTS, places, spread
from sgportal.core.traffic.slices.write_order import writes

from ..closing import (
    HTTP,
    KEY,
    METRICS,
    REFUSAL,
    UNITS,
    ZONES,
    a_node,
    a_pod,
    a_service,
    closures,
    crowds,
    decide,
    named_by_sentinels,
    names,
    nodes,
    pods,
    reached,
    real,
    sentinels,
    worlds,
    zones_of,
)

BOTH = (HTTP, METRICS)


def unit_of(node):
    return node.labels.get(KEY, "")


@given(worlds(), st.sampled_from([(HTTP,), BOTH]))
def test_strict_serves_a_node_by_its_own_unit_or_refuses(world, ports):
    known, present = world
    slices = decide(a_service(Closure("strict"), *ports), known, present).slices
    home = {pod.name: next((unit_of(node) for node in known if node.name == pod.node), "") for pod in present}
    for node in known:
        for port in ports:
            served, refused = reached(slices, node, port)
            assert {home[pod] for pod in served} <= {unit_of(node)} - {""}
            assert bool(served) != refused


@given(worlds(), st.sampled_from(ZONES))
def test_strict_refuses_a_node_that_nobody_has_heard_of(world, zone):
    """It may join at any moment, and its kube-proxy starts before we know. Only a zone of which a large unit was the
    sole owner leads to that unit."""
    known, present = world
    slices = decide(a_service(), known, present).slices
    covered = zones_of(slices)
    if zone in covered:
        assert reached(slices, a_node("brand-new", zone=zone)) == (set(), True)
    else:
        owners = {unit_of(node) for node in known if node.labels.get("topology.kubernetes.io/zone", "") == zone}
        assert len(owners) <= 1
        assert zone != ""


@given(worlds())
def test_every_node_is_served_where_its_unit_has_room(world):
    known, present = world
    found = decide(a_service(), known, present)
    left = {node for each in found.unnamed for node in each.nodes}
    ready = {
        unit_of(node)
        for node in known
        for pod in present
        if pod.node == node.name and pod.ready and not pod.terminating and pod.phase == "Running"
    }
    for node in known:
        expected = unit_of(node) in ready - {""} and node.name not in left
        assert bool(reached(found.slices, node)[0]) == expected


@given(worlds(), st.sampled_from([(HTTP,), BOTH]), closures())
def test_what_the_api_server_demands(world, ports, closure):
    slices = decide(a_service(closure, *ports), *world).slices
    assert len({each["metadata"]["name"] for each in slices}) == len(slices)
    for each in slices:
        assert 1 <= len(each["endpoints"]) <= LIMIT
        assert "-" not in each["metadata"]["name"].removeprefix("web-svc-")
        for endpoint in each["endpoints"]:
            for kind in ("forNodes", "forZones"):
                assert 1 <= len(names(endpoint, kind)) <= MAX_HINTS
                assert len(set(names(endpoint, kind))) == len(names(endpoint, kind))
    places_ = [(each["endpoints"][0]["addresses"][0], each["ports"][0]["port"]) for each in sentinels(slices)]
    assert len(set(places_)) == len(places_)


@given(worlds(), st.randoms(), st.sampled_from(["strict", "prefer"]))
def test_the_same_world_gives_the_same_slices_whatever_the_order(world, random, mode):
    known, present = world
    service = a_service(Closure(mode), *BOTH)
    first = decide(service, known, present).slices
    shuffled = [list(each) for each in (known, present, first)]
    for each in shuffled:
        random.shuffle(each)
    assert decide(service, *shuffled).slices == first


@given(worlds(), st.data(), closures(), st.sampled_from([(HTTP,), BOTH]))
def test_whatever_happened_before_what_is_right_is_left_alone(world, data, closure, ports):
    """Pods and nodes come, go and change units; after each step the slices, read again, are what is wanted."""
    service, slices = a_service(closure, *ports), ()
    known, present = world
    for _ in range(3):
        slices = decide(service, known, present, slices).slices
        assert decide(service, known, present, slices).slices == slices
        assert writes(slices, decide(service, known, present, slices).slices) == ()
        known = data.draw(nodes())
        present = [*present[::2], *data.draw(pods(known, 4))]


@given(worlds(), st.data(), st.sampled_from(["strict", "failover"]))
def test_the_last_answer_spares_work_and_never_changes_the_next(world, data, mode):
    known, present = world
    service, where = a_service(Closure(mode, ("b",) if mode == "failover" else ())), places(known, KEY)
    last = wanted(service, where, present, REFUSAL)
    for _ in range(2):
        present = [*present[1:], *data.draw(pods(known, 2))]
        fresh = wanted(service, where, present, REFUSAL, last.slices)
        last = wanted(service, where, present, REFUSAL, last.slices, before=last)
        assert last.slices == fresh.slices


CHANGES = {
    "ready or not": lambda pod: replace(pod, ready=not pod.ready),
    "ends": lambda pod: replace(pod, terminating=True),
    "done": lambda pod: replace(pod, phase="Failed"),
    "gone": lambda pod: None,
    "no longer selected": lambda pod: replace(pod, labels={}),
    "another address": lambda pod: replace(pod, ips=("10.2.0.1",)),
    "made again": lambda pod: replace(pod, uid="uid-again", ips=("10.2.0.2",)),
    "a twin": lambda pod: (pod, replace(pod, name="twin", uid="uid-twin", ips=("10.2.0.3",))),
    "one nowhere": lambda pod: (pod, replace(pod, name="lone", uid="uid-lone", ips=("10.2.0.4",), node="lone")),
}


def refusing(slices):
    """The names of the slices of sentinels."""
    return {each["metadata"]["name"] for each in slices if "refuse" in each["metadata"]["name"]}


@given(crowds(), st.data(), st.sampled_from(sorted(CHANGES)), st.sampled_from(["strict", "prefer"]))
def test_one_pods_change_is_one_write(crowd, data, change, mode):
    """Whatever happens to it, and however many slices there are: of its own unit's slice. Only where its unit is left
    without a ready endpoint, or has one again, a slice of sentinels follows, which may wait if it names more nodes;
    where that is one slice more or less, names go from one slice to another, and each is written before and after."""
    known, present = crowd
    service = a_service(Closure(mode))
    before = decide(service, known, present).slices
    index = data.draw(st.integers(0, len(present) - 1))
    changed = CHANGES[change](present[index])
    several = changed if isinstance(changed, tuple) else (changed,) if changed else ()
    after = decide(service, known, [*present[:index], *several, *present[index + 1 :]], before).slices
    planned = writes(before, after)
    assert sum("units" in each.name for each in planned) == 1
    served = [{node.name for node in known if reached(slices, node)[0]} for slices in (before, after)]
    expected = 1 + (served[0] != served[1] and mode == "strict")
    fewer_or_more = refusing(before) ^ refusing(after)
    assert expected <= len(planned) <= expected + 2 * len(fewer_or_more)
    assert not fewer_or_more or served[0] != served[1]
    if served[0] >= served[1]:
        assert len(writes(before, after, naming=False)) == 1


@given(worlds(), st.sampled_from([(HTTP,), BOTH]), closures())
def test_a_node_that_is_refused_is_refused_in_whatever_zone_it_may_be(world, ports, closure):
    """kube-proxy knows its node's new zone before anybody can write a slice."""
    known, present = world
    slices = decide(a_service(closure, *ports), known, present).slices
    for node in known if closure.mode != "prefer" else ():
        elsewhere = replace(node, labels={**node.labels, ZONE: "never-heard-of"})
        for port in ports:
            assert reached(slices, elsewhere, port) == reached(slices, node, port)


@given(worlds(), st.sampled_from([(HTTP,), BOTH]))
def test_sentinels_name_who_is_not_served_and_nobody_else(world, ports):
    known, present = world
    slices = decide(a_service(Closure("strict"), *ports), known, present).slices
    named = named_by_sentinels(slices)
    for port in ports:
        refused = {node.name for node in known if reached(slices, node, port)[1]}
        assert named.get(port.name, set()) == refused


@given(worlds(), st.lists(st.sampled_from(ZONES), max_size=4))
def test_a_zone_that_is_expected_is_refused_before_any_node_has_it(world, zones):
    known, present = world
    where = places(known, KEY, [*zones, "expected"])
    slices = wanted(a_service(), where, present, REFUSAL).slices
    assert zones_of(slices) >= {"expected"}
    assert reached(slices, a_node("brand-new", zone="expected")) == (set(), True)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 4), st.randoms())
def test_names_stay_where_they_are_and_none_is_lost(before, after, addresses, random):
    """Shared anew after anything: in few slices, never more than eight old and new names on one sentinel."""
    some = [f"10.96.0.{number}" for number in range(addresses)]
    live = share([f"z{i:02}" for i in range(before)], {}, count(1, 2), some)
    wanted_ = [f"z{i:02}" for i in random.sample(range(60), after)]
    first = share(wanted_, live, count(1, 2), some)
    assert sorted(name for names in first.values() for name in names) == sorted(wanted_)
    assert all(len({*names, *live.get(slot, ())}) <= MAX_HINTS for slot, names in first.items())
    settled = share(wanted_, first, count(1, 2), some)
    assert share(wanted_, settled, count(1, 2), some) == settled
    assert len({number for number, _ in settled}) <= -(-(after // MAX_HINTS + 1) // addresses)


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2))
def test_the_ready_endpoints_of_a_unit_share_its_nodes_evenly(count, ready, waiting):
    """As many as there is room for; where eight names are enough for all, each endpoint names every node."""
    known = [a_node(f"a{i:02}", "a") for i in range(count)] + [a_node("b0", "b")]
    present = [a_pod(f"p{i}", "a00", ready=i < ready) for i in range(ready + waiting)] + [a_pod("pb", "b0")]
    found = decide(a_service(), known, present)
    listed = [endpoint for each in real(found.slices) for endpoint in each["endpoints"] if endpoint["nodeName"] != "b0"]
    heard = [names(each) for each in listed if each["conditions"]["ready"]]
    assert [names(each) for each in listed if not each["conditions"]["ready"]] == [[NO_NODE]] * waiting
    left = [node for each in found.unnamed for node in each.nodes]
    assert len(left) == max(0, count - MAX_HINTS * ready)
    shares = [sum(node.name in each for each in heard) for node in known[:-1] if node.name not in left]
    assert min(shares) >= 1
    assert max(shares) - min(shares) <= 1
    assert {len(each) for each in heard} == {min(count, MAX_HINTS)}


@given(st.integers(1, 60), st.integers(1, 12))
def test_names_are_shared_evenly(count, seats):
    shares = spread([f"n{i}" for i in range(count)], seats)
    named = [sum(f"n{i}" in share for share in shares) for i in range(count)]
    assert max(named) - min(named) <= 1
    assert all(len(set(share)) == len(share) <= MAX_HINTS for share in shares)
    assert (min(named) > 0) == (MAX_HINTS * seats >= count)


@given(worlds(), st.lists(st.sampled_from(UNITS[1:]), min_size=1, unique=True))
def test_failover_borrows_from_listed_units_only_and_only_when_empty(world, listed):
    known, present = world
    slices = decide(a_service(Closure("failover", tuple(listed))), known, present).slices
    home = {pod.name: next((unit_of(node) for node in known if node.name == pod.node), "") for pod in present}
    ready = {home[pod] for node in known for pod in reached(slices, node)[0]}
    for node in known:
        served = {home[pod] for pod in reached(slices, node)[0]}
        own = unit_of(node)
        assert served <= ({own} if own in ready else set(listed)) - {""} if own else not served
