"""The picture of a closed loop: who calls whom per NodeUnit, what is refused, what leaks."""

from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.text import say
from sgportal.core.traffic.proof.picture import SHOWN, Flow, picture_of
from sgportal.core.traffic.proof.proof import STATES, NodeProof
from sgportal.core.traffic.proof.proxy import Backend


def at(unit, number=0):
    return Backend(f"10.0.0.{number}", 80, pod=f"{unit}-{number}", node=f"{unit}-node", unit=unit)


def a_proof(unit, state="closed", *endpoints, node="n0", guilty=()):
    return NodeProof(node, unit, "strict", state, "Because", say("because"), endpoints, guilty)


def test_traffic_that_stays():
    (caller,) = picture_of([a_proof("a", "closed", at("a", 1), at("a", 2)), a_proof("a", "closed", at("a", 1))]).callers
    assert (caller.unit, caller.state, caller.nodes, caller.kept, caller.endpoints) == ("a", "closed", 2, 2, 2)
    assert (caller.refused, caller.unknown, caller.flows, caller.leaking) == (0, 0, (), False)


def test_a_port_more_is_no_endpoint_more():
    one, other = at("a", 1), Backend("10.0.0.1", 81, pod="a-1", node="a-node", unit="a")
    assert picture_of([a_proof("a", "closed", one, other)]).callers[0].endpoints == 1


def test_traffic_that_is_refused():
    (caller,) = picture_of([a_proof("a", "refusing"), a_proof("a", "refusing", at("a"))]).callers
    assert (caller.refused, caller.kept) == (2, 1)  # the other one is refused at times


def test_traffic_that_leaks_names_where_it_goes():
    leak = a_proof("a", "leaking", at("a"), at("b"), at("c"), guilty=(at("b"),))
    found = picture_of([leak, a_proof("b", "closed", at("b")), a_proof("c", "closed", at("c"))])
    assert [each.unit for each in found.callers] == ["a", "b", "c"]
    assert found.callers[0].flows == (Flow("b", 1, True), Flow("", 1, False))
    assert found.callers[0].leaking


def test_who_reads_a_part_is_told_no_name_from_beyond_it():
    (caller,) = picture_of([a_proof("a", "leaking", at("foreign"), guilty=(at("foreign"),))]).callers
    assert caller.flows == (Flow("", 1, True),)


def test_nothing_is_claimed_where_it_is_not_known():
    (caller,) = picture_of([a_proof("a", "unknown", at("a"), at("b"))]).callers
    assert (caller.unknown, caller.kept, caller.endpoints, caller.flows) == (1, 0, 0, ())


def test_nodes_in_no_unit_have_no_endpoints_of_their_own():
    (caller,) = picture_of([a_proof("", "open", at("a"), at(""))]).callers
    assert (caller.kept, caller.endpoints, caller.flows) == (0, 0, (Flow("", 1, False, 2),))


def test_of_a_thousand_the_gravest_are_told_and_the_others_counted():
    states = {"leaking": 3, "refusing": 20, "closed": 977}
    proofs = [a_proof(f"{state}-{number:03}", state) for state, count in states.items() for number in range(count)]
    found = picture_of(proofs)
    assert [each.state for each in found.callers] == ["leaking"] * 3 + ["refusing"] * (SHOWN - 3)
    assert found.rest == {"refusing": 20 - (SHOWN - 3), "closed": 977}
    assert found.more == 1000 - SHOWN


@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.sampled_from(STATES), st.sets(st.integers(0, 5))))
)
def test_every_node_is_counted_once(nodes):
    made = [a_proof(unit, state, *(at("abcdef"[each], each) for each in goes)) for unit, state, goes in nodes]
    found = picture_of(made, shown=2)
    units = {unit for unit, _, _ in nodes}
    assert len(found.callers) + found.more == len(units)
    assert sum(each.nodes for each in found.callers) == sum(
        unit in {c.unit for c in found.callers} for unit, _, _ in nodes
    )
    assert all(0 <= each.kept + each.unknown <= each.nodes for each in found.callers)
