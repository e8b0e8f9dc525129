"""What the proofs of all nodes come to: True, False or Unknown, with the evidence named; and what that makes of the
ServiceGrid, which is as bad as the worse of its Service and its loop."""

import pytest

from sgportal.core.plans.desired import Finding
from sgportal.core.status.service import service_status
from sgportal.core.status.status import Observed
from sgportal.core.text import say
from sgportal.core.traffic.proof.loop import loop_of
from sgportal.core.traffic.proof.proof import STATES, NodeProof

SERVICE = {"metadata": {"name": "web-svc"}}
REASONS = {
    "closed": "OwnUnitOnly",
    "refusing": "UnitWithoutEndpoint",
    "open": "AsAsked",
    "leaking": "EndpointWithoutHints",
    "unknown": "ProxyVersionUnknown",
}


def a_proof(node, state, unit="a", reason=""):
    return NodeProof(node, unit, "strict", state, reason or REASONS[state], say("because"))


def test_of_udp_it_is_said_that_old_flows_go_on():
    """kube-proxy forgets the flows of endpoints that are gone, not of those that hints take from a node."""
    said = [str(loop_of([a_proof("n", "closed")], datagrams=each).closed.sentence) for each in (False, True)]
    assert said[1].startswith(said[0])
    assert "UDP sockets that were in use" in said[1]
    leaking = loop_of([a_proof("n", "leaking")], datagrams=True).closed
    assert (leaking.truth, leaking.reason) == ("False", "LeakingEndpoint")


def claims(*proofs):
    found = loop_of(proofs)
    return (found.closed.truth, found.closed.reason), (found.refusing.truth, found.refusing.reason)


@pytest.mark.parametrize(
    ("states", "closed", "refusing"),
    [
        ("closed", ("True", "NothingLeaves"), ("False", "EveryUnitServed")),
        ("closed refusing", ("True", "NothingLeaves"), ("True", "UnitWithoutEndpoint")),
        ("closed unknown", ("Unknown", "ProxyVersionUnknown"), ("Unknown", "ProxyVersionUnknown")),
        ("unknown refusing", ("Unknown", "ProxyVersionUnknown"), ("True", "UnitWithoutEndpoint")),
        ("unknown leaking", ("False", "LeakingEndpoint"), ("Unknown", "ProxyVersionUnknown")),
        ("unknown open", ("False", "AsAsked"), ("Unknown", "ProxyVersionUnknown")),
        ("leaking open closed", ("False", "LeakingEndpoint"), ("False", "EveryUnitServed")),
        ("", ("Unknown", "NoNodes"), ("Unknown", "NoNodes")),
    ],
)
def test_one_node_of_which_nothing_is_known_is_enough_not_to_know(states, closed, refusing):
    proofs = [a_proof(f"n{number}", state) for number, state in enumerate(states.split())]
    assert claims(*proofs) == (closed, refusing)


@pytest.mark.parametrize("reason", ["Headless", "ExternalName"])
def test_past_every_proxy_nothing_is_closed_and_nothing_refuses(reason):
    assert claims(a_proof("n1", "open", reason=reason)) == (("False", reason), ("False", reason))


def test_a_node_without_a_unit_is_not_a_unit_that_is_refused():
    assert claims(a_proof("n1", "refusing", unit="")) == (("True", "NothingLeaves"), ("False", "NoUnits"))


def test_each_unit_is_as_bad_as_its_worst_node():
    proofs = [a_proof("a0", "closed"), a_proof("a1", "refusing"), a_proof("a2", "refusing"), a_proof("b0", "open", "b")]
    one, two = loop_of(proofs).units
    assert (one.unit, one.state, one.nodes, one.served) == ("a", "refusing", 3, 1)
    assert str(one.sentence) == "2 nodes, first a1: because"
    assert (two.unit, two.state, two.nodes, two.served) == ("b", "open", 1, 1)
    assert loop_of(proofs).nodes == {"leaking": 0, "unknown": 0, "refusing": 2, "open": 1, "closed": 1}


def conditions(*proofs, live=(SERVICE,), findings=(), strangers=(), pending=()):
    status = service_status(Observed({}, live, findings, pending=pending), loop_of(proofs, strangers))
    return status, {each.type: (each.status, each.reason) for each in status.conditions}


@pytest.mark.parametrize(
    ("states", "state", "ready", "degraded"),
    [
        (["closed"], "Ready", ("True", "ServedAsAsked"), "False"),
        (["open"], "Ready", ("True", "ServedAsAsked"), "False"),
        (["closed", "refusing"], "Degraded", ("False", "UnitWithoutEndpoint"), "True"),
        (["leaking"], "Degraded", ("False", "EndpointWithoutHints"), "True"),
        (["closed", "unknown"], "Unknown", ("Unknown", "ProxyVersionUnknown"), "Unknown"),
        (["refusing", "unknown"], "Degraded", ("False", "UnitWithoutEndpoint"), "True"),
    ],
)
def test_a_servicegrid_is_as_bad_as_its_loop(states, state, ready, degraded):
    proofs = [a_proof(f"n{number}", each, unit=f"u{number}") for number, each in enumerate(states)]
    status, told = conditions(*proofs)
    assert (status.state, told["Ready"], told["Degraded"][0]) == (state, ready, degraded)
    assert {"Closed", "Refusing", "ForeignSlices"} <= told.keys()


def test_a_servicegrid_is_as_bad_as_its_service():
    status, told = conditions(a_proof("n1", "closed"), live=())
    assert (status.state, told["Ready"]) == ("Progressing", ("False", "Creating"))
    status, told = conditions(a_proof("n1", "closed"), pending={"web-svc"})
    assert (status.state, told["Ready"]) == ("Progressing", ("False", "Updating"))
    status, told = conditions(a_proof("n1", "closed"), findings=[Finding("", "ImmutableField", say("no"))])
    assert (status.state, told["Ready"], told["Degraded"]) == (
        "Blocked",
        ("False", "ImmutableField"),
        ("True", "ImmutableField"),
    )


def test_what_blocks_a_service_is_worse_than_what_is_contested():
    findings = [Finding("", "Contested", say("theirs")), Finding("", "Invalid", say("no"))]
    status, told = conditions(a_proof("n1", "closed"), findings=findings)
    assert (status.state, told["Ready"]) == ("Blocked", ("False", "Invalid"))
    status, told = conditions(a_proof("n1", "closed"), findings=findings[:1])
    assert (status.state, told["Ready"]) == ("Degraded", ("False", "Contested"))


@pytest.mark.parametrize("reason", ["ServiceNotFound", "EndpointSlicesNotSeen"])
def test_what_is_only_just_being_made_is_on_its_way_and_not_claimed(reason):
    status, told = conditions(a_proof("n1", "unknown", reason=reason))
    assert (status.state, told["Ready"][0], told["Progressing"][0]) == ("Progressing", "False", "True")
    assert told["Closed"] == ("Unknown", reason)


def test_slices_of_others_are_a_condition_of_their_own():
    assert conditions(a_proof("n1", "closed"))[1]["ForeignSlices"] == ("False", "NoForeignSlice")
    status, told = conditions(a_proof("n1", "closed"), strangers=["guest"])
    assert told["ForeignSlices"] == ("True", "ForeignSlice")
    assert "guest" in str(status.conditions[-1].sentence)


def test_every_state_of_a_node_has_one_of_the_grid():
    for state in STATES:
        assert conditions(a_proof("n1", state))[0].state in ("Ready", "Degraded", "Unknown")
