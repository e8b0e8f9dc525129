"""The conditions of a grid, from how many of its units are in which state and what is so of it as a whole."""

from collections.abc import Collection

from ..health import STATES, UNHEALTHY, Truth, is_settled, worst
from ..plans.contest import CONTESTED
from ..text import Sentence, say
from ..traffic.proof.loop import PAST_PROXIES, Loop
from .parts import Condition, Group, Tally, Whole

_SETTLED = Condition("Progressing", "False", "Settled", say("nothing is in progress"))
_NOTHING_WRONG = Condition("Degraded", "False", "NothingWrong", say("there are no problems"))


def conditions(whole: Whole, tally: Tally) -> tuple[Condition, ...]:
    """Ready, Progressing and Degraded; of a ServiceGrid what is claimed of its loop; and what is so of some units
    whatever else is wrong there: a deletion that waits for a person, a field that is contested."""
    found = [*(_of_service(whole, tally) if whole.loop else _of_workloads(whole, tally)), *whole.loop]
    if tally.held:
        found.append(_deletions_held(tally.held))
    if tally.contested and (sentence := tally.contested.first.contested):
        text = _told(tally.contested, tally.total, sentence)
        found.append(Condition(CONTESTED, "True", CONTESTED, text))
    return (*found, *whole.claims)


def loop_conditions(loop: Loop) -> tuple[Condition, ...]:
    """`Closed`, `Refusing` and `ForeignSlices` as the loop has them."""
    claims = (("Closed", loop.closed), ("Refusing", loop.refusing), ("ForeignSlices", loop.foreign))
    return tuple(Condition(kind, claim.truth, claim.reason, claim.sentence) for kind, claim in claims)


def _of_service(whole: Whole, tally: Tally) -> tuple[Condition, ...]:
    """Ready, Progressing and Degraded of the Service and its loops: what is not known is Unknown, not False."""
    state = worst(tally.states)
    if is_settled(state):
        closed = next(each for each in whole.loop if each.type == "Closed")
        return _served(closed), _SETTLED, _NOTHING_WRONG
    if tally.service and tally.service.state == state:
        reason, sentence = tally.service.reason, tally.service.sentence
    else:
        those = tally.by_state[state]
        reason, sentence = those.first.reason, _told(those, tally.total)
    if state == "Progressing":
        progressing = Condition("Progressing", "True", reason, sentence)
        return Condition("Ready", "False", reason, sentence), progressing, _NOTHING_WRONG
    unknown = state == "Unknown"
    ready = Condition("Ready", "Unknown" if unknown else "False", reason, sentence)
    return ready, _SETTLED, Condition("Degraded", "Unknown" if unknown else "True", reason, sentence)


def _served(closed: Condition) -> Condition:
    if closed.reason in PAST_PROXIES:
        said = say(
            "the Service exists, and nothing keeps its traffic within NodeUnits: %(reason)s", reason=closed.sentence
        )
        return Condition("Ready", "True", closed.reason, said)
    return Condition(
        "Ready", "True", "ServedAsAsked", say("the Service exists and its traffic is routed as configured")
    )


def _of_workloads(whole: Whole, tally: Tally) -> tuple[Condition, ...]:
    if whole.finding:
        reason, sentence = whole.finding.reason, whole.finding.sentence
        ready = Condition("Ready", "False", reason, sentence)
        return ready, _SETTLED, Condition("Degraded", "True", reason, sentence)
    progressing, degraded = _SETTLED, _NOTHING_WRONG
    if moving := tally.by_state.get("Progressing"):
        progressing = _of_units("Progressing", "True", moving, tally)
    elif paused := tally.by_state.get("Paused"):
        progressing = _of_units("Progressing", "False", paused, tally)
    if bad := _together(tally, UNHEALTHY):
        degraded = _of_units("Degraded", "True", bad, tally)
    return _ready(tally), progressing, degraded


def _ready(tally: Tally) -> Condition:
    if waiting := _together(tally, [state for state in STATES if not is_settled(state)]):
        return _of_units("Ready", "False", waiting, tally)
    if not tally.total:
        return Condition("Ready", "True", "NoUnits", say("no node carries the label key yet"))
    if held := _together(tally, [state for state in STATES if state != "Ready"]):
        return _of_units("Ready", "True", held, tally)
    return Condition("Ready", "True", "AllReady", say("all %(count)s units are ready", count=tally.total))


def _together(tally: Tally, states: Collection[str]) -> Group | None:
    """The units in any of these states; the first of them is the first of those in the worst."""
    groups = [tally.by_state[state] for state in STATES if state in states and state in tally.by_state]
    return Group(sum(each.count for each in groups), groups[0].first) if groups else None


def _of_units(type: str, status: Truth, those: Group, tally: Tally) -> Condition:
    return Condition(type, status, those.first.reason, _told(those, tally.total))


def _told(those: Group, total: int, sentence: Sentence | None = None) -> Sentence:
    """How many of all units are so, and what is said of the first of them."""
    first, sentence = those.first, sentence or those.first.sentence
    if not first.name:
        return sentence
    return say(
        "%(count)s of %(total)s units, first %(unit)s: %(reason)s",
        count=those.count,
        total=total,
        unit=first.name,
        reason=sentence,
    )


def _deletions_held(those: Group) -> Condition:
    text = say(
        "the deletion of %(count)s workloads waits for approval, first in %(unit)s",
        count=those.count,
        unit=those.first.name,
    )
    return Condition("DeletionsHeld", "True", "WaitingForDecision", text)
