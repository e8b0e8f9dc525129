"""What a measurement says, what many come to, and what is kept of the last hour."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgportal.core.usage.measure import Amount, amount_of, nodes_in, pods_in, sums
from sgportal.core.usage.ring import POINTS, pushed, slot_of

BAD = [None, {}, "1", {"cpu": "1"}]
BAD += [{"cpu": cpu, "memory": memory} for cpu, memory in (("x", "1"), ("-1", "1"), ("1e99", "1"), ("1", "9E"))]
BAD += [{"cpu": "1", "memory": memory} for memory in ("1e999999Ki", "1e9999999", "1e99999999999999999999", "1..2")]


def test_a_list_of_nodes():
    items = [
        {"metadata": {"name": "n0"}, "usage": {"cpu": "137402904n", "memory": "1336Mi"}},
        {"metadata": {"name": "n1"}, "usage": {"cpu": "2", "memory": "1Gi"}},
    ]
    found = {each.name: (each.amount.millicores, each.amount.mebibytes) for each in nodes_in(items)}
    assert found == {"n0": (138, 1336), "n1": (2000, 1024)}  # rounded up, as by kubectl top


def test_a_pod_is_its_containers_together():
    usage = ({"cpu": "400u", "memory": "512Ki"}, {"cpu": "400u", "memory": "512Ki"})
    pod = {"metadata": {"namespace": "shop", "name": "a"}, "containers": [{"usage": each} for each in usage]}
    [found] = pods_in([pod])
    assert (found.namespace, found.name) == ("shop", "a")
    assert (found.amount.millicores, found.amount.mebibytes) == (1, 1)  # 0.8 and 1: the sum is rounded, not its parts


@pytest.mark.parametrize("usage", BAD)
def test_what_cannot_be_read_is_left_out(usage):
    good = {"cpu": "1", "memory": "1Mi"}
    assert amount_of(usage) is None
    assert list(nodes_in([{"metadata": {"name": "n0"}, "usage": usage}])) == []
    pod = {"metadata": {"namespace": "a", "name": "b"}, "containers": [{"usage": good}, {"usage": usage}]}
    assert list(pods_in([pod])) == []


def test_nothing_is_no_measurement():
    assert list(nodes_in([{}, {"metadata": None, "usage": {"cpu": "1", "memory": "1"}}])) == []
    assert list(pods_in([{}, {"metadata": {"name": "b"}, "containers": []}])) == []


def test_sums_are_exact():
    parts = [("a", Amount(Decimal("0.0004"), Decimal(1)))] * 5 + [("b", Amount(Decimal(1), Decimal(2**20)))]
    found = sums(parts)
    assert {key: (each.millicores, each.mebibytes) for key, each in found.items()} == {"a": (2, 1), "b": (1000, 1)}


def test_a_ring_has_gaps_where_nothing_was_measured():
    assert pushed([], 1, 0) == [1]
    assert pushed([1], 2, 1) == [1, 2]
    assert pushed([1, 2], 3, 0) == [1, 3]  # the same stretch of time
    assert pushed([1], 2, 3) == [1, None, None, 2]
    assert pushed([1, 2, 3], 4, -2) == [4]  # the clock went back
    assert pushed([1], 2, 10**9) == [None] * (POINTS - 1) + [2]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-2, 200)), min_size=1, max_size=150))
def test_a_ring_never_grows_beyond_its_points_and_ends_with_the_latest(values):
    ring = []
    for value, stretches in values:
        ring = pushed(ring, value, stretches)
        assert ring[-1] == value
        assert 0 < len(ring) <= POINTS


def test_a_stretch_of_time_has_a_number():
    assert (slot_of(119.9, 60), slot_of(120.0, 60)) == (1, 2)
