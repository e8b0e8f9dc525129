"""The conditions of a ServiceGrid: what is claimed of its closed loop, and whether all of it is ready."""

from collections.abc import Sequence

from ..health import is_settled, worst
from ..text import say
from ..traffic.proof.loop import PAST_PROXIES, Claim, Loop
from .status import Condition, UnitStatus, told_of


def loop_conditions(loop: Loop) -> tuple[Condition, ...]:
    """`Closed`, `Refusing` and `ForeignSlices` as the loop has them."""
    claims = (("Closed", loop.closed), ("Refusing", loop.refusing), ("ForeignSlices", loop.foreign))
    return tuple(Condition(kind, claim.truth, claim.reason, claim.sentence) for kind, claim in claims)


def service_conditions(parts: Sequence[UnitStatus], closed: Claim) -> tuple[Condition, ...]:
    """Ready, Progressing and Degraded of the Service and its loops, of which the claim `closed` is made: what is not
    known is Unknown, not False."""
    state = worst(each.state for each in parts)
    those = [each for each in parts if each.state == state]
    reason, sentence = those[0].reason, told_of(those, [each for each in parts if each.name])
    settled = say("nothing is in progress")
    progressing = Condition("Progressing", "False", "Settled", settled)
    degraded = Condition("Degraded", "False", "NothingWrong", say("there are no problems"))
    if is_settled(state):
        return _ready(closed), progressing, degraded
    if state == "Progressing":
        progressing = Condition("Progressing", "True", reason, sentence)
        return Condition("Ready", "False", reason, sentence), progressing, degraded
    unknown = state == "Unknown"
    ready = Condition("Ready", "Unknown" if unknown else "False", reason, sentence)
    return ready, progressing, Condition("Degraded", "Unknown" if unknown else "True", reason, sentence)


def _ready(closed: Claim) -> Condition:
    if closed.reason in PAST_PROXIES:
        said = say(
            "the Service exists, and nothing keeps its traffic within NodeUnits: %(reason)s", reason=closed.sentence
        )
        return Condition("Ready", "True", closed.reason, said)
    return Condition(
        "Ready", "True", "ServedAsAsked", say("the Service exists and its traffic is routed as configured")
    )
