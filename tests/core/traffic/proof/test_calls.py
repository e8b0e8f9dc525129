"""The closed loops of a NodeUnit as a picture, made from what its cells tell of each Service."""

import inspect
import re

import pytest

from sgportal.core.status.service import service_status
from sgportal.core.status.status import Observed
from sgportal.core.text import say
from sgportal.core.traffic.proof import doubts, proof
from sgportal.core.traffic.proof.calls import STATES_OF, Call, call_of, calls_of
from sgportal.core.traffic.proof.loop import loop_of
from sgportal.core.traffic.proof.picture import SHOWN
from sgportal.core.traffic.proof.proof import NodeProof


def a_call(reason, nodes=3, served=0, name="echo", **judged):
    return call_of("default", name, reason, nodes, served, judged)


@pytest.mark.parametrize(
    ("reason", "served", "judged", "told"),
    [
        ("OwnUnitOnly", 3, {"closed": 9}, ("closed", 3, 0, 0)),
        ("AsAsked", 3, {"open": 9}, ("open", 0, 3, 0)),
        ("UnitWithoutEndpoint", 0, {"refusing": 3, "closed": 6}, ("refusing", 0, 0, 3)),
        ("TooManyNodes", 1, {"refusing": 2, "closed": 1}, ("refusing", 1, 0, 2)),
        ("TooManyNodes", 1, {"refusing": 2, "open": 1}, ("refusing", 0, 1, 2)),
        ("EndpointOfAnotherUnit", 1, {"leaking": 2, "closed": 1}, ("leaking", 1, 0, 0)),  # the others may be refused
        ("ProxyVersionUnknown", 1, {"unknown": 2, "closed": 1}, ("unknown", 1, 0, 0)),
        ("ProxyIgnoresHints", 0, {"refusing": 3}, ("refusing", 0, 0, 3)),
        ("ProxyIgnoresHints", 0, {"leaking": 3}, ("leaking", 0, 0, 0)),
        ("ProxyIgnoresHints", 0, {"leaking": 3, "refusing": 3}, ("leaking", 0, 0, 0)),
        ("Contested", 3, {"closed": 3}, ("closed", 3, 0, 0)),  # a finding about the Service, not its traffic
        ("Contested", 2, {"closed": 2, "leaking": 1}, ("unknown", 2, 0, 0)),
        ("ServiceNotFound", 0, {}, ("unknown", 0, 0, 0)),
        ("UnitWithoutEndpoint", 9, {}, ("refusing", 3, 0, 0)),  # nothing is counted below none
    ],
)
def test_what_a_cell_tells(reason, served, judged, told):
    found = a_call(reason, 3, served, **judged)
    assert (found.state, found.kept, found.open, found.refused) == told
    assert found.unknown is (told[0] == "unknown")


def test_nothing_is_known_of_nodes_that_nobody_counted():
    assert (a_call("AllReady", 0, 0).state, a_call("AllReady", 0, 0).served) == ("unknown", 0)


@pytest.mark.parametrize(
    ("fates", "state"),
    [
        ({"closed": "OwnUnitOnly"}, "closed"),
        ({"open": "AsAsked"}, "open"),
        ({"closed": "OwnUnitOnly", "refusing": "ProxyIgnoresHints"}, "refusing"),
        ({"closed": "OwnUnitOnly", "leaking": "ProxyIgnoresHints"}, "leaking"),
        ({"refusing": "TooManyNodes", "unknown": "ProxyNotSeen"}, "unknown"),
    ],
)
def test_it_is_what_the_proofs_said(fates, state):
    """From proofs to the status, of which a cell is kept, and from there to the picture."""
    proofs = [NodeProof(f"n-{each}", "ham", "strict", each, why, say("because")) for each, why in fates.items()]
    live = [{"metadata": {"name": "echo-svc"}}]
    status = service_status(Observed(units={}, live=live), loop_of(proofs))
    (cell,) = (each for each in status.units if each.name)
    found = call_of("default", "echo", cell.reason, cell.nodes, cell.served, status.whole.shown["nodes"])
    assert (found.state, found.nodes) == (state, len(proofs))
    assert found.served == sum(each in ("closed", "open") for each in fates)


def reasons_in(function):
    return {*re.findall(r'(?:return |reason=|reason = )"([A-Z]\w+)"', inspect.getsource(function))}


def test_every_reason_of_a_proof_has_its_state():
    """The reasons stand where proofs are judged; what one may be is told here, and of no other reason anything."""
    where = {"leaking": proof._why_leaking, "refusing": proof._why_refused}
    for state, function in where.items():
        found = reasons_in(function)
        assert found, "the source reads otherwise than this test expects"
        assert {each for each in found if state in STATES_OF.get(each, ())} == found
    judged = reasons_in(proof._judged) | reasons_in(proof._verdict)
    judged |= {*re.findall(r'else "([A-Z]\w+)"', inspect.getsource(proof._verdict))}
    judged |= {*re.findall(r'"([A-Z]\w+)" if', inspect.getsource(proof._verdict))}
    assert judged | reasons_in(proof._why_leaking) | reasons_in(proof._why_refused) == STATES_OF.keys()
    doubted = {each.reason for each in vars(doubts).values() if isinstance(each, doubts.Doubt)}
    assert not STATES_OF.keys() & (doubted | {proof.POD_NOT_SEEN})


def test_the_gravest_come_first_and_the_rest_is_counted():
    closed = [a_call("OwnUnitOnly", 3, 3, f"svc-{number:02}") for number in range(SHOWN)]
    few, many = a_call("TooManyNodes", 3, 2, "few"), a_call("TooManyNodes", 3, 0, "many")
    leaking, unknown = a_call("EndpointOnNoNode", 1, 0, "leaks"), a_call("ServiceNotFound", 1, 0, "new")
    found = calls_of([*closed, few, many, unknown, leaking])
    assert [each.name for each in found.calls[:5]] == ["leaks", "new", "many", "few", "svc-00"]
    assert (len(found.calls), found.rest, found.more) == (SHOWN, {"closed": 4}, 4)


def test_no_service_is_no_call():
    assert (calls_of([]).calls, calls_of([]).more) == ((), 0)
    assert Call("default", "echo", "closed", 1, 1).refused == 0
