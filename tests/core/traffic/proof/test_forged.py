"""Slices in our clothes: somebody writes or changes what carries our label while no keeper is there to mend it. What a
kube-proxy would do is worked out beside it; the proof says at least as much, and `closed` of no node that may leave."""

import copy
from dataclasses import replace

import pytest

from sgportal.core.names import BUILT_IN_SLICES, MANAGED_BY, SERVICE_NAME
from sgportal.core.traffic.closure import Closure
from sgportal.core.traffic.proof.case import Seen, foreign
from sgportal.core.traffic.proof.loop import loop_of
from sgportal.core.traffic.proof.proof import proof
from sgportal.core.traffic.slices.slices import built_in
from sgportal.core.traffic.slices.topology import places
from sgportal.core.units import Agent

from ..closing import KEY, REFUSAL, a_node, a_pod, a_service, decide

NODES = (a_node("a0", "a"), a_node("b0", "b"), a_node("c0", "c"))
PODS = (a_pod("pa", "a0", ips=("10.1.0.1",)), a_pod("pb", "b0", ips=("10.1.0.2",)))
HOMES = {"10.1.0.1": "a0", "10.1.0.2": "b0"}  # where those pods are, as they were seen
OTHERS = {"10.7.0.1": "b0"}  # a pod of another Service
REFUSING = frozenset(address for each in REFUSAL.addresses.values() for address in each)
SEEN = Seen(refusing=REFUSING, pods=HOMES | OTHERS, uids=frozenset(("uid-pa", "uid-pb")))
KEPT = {"a0": "closed", "b0": "closed", "c0": "refusing"}


def written():
    """Our slices, to be changed: of real endpoints, of zones, of nodes that no endpoint names."""
    found = [copy.deepcopy(dict(each)) for each in decide(a_service(), NODES, PODS).slices]
    by_name = {each["metadata"]["name"]: each for each in found}
    return by_name["web-svc-v4units1"], by_name["web-svc-v4refuse1"], by_name["web-svc-v4refuse2"]


def judged(slices, seen=None, **options):
    found = proof(a_service(**options), slices, NODES, seen=seen or SEEN)
    return {each.node: each.state for each in found}


def copied(units, address, node="a0", name="web-svc-v4units2", pod="px"):
    """Another slice, like ours in everything, of an endpoint that names the node a0."""
    endpoint = copy.deepcopy(next(each for each in units["endpoints"] if each["nodeName"] == "a0"))
    endpoint |= {"addresses": [address], "nodeName": node}
    endpoint["targetRef"] |= {"name": pod, "uid": f"uid-{pod}"}
    return {**units, "metadata": {**units["metadata"], "name": name}, "endpoints": [endpoint]}


def of_pb(units):
    return next(each for each in units["endpoints"] if each["addresses"] == ["10.1.0.2"])


def test_what_is_not_forged_is_closed():
    slices = written()
    assert judged(slices) == KEPT
    assert foreign(a_service(), slices) == ()


def an_endpoint_of_another_unit_says_that_it_is_here(units, zones, lonely):
    of_pb(units).update(nodeName="a0", hints=units["endpoints"][0]["hints"])
    return units, zones, lonely


def a_pod_of_another_service_says_that_it_is_here(units, zones, lonely):
    return units, zones, lonely, copied(units, "10.7.0.1")


def an_address_of_nobody_says_that_it_is_here(units, zones, lonely):
    return units, zones, lonely, copied(units, "192.0.2.7")


def the_same_without_a_pod(units, zones, lonely):
    forged = copied(units, "192.0.2.7")
    del forged["endpoints"][0]["targetRef"]
    return units, zones, lonely, forged


def the_same_of_a_pod_that_has_another_address(units, zones, lonely):
    forged = copied(units, "192.0.2.7", pod="pa")
    return units, zones, lonely, forged


def the_same_with_the_owner_of_somebody_else(units, zones, lonely):
    forged = copied(units, "192.0.2.7")
    forged["metadata"] |= {"ownerReferences": [{**units["metadata"]["ownerReferences"][0], "uid": "another"}]}
    return units, zones, lonely, forged


def the_same_without_an_owner(units, zones, lonely):
    forged = copied(units, "192.0.2.7")
    forged["metadata"] |= {"ownerReferences": []}
    return units, zones, lonely, forged


def the_same_by_a_name_that_we_do_not_give(units, zones, lonely):
    return units, zones, lonely, copied(units, "192.0.2.7", name="by-hand")


