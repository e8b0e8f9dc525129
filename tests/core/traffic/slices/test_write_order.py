"""The order of writes: whatever the world was and is, traffic stays closed after every single one of them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sgportal.core.traffic.closure import Closure
from sgportal.core.traffic.slices.write_order import writes

from ...builders import frozen
from ..closing import (
    KEY,
    STRICT,
    ZONES,
    a_node,
    a_pod,
    a_service,
    carried_out,
    decide,
    pods,
    reached,
    sentinels,
    worlds,
    zones_of,
)


def plan(service, live, known, present):
    frozen_live = [frozen(each) for each in live]
    return writes(frozen_live, decide(service, known, present, live).slices)


@settings(max_examples=2 * settings.default.max_examples)
@given(worlds(), st.data(), st.sampled_from(["strict", "failover"]))
def test_no_write_opens_a_way_into_another_unit(world, data, mode):
    known, before = world
    after = data.draw(pods(known))
    listed = ("b",) if mode == "failover" else ()
    service = a_service(Closure(mode, listed))
    live = decide(service, known, before).slices
    home = {node.name: node.labels.get(KEY, "") for node in known}
    where = {pod.name: home.get(pod.node, "") for pod in (*before, *after)}
    same = {pod.name for pod in before if pod in after} | {
        pod.name for pod in after if pod.name not in {p.name for p in before}
    }
    for state in carried_out(live, plan(service, live, known, after)):
        for node in known:
            served, refused = reached(state, node)
            assert served or refused
            strangers = {where[pod] for pod in served & same} - {home[node.name], *(listed if home[node.name] else ())}
            assert not strangers


@given(worlds(), st.data())
def test_the_last_write_leads_to_what_is_wanted_and_then_there_is_none(world, data):
    known, before = world
    live = decide(a_service(), known, before).slices
    wanted = decide(a_service(), known, data.draw(pods(known)), live).slices
    *_, last = carried_out(live, writes(live, wanted))
    assert sorted(last, key=lambda each: each["metadata"]["name"]) == list(wanted)
    assert writes(last, wanted) == ()


@given(worlds(), worlds(), st.sampled_from(ZONES))
def test_a_zone_is_covered_at_every_moment_that_it_is_before_and_after(world, other, zone):
    service = a_service()
    live = decide(service, *world).slices
    wanted = decide(service, *other, live).slices
    if zone in zones_of(live) & zones_of(wanted):
        assert all(zone in zones_of(state) for state in carried_out(live, writes(live, wanted)))


def test_sentinels_come_first_and_go_last():
    known, present = [a_node("a0", "a")], [a_pod("p", "a0")]
    created = plan(a_service(), [], known, present)
    assert [(each.verb, each.name) for each in created] == [
        ("create", "web-svc-v4refuse1"),
        ("create", "web-svc-v4units1"),
    ]
    live = decide(a_service(), known, present).slices
    gone = plan(a_service(Closure("prefer")), live, known, [])
    assert [(each.verb, each.name) for each in gone] == [
        ("delete", "web-svc-v4units1"),
        ("delete", "web-svc-v4refuse1"),
    ]
    assert [each.name for each in writes(live, (), stays_closed=False)] == ["web-svc-v4refuse1", "web-svc-v4units1"]


@given(worlds(), st.data(), st.sampled_from([("strict", "prefer"), ("failover", "prefer"), ("prefer", "failover")]))
def test_who_is_served_in_both_modes_meets_no_sentinel_between_them(world, data, modes):
    known, before = world
    after = data.draw(st.sampled_from([before, data.draw(pods(known))]))
    old, new = (a_service(Closure(mode, ("b",) if mode == "failover" else ())) for mode in modes)
    live = [frozen(each) for each in decide(old, known, before).slices]
    wanted = decide(new, known, after, live).slices
    planned = writes(live, wanted, modes[0] != "prefer", modes[1] != "prefer")
    *_, last = states = list(carried_out(live, planned))
    assert sorted(last, key=lambda each: each["metadata"]["name"]) == list(wanted)
    for node in known:
        meets = [reached(state, node)[1] for state in (live, wanted)]
        if after is before and not any(meets):
            assert not any(reached(state, node)[1] for state in states)


def test_a_zone_changes_hands_without_a_gap():
    """A unit grows too large for its endpoint, takes its zone over from the sentinel, and gives it back."""
    small = [*(a_node(f"a{i:02}", "a", "za") for i in range(8)), a_node("b0", "b", "zb")]
    large = [*small, *(a_node(f"a{i}", "a", "za") for i in range(10, 14))]
    present = [a_pod("pa", "a00"), a_pod("pb", "b0")]
    for first, then, order in (
        (small, large, ["web-svc-v4units1", "web-svc-v4refuse1"]),
        (large, small, ["web-svc-v4refuse1", "web-svc-v4units1"]),
    ):
        live = decide(a_service(STRICT), first, present).slices
        planned = plan(a_service(STRICT), live, then, present)
        assert [each.name for each in planned] == order
        for state in carried_out(live, planned):
            assert all(reached(state, node)[0] <= {"pa"} for node in large[:8] + large[9:])


def test_a_unit_on_its_way_to_another_slice_is_served_all_the_while():
    known = [a_node(f"n{i:02}", f"u{i:02}") for i in range(40)]
    present = [a_pod(f"p{i:02}", f"n{i:02}") for i in range(40)]
    crowd = [a_pod(f"x{i:02}", "n00") for i in range(90)]
    live = decide(a_service(), known, present).slices
    planned = plan(a_service(), live, known, present + crowd)
    assert sorted(each.verb for each in planned) == ["create", "update"]
    again = decide(a_service(), known, present + crowd, live).slices
    back = plan(a_service(), again, known, present[1:] + crowd[:5])
    for before, moves in ((live, planned), (again, back)):
        for state in carried_out(before, moves):
            assert all(reached(state, node)[0] for node in known)


def test_a_slice_that_gains_is_written_before_one_that_loses():
    known, present = [a_node("a0", "a")], [a_pod(f"p{i}", "a0") for i in range(3)]
    (_, full) = decide(a_service(), known, present).slices
    rest = {**full, "metadata": {**full["metadata"], "name": "web-svc-v4units0"}}
    few, many = ([{**each, "endpoints": each["endpoints"][:count]} for each in (full, rest)] for count in (1, 3))
    planned = writes([many[0], few[1]], [few[0], many[1]])
    assert [each.name for each in planned] == ["web-svc-v4units0", "web-svc-v4units1"]
    planned = writes([few[0], many[1]], [many[0], few[1]])
    assert [each.name for each in planned] == ["web-svc-v4units1", "web-svc-v4units0"]


def test_slices_of_others_are_left_alone():
    foreign = {"metadata": {"name": "web-svc-abcde", "labels": {}}, "endpoints": []}
    known = [a_node("a0", "a")]
    live = [foreign, *decide(a_service(), known, []).slices]
    assert writes(live, decide(a_service(), known, [], live).slices) == ()
    assert len(sentinels(live[1:])) == 2
