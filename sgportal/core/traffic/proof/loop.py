"""What the proof of a closed loop comes to: two claims about the Service, and how each NodeUnit fares.

Conditions, pages, REST and metrics are made from this one value.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...health import Truth
from ...text import Sentence, say
from .proof import STATES, NodeProof, State

PAST_PROXIES = ("Headless", "ExternalName")  # reasons: of Services whose clients ask no proxy


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether something holds; `reason` (CamelCase) and `sentence` name the evidence."""

    truth: Truth
    reason: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class UnitLoop:
    """How the loop fares in a NodeUnit: the gravest state of its nodes and why, how many nodes it has, and how many of
    them reach an endpoint as they may."""

    unit: str
    state: State
    reason: str
    sentence: Sentence
    nodes: int
    served: int


@dataclass(frozen=True, slots=True)
class Loop:
    """`closed`: no traffic goes beyond its NodeUnit. `refusing`: calls of some NodeUnit are refused. `foreign`: others
    write EndpointSlices for a Service whose slices are ours. `nodes` counts those in each state, every one; `units` are
    in order of name."""

    closed: Claim
    refusing: Claim
    foreign: Claim
    nodes: Mapping[State, int]
    units: tuple[UnitLoop, ...]
    strangers: tuple[str, ...] = ()


def loop_of(proofs: Sequence[NodeProof], strangers: Sequence[str] = (), datagrams: bool = False) -> Loop:
    """What the proofs of all nodes come to; `strangers` are names of slices that are not ours, `datagrams` says that
    the Service has a port of UDP."""
    counted = Counter(each.state for each in proofs)
    by_unit: dict[str, list[NodeProof]] = {}
    for each in proofs:
        if each.unit:
            by_unit.setdefault(each.unit, []).append(each)
    return Loop(
        _closed(proofs, datagrams),
        _refusing(proofs),
        _foreign(strangers),
        {state: counted[state] for state in STATES},
        tuple(_unit_loop(name, by_unit[name]) for name in sorted(by_unit)),
        tuple(strangers),
    )


_NO_NODES = Claim("Unknown", "NoNodes", say("no node has been seen"))
_NOTHING_LEAVES = Claim("True", "NothingLeaves", say("no node reaches an endpoint of another NodeUnit"))
_BUT_OLD_FLOWS = Claim(
    "True",
    "NothingLeaves",
    say(
        "no node reaches an endpoint of another NodeUnit; UDP sockets that were in use before the Service closed, or "
        "before their node moved, go on to where they went until they pause"
    ),
)
_ALL_SERVED = Claim("False", "EveryUnitServed", say("every node of a NodeUnit reaches an endpoint"))
_NO_UNITS = Claim("False", "NoUnits", say("no node is in a NodeUnit of this key"))


def _closed(proofs: Sequence[NodeProof], datagrams: bool) -> Claim:
    if not proofs:
        return _NO_NODES
    if leaking := _in_state(proofs, "leaking"):
        return Claim("False", "LeakingEndpoint", _told(leaking))
    if beyond := _in_state(proofs, "open"):
        first = beyond[0]
        if first.reason in PAST_PROXIES:
            return Claim("False", first.reason, first.sentence)
        return Claim("False", "AsAsked", _told(beyond))
    if unknown := _in_state(proofs, "unknown"):
        return Claim("Unknown", unknown[0].reason, _told(unknown))
    return _BUT_OLD_FLOWS if datagrams else _NOTHING_LEAVES


def _refusing(proofs: Sequence[NodeProof]) -> Claim:
    if not proofs:
        return _NO_NODES
    within = [each for each in proofs if each.unit]
    if refused := _in_state(within, "refusing"):
        return Claim("True", refused[0].reason, _told(refused))
    if past := next((each for each in proofs if each.reason in PAST_PROXIES), None):
        return Claim("False", past.reason, past.sentence)
    if unknown := _in_state(within, "unknown"):
        return Claim("Unknown", unknown[0].reason, _told(unknown))
    return _ALL_SERVED if within else _NO_UNITS


def _foreign(strangers: Sequence[str]) -> Claim:
    if not strangers:
        return Claim("False", "NoForeignSlice", say("nobody else writes EndpointSlices for the Service"))
    names = ", ".join(strangers[:3])
    sentence = say(
        "EndpointSlices that the portal did not write count to the Service, which may open it: %(names)s", names=names
    )
    return Claim("True", "ForeignSlice", sentence)


def _unit_loop(unit: str, proofs: Sequence[NodeProof]) -> UnitLoop:
    worst = min(proofs, key=lambda each: STATES.index(each.state))
    alike = _in_state(proofs, worst.state)
    served = sum(each.state in ("closed", "open") for each in proofs)
    return UnitLoop(unit, worst.state, worst.reason, _told(alike), len(proofs), served)


def _in_state(proofs: Iterable[NodeProof], state: State) -> list[NodeProof]:
    return [each for each in proofs if each.state == state]


def _told(proofs: Sequence[NodeProof]) -> Sentence:
    first = proofs[0]
    if len(proofs) == 1:
        return say("node %(node)s: %(reason)s", node=first.node, reason=first.sentence)
    return say("%(count)s nodes, first %(node)s: %(reason)s", count=len(proofs), node=first.node, reason=first.sentence)
