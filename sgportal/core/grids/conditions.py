"""What the proof of a closed loop means for its ServiceGrid: two conditions, and how many nodes are in which state."""

from collections import Counter
from collections.abc import Sequence

from ..text import Sentence, say
from ..traffic.proof import STATES, NodeProof
from .status import Condition


def closure_conditions(proofs: Sequence[NodeProof], observed: bool) -> tuple[Condition, ...]:
    """`Closed` (False: traffic of some node leaks; Unknown: that cannot be known, or no EndpointSlice was seen yet) and
    `Refusing` (True: a NodeUnit with nodes has no ready endpoint, or too few, so that its calls are refused)."""
    return _closed(proofs, observed), _refusing(proofs)


def _closed(proofs: Sequence[NodeProof], observed: bool) -> Condition:
    by_state = {state: [each for each in proofs if each.state == state] for state in STATES}
    if leaking := by_state["leaking"]:
        return Condition("Closed", "False", "LeakingEndpoint", _told(leaking))
    if not observed:
        return Condition("Closed", "Unknown", "NotObserved", say("no EndpointSlice of the Service has been seen yet"))
    if unsupported := by_state["unsupported"]:
        return Condition("Closed", "Unknown", "UnsupportedNode", _told(unsupported))
    if beyond := by_state["open"]:
        return Condition("Closed", "False", "AsAsked", _told(beyond))
    return Condition("Closed", "True", "NothingLeaves", say("no node reaches an endpoint of another NodeUnit"))


def _refusing(proofs: Sequence[NodeProof]) -> Condition:
    empty = [each for each in proofs if each.state == "refusing" and each.unit]
    if empty:
        return Condition("Refusing", "True", "UnitWithoutEndpoint", _told(empty))
    return Condition("Refusing", "False", "EveryUnitServed", say("every node of a NodeUnit reaches an endpoint"))


def _told(proofs: Sequence[NodeProof]) -> Sentence:
    first = proofs[0]
    if len(proofs) == 1:
        return say("node %(node)s: %(reason)s", node=first.node, reason=first.reason)
    return say("%(count)s nodes, first %(node)s: %(reason)s", count=len(proofs), node=first.node, reason=first.reason)


def node_counts(proofs: Sequence[NodeProof]) -> dict[str, int]:
    """How many nodes are in each state; every state is there."""
    counted = Counter(each.state for each in proofs)
    return {state: counted[state] for state in STATES}