def real_pods_behind_the_name_of_sentinels(units, zones, lonely):
    return units, zones, lonely, copied(units, "10.1.0.2", name="web-svc-v4refuse9")


def the_hints_of_one_endpoint_removed(units, zones, lonely):
    del units["endpoints"][0]["hints"]
    return units, zones, lonely


def the_hints_for_zones_of_one_endpoint_removed_and_the_lonely_forgotten(units, zones, lonely):
    del units["endpoints"][0]["hints"]["forZones"]
    return units, zones


def the_sentinels_of_zones_and_of_nodes_deleted(units, zones, lonely):
    return (units,)


def a_sentinel_that_refuses_no_more(units, zones, lonely):
    lonely["endpoints"][0]["addresses"] = ["10.1.0.2"]
    return units, zones, lonely


def a_sentinel_that_names_a_node_which_is_served(units, zones, lonely):
    lonely["endpoints"][0]["hints"]["forNodes"] = [{"name": "a0"}, {"name": "c0"}]
    return units, zones, lonely


def another_manager_on_the_slice_of_pods(units, zones, lonely):
    units["metadata"]["labels"][MANAGED_BY] = "kubectl"
    return units, zones, lonely


def another_manager_on_sentinels(units, zones, lonely):
    lonely["metadata"]["labels"][MANAGED_BY] = "kubectl"
    return units, zones, lonely


def the_slice_of_pods_given_to_another_service(units, zones, lonely):
    units["metadata"]["labels"][SERVICE_NAME] = "other"
    return units, zones, lonely


ALL_LEAK = dict.fromkeys(KEPT, "leaking")
FORGED = [
    (an_endpoint_of_another_unit_says_that_it_is_here, {"a0": "leaking", "b0": "refusing"}),
    (a_pod_of_another_service_says_that_it_is_here, {"a0": "leaking"}),
    (an_address_of_nobody_says_that_it_is_here, {"a0": "unknown"}),
    (the_same_without_a_pod, {"a0": "leaking"}),
    (the_same_of_a_pod_that_has_another_address, {"a0": "leaking"}),
    (the_same_with_the_owner_of_somebody_else, {"a0": "leaking"}),
    (the_same_without_an_owner, {"a0": "leaking"}),
    (the_same_by_a_name_that_we_do_not_give, {"a0": "leaking"}),
    (real_pods_behind_the_name_of_sentinels, {"a0": "leaking", "b0": "refusing"}),
    (the_hints_of_one_endpoint_removed, ALL_LEAK),
    (the_hints_for_zones_of_one_endpoint_removed_and_the_lonely_forgotten, {"c0": "leaking"}),
    (the_sentinels_of_zones_and_of_nodes_deleted, {"c0": "leaking"}),
    (a_sentinel_that_refuses_no_more, {"c0": "leaking"}),
    (a_sentinel_that_names_a_node_which_is_served, {"a0": "refusing"}),
    (another_manager_on_the_slice_of_pods, {}),
    (another_manager_on_sentinels, {}),
    (the_slice_of_pods_given_to_another_service, dict.fromkeys(KEPT, "refusing")),
]
STRANGERS = {
    the_same_with_the_owner_of_somebody_else: ("web-svc-v4units2",),
    the_same_without_an_owner: ("web-svc-v4units2",),
    the_same_by_a_name_that_we_do_not_give: ("by-hand",),
    another_manager_on_the_slice_of_pods: ("web-svc-v4units1",),
    another_manager_on_sentinels: ("web-svc-v4refuse2",),
}


@pytest.mark.parametrize(("forge", "states"), FORGED, ids=lambda each: getattr(each, "__name__", None))
def test_each_forgery_is_judged_by_the_worst_that_may_come_of_it(forge, states):
    slices = forge(*written())
    assert judged(slices) == KEPT | states
    assert foreign(a_service(), slices) == STRANGERS.get(forge, ())


@pytest.mark.parametrize("mode", ["failover", "prefer"])
def test_in_no_mode_is_an_address_of_nobody_taken_for_the_units_own(mode):
    units, *others = written()
    service = a_service(Closure(mode, ("b",) if mode == "failover" else ()))
    seen = Seen(refusing=REFUSING, pods=HOMES)
    found = proof(service, [units, *others, copied(units, "192.0.2.7")], NODES, seen=seen)
    assert (found[0].state, found[0].reason) == ("unknown", "PodNotSeen")
    assert str(found[0].sentence) == (
        "goes to 192.0.2.7:8080 (EndpointSlice web-svc-v4units2) as well: no pod with that address was seen, so nobody "
        "knows where it is"
    )
    assert loop_of(found).closed.truth == "Unknown"


