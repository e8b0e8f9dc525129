"""The endpoints of a ServiceGrid as a page shows them: the gravest first, each pod once, the culprits marked."""

import re

import pytest

from sgportal.core.text import say
from sgportal.core.traffic.proof.loop import loop_of
from sgportal.core.traffic.proof.proof import NodeProof
from sgportal.core.traffic.proof.proxy import Backend
from sgportal.dashboard.grids.reach import SHOWN, counted, gravest_first, row
from sgportal.dashboard.page.tags import loop_alarms
from sgportal.models import Grid

from ... import builders

ONE = Backend("10.0.0.1", 80, pod="p", node="n0")
SIX = Backend("fd00::1", 80, pod="p", node="n0")
STRAY = Backend("192.0.2.1", 80)


def a_proof(state="closed", *endpoints, node="n0", guilty=()):
    return NodeProof(node, "a", "strict", state, "Because", say("because"), endpoints, guilty)


def test_a_pod_counts_once_whatever_its_ports_and_families():
    (target,) = row(a_proof("closed", ONE, Backend("10.0.0.1", 81, pod="p", node="n0"), SIX)).targets
    assert (target.name, target.node) == ("p", "n0")
    assert target.addresses == ("10.0.0.1:80", "10.0.0.1:81", "[fd00::1]:80")


def test_the_culprits_come_first_and_without_a_pod_they_are_their_address():
    found = row(a_proof("leaking", ONE, STRAY, guilty=(STRAY,))).targets
    assert [(each.name, each.node, each.guilty) for each in found] == [
        ("192.0.2.1:80", "", True),
        ("p", "n0", False),
    ]


def test_nothing_is_claimed_of_a_node_whose_rule_is_not_known():
    assert row(a_proof("unknown", ONE)).targets == ()


def test_what_is_too_much_unfolds():
    found = row(a_proof("closed", *(Backend(f"10.0.0.{i}", 80, pod=f"p{i}") for i in range(SHOWN + 3))))
    assert (len(found.first), len(found.rest)) == (SHOWN, 3)


def test_what_wants_attention_is_on_top():
    proofs = [a_proof(state, node=node) for state, node in (("closed", "a"), ("leaking", "c"), ("leaking", "b"))]
    assert [each.node for each in gravest_first(proofs)] == ["b", "c", "a"]
    assert counted(proofs) == [("leaking", 2), ("closed", 1)]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["closed"], []),
        (["closed", "refusing"], ["refusing"]),
        (["refusing", "leaking"], ["leaking", "refusing"]),
        (["open"], []),
        (["unknown"], ["unknown"]),
    ],
)
def test_the_list_of_grids_tells_of_a_loop_that_is_not_as_promised(viewer, states, expected):
    loop = loop_of([a_proof(state) for state in states])
    claims = {"Closed": loop.closed, "Refusing": loop.refusing}
    told = [{"type": kind, "status": each.truth, "reason": each.reason} for kind, each in claims.items()]
    assert loop_alarms(told) == expected
    assert loop_alarms([]) == []
    grid = builders.a_service()
    Grid.objects.filter(pk=grid.pk).update(status={"conditions": told})
    shown = re.findall(r'class="state s-([a-z]+)', viewer.get("/grids/").content.decode())
    assert shown == expected
