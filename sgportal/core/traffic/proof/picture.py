"""The proof of a closed loop as a picture: who calls whom per NodeUnit, what is refused, what leaks. It stays small:
the gravest NodeUnits are told one by one, the others are counted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .proof import STATES, NodeProof, State

SHOWN = 12  # NodeUnits that are told one by one
_APART = 3  # of a NodeUnit's flows to others, those that are told one by one


@dataclass(frozen=True, slots=True)
class Flow:
    """Nodes of a NodeUnit that reach endpoints of another, `target`; several others together where it is "", and then
    `others` says how many. `leaks`: beyond what the mode allows."""

    target: str
    nodes: int
    leaks: bool
    others: int = 1


@dataclass(frozen=True, slots=True)
class Caller:
    """A NodeUnit ("" for nodes in none): how many nodes call from there, how many of them reach endpoints of their own
    NodeUnit (of which `endpoints` are known), are `refused` (some, where they are not always), or go nobody knows where
    (`unknown`); and what goes beyond it. `state` is the gravest of its nodes'."""

    unit: str
    state: State
    nodes: int
    kept: int
    endpoints: int
    refused: int
    unknown: int
    flows: tuple[Flow, ...]

    @property
    def leaking(self) -> bool:
        """Whether anything goes beyond what the mode allows."""
        return any(each.leaks for each in self.flows)


@dataclass(frozen=True, slots=True)
class Rest:
    """How many of a picture's rows are not told one by one, by state, the gravest first."""

    rest: Mapping[State, int]

    @property
    def more(self) -> int:
        """How many they are together."""
        return sum(self.rest.values())


@dataclass(frozen=True, slots=True)
class Picture(Rest):
    """The gravest NodeUnits one by one, and how many others are in which state."""

    callers: tuple[Caller, ...]


def picture_of(proofs: Iterable[NodeProof], shown: int = SHOWN) -> Picture:
    """The picture of all nodes' proofs. Only NodeUnits from which somebody calls are named in it."""
    by_unit: dict[str, list[NodeProof]] = {}
    for each in proofs:
        by_unit.setdefault(each.unit, []).append(each)
    grave = {unit: min(STATES.index(each.state) for each in nodes) for unit, nodes in by_unit.items()}
    guilt = {unit: -sum(bool(each.guilty) for each in nodes) for unit, nodes in by_unit.items()}
    order = sorted(by_unit, key=lambda unit: (grave[unit], guilt[unit], unit))
    told = order[:shown]
    counted = Counter(STATES[grave[unit]] for unit in order[shown:])
    callers = tuple(_caller(unit, STATES[grave[unit]], by_unit[unit], frozenset(told)) for unit in told)
    return Picture({state: counted[state] for state in STATES if counted[state]}, callers)


def _caller(unit: str, state: State, nodes: Sequence[NodeProof], told: frozenset[str]) -> Caller:
    known = [each for each in nodes if each.state != "unknown"]
    own = {(each.address, each.pod) for one in known for each in one.endpoints if unit and each.unit == unit}
    kept = sum(any(unit and each.unit == unit for each in one.endpoints) for one in known)
    return Caller(
        unit,
        state,
        len(nodes),
        kept,
        len(own),
        sum(each.state == "refusing" for each in nodes),
        len(nodes) - len(known),
        (*_flows(unit, known, told, leaks=True), *_flows(unit, known, told, leaks=False)),
    )


def _flows(unit: str, nodes: Sequence[NodeProof], told: frozenset[str], *, leaks: bool) -> list[Flow]:
    """What goes beyond a NodeUnit and leaks, or may: each target that is told one by one, and all others together."""
    counted: Counter[str] = Counter()
    for node in nodes:
        guilty = {each.unit for each in node.guilty}
        beyond = guilty if leaks else {each.unit for each in node.endpoints} - guilty
        counted.update(each for each in beyond if not unit or each != unit)
    named = sorted((each for each in counted if each and each in told), key=lambda each: (-counted[each], each))
    apart = named[:_APART] if leaks else []
    others = counted.keys() - set(apart)
    found = [Flow(each, counted[each], leaks) for each in apart]
    if others:
        found.append(Flow("", max(counted[each] for each in others), leaks, len(others)))
    return found
