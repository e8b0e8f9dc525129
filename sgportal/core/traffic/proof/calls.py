"""The closed loops of one NodeUnit as a picture: how its nodes fare with each Service, by what each one's cell of the
matrix tells. A cell holds what `loop` made of the proofs, no proof: what it does not tell is not claimed here."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .picture import SHOWN, Rest
from .proof import STATES, State

# What a proof of this reason may be; of every other reason nothing is known, but who is served.
STATES_OF: Mapping[str, tuple[State, ...]] = {
    "EndpointWithoutHints": ("leaking",),
    "EndpointOfAnotherUnit": ("leaking",),
    "EndpointOnNoNode": ("leaking",),
    "ProxyIgnoresHints": ("leaking", "refusing"),  # to wherever it goes instead, or nowhere
    "NodeWithoutUnit": ("refusing",),
    "UnitWithoutEndpoint": ("refusing",),
    "NoLocalEndpoint": ("refusing",),
    "LendersFull": ("refusing",),
    "NodeNotNamed": ("refusing",),
    "TooManyNodes": ("refusing",),
    "RefusedAtTimes": ("refusing",),
    "PortWithoutEndpoint": ("refusing",),
    "AsAsked": ("open",),
    "Headless": ("open",),
    "ExternalName": ("open",),
    "OwnUnitOnly": ("closed",),
}


@dataclass(frozen=True, slots=True)
class Call:
    """How the `nodes` of a NodeUnit fare with a Service: the gravest `state` of theirs, and how many reach endpoints as
    they may: those of their own NodeUnit (`kept`) or beyond it, as the mode allows (`open`). Of the others the gravest
    state is known: all are `refused`, or some leak, or of some nobody knows."""

    namespace: str
    name: str
    state: State
    nodes: int
    kept: int = 0
    open: int = 0

    @property
    def served(self) -> int:
        """How many nodes reach endpoints as they may."""
        return self.kept + self.open

    @property
    def refused(self) -> int:
        """How many nodes are refused; 0 where some of the others fare worse, and it is not known how many."""
        return self.nodes - self.served if self.state == "refusing" else 0

    @property
    def unknown(self) -> bool:
        """Whether of some nodes nobody knows."""
        return self.state == "unknown"


@dataclass(frozen=True, slots=True)
class Calls(Rest):
    """The gravest Services one by one, and how many others are in which state."""

    calls: tuple[Call, ...]


def call_of(
    namespace: str, name: str, reason: str, nodes: int, served: int, judged: Mapping[str, int] | None = None
) -> Call:
    """What a ServiceGrid's cell in a NodeUnit tells: its reason, how many nodes there are and are served. `judged` says
    how many nodes are in which state all over the ServiceGrid: it tells apart what may be several things, and where
    that fails it is the worst of them."""
    judged, served = judged or {}, min(served, nodes)
    may_be = STATES_OF.get(reason, ("unknown",))
    state = min([each for each in may_be if judged.get(each)] or may_be, key=STATES.index)
    as_asked: State = state if state in ("open", "closed") else "open" if judged.get("open") else "closed"
    if state == "unknown" and nodes and served == nodes:  # a finding about something else than its traffic
        state = as_asked
    return Call(namespace, name, state, nodes, **{"open" if as_asked == "open" else "kept": served})


def calls_of(calls: Iterable[Call], shown: int = SHOWN) -> Calls:
    """The picture of all Services that a NodeUnit's nodes call."""
    order = sorted(
        calls, key=lambda each: (STATES.index(each.state), each.served - each.nodes, each.namespace, each.name)
    )
    counted = Counter(each.state for each in order[shown:])
    return Calls({state: counted[state] for state in STATES if counted[state]}, tuple(order[:shown]))