def test_a_pod_that_is_gone_is_not_said_to_be_in_its_unit():
    """The keeper is dead and so is the pod: its address may be anybody's by now."""
    gone = Seen(refusing=REFUSING, pods={"10.1.0.2": "b0"})
    assert judged(written(), gone) == KEPT | {"a0": "unknown"}
    elsewhere = Seen(refusing=REFUSING, pods={"10.1.0.2": "b0", "10.1.0.1": "b0"})
    assert judged(written(), elsewhere) == KEPT | {"a0": "leaking"}


def test_an_address_that_pods_on_two_nodes_have_is_on_no_node_that_is_known():
    both = Seen(refusing=REFUSING, pods=HOMES | {"10.1.0.1": ""})
    assert judged(written(), both) == KEPT | {"a0": "leaking"}


def test_where_no_service_refuses_a_sentinel_is_none():
    assert judged(written(), Seen(refusing=frozenset(), pods=HOMES)) == KEPT | {"c0": "leaking"}


FILTERED = tuple(replace(node, agents=(Agent("application-grid-wrapper", "v0.8.2"),)) for node in NODES)


def behind_the_filter():
    """What Kubernetes' own controller lists for the Service in mode wrapper: one slice."""
    service = a_service(Closure("wrapper"))
    (found,) = (copy.deepcopy(dict(each)) for each in built_in(service, places(NODES, KEY), PODS))
    found["metadata"] |= {
        "name": "web-svc-x7k2p",
        "labels": {**found["metadata"]["labels"], MANAGED_BY: BUILT_IN_SLICES},
    }
    return service, found


def filtered(slices, seen=SEEN):
    service = behind_the_filter()[0]
    return {each.node: (each.state, each.reason) for each in proof(service, slices, FILTERED, seen=seen)}


HONEST = dict.fromkeys(("a0", "b0"), ("closed", "OwnUnitOnly")) | {"c0": ("refusing", "UnitWithoutEndpoint")}


def a_list_of(address, node="a0", uid="uid-px", manager=BUILT_IN_SLICES, name="web-svc-forge"):
    """Another slice, like those of Kubernetes' own controller, of one endpoint that says where it is."""
    _, body = behind_the_filter()
    endpoint = {**body["endpoints"][0], "addresses": [address], "nodeName": node}
    endpoint["targetRef"] = {**endpoint["targetRef"], "name": "px", "uid": uid}
    metadata = {**body["metadata"], "name": name, "labels": {**body["metadata"]["labels"], MANAGED_BY: manager}}
    return {**body, "metadata": metadata, "endpoints": [endpoint]}


@pytest.mark.parametrize(
    ("forged", "expected"),
    [
        (None, {}),
        (a_list_of("10.1.0.2"), {"a0": ("leaking", "EndpointOfAnotherUnit")}),
        (a_list_of("10.7.0.1"), {"a0": ("leaking", "EndpointOfAnotherUnit")}),
        (a_list_of("192.0.2.7"), {"a0": ("unknown", "PodNotSeen")}),
        (a_list_of("192.0.2.7", uid="uid-pa"), {"a0": ("leaking", "EndpointOnNoNode")}),
        (a_list_of("192.0.2.7", manager="kubectl"), {"a0": ("leaking", "EndpointOnNoNode")}),
        (a_list_of("10.1.0.1"), {}),
        (
            a_list_of("10.1.0.2", name="by-hand-7"),
            dict.fromkeys(("a0", "c0"), ("leaking", "EndpointOfAnotherUnit")),
        ),
    ],
    ids=[
        "nothing forged",
        "an endpoint of another unit says that it is here",
        "a pod of another Service says that it is here",
        "an address of nobody",
        "of a pod that has another address",
        "in a slice of a stranger",
        "a pod where it is, twice",
        "a name that the filter takes for another Service's",
    ],
)
def test_behind_the_filter_too_where_an_endpoint_is_is_believed_of_pods_alone(forged, expected):
    """The filter goes by the node that a slice names; whether the pod is there is another matter."""
    slices = [behind_the_filter()[1], *([forged] if forged else [])]
    assert filtered(slices) == HONEST | expected


def test_behind_the_filter_a_pod_that_is_gone_is_not_said_to_be_in_its_unit():
    gone = Seen(refusing=REFUSING, pods={"10.1.0.2": "b0"}, uids=frozenset(("uid-pb",)))
    assert filtered([behind_the_filter()[1]], gone) == HONEST | {"a0": ("unknown", "PodNotSeen")}
