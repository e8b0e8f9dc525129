"""One scale for how well things are, and the one rule for what is unhealthy.

Nodes of a NodeUnit, workloads and closed loops are all judged on this scale, so that they can be compared: a NodeUnit
is as bad as the worst of them. The counter, the filter, the order of lists, pages, REST and metrics all ask here.
"""

from collections.abc import Iterable
from typing import Literal

State = Literal[
    "Blocked",
    "NotReady",
    "Offline",
    "Degraded",
    "Gone",
    "UnitGone",
    "Unknown",
    "Paused",
    "Progressing",
    "OnDelete",
    "Partitioned",
    "Ready",
]
Truth = Literal["True", "False", "Unknown"]  # of a condition, as Kubernetes has them
# Worst first: the order of lists, and what "the worst of" means.
STATES: tuple[State, ...] = (
    "Blocked",  # a write is refused or not allowed: nothing will change until a person acts
    "NotReady",  # a NodeUnit none of whose nodes is ready
    "Offline",  # no node of the NodeUnit is heard of; what is shown is the last known
    "Degraded",  # something fails
    "Gone",  # a NodeUnit that has no nodes any more
    "UnitGone",  # a workload whose NodeUnit has no nodes any more
    "Unknown",  # the evidence is missing
    "Paused",  # a rollout that somebody has paused halfway
    "Progressing",  # on its way, nothing fails
    "OnDelete",  # as wanted; pods take the new template when somebody deletes them
    "Partitioned",  # as wanted; the partition keeps the other pods at the old template
    "Ready",
)
WORKLOAD_STATES: tuple[State, ...] = tuple(each for each in STATES if each not in ("NotReady", "Gone"))
_PLACES: dict[str, int] = {state: place for place, state in enumerate(STATES)}
UNHEALTHY = STATES[: STATES.index("Paused")]
SETTLED = STATES[STATES.index("OnDelete") :]
# What only some units are is not said of the whole: a grid of which one site is offline is not offline.
_ONLY_OF_ALL: frozenset[str] = frozenset(("NotReady", "Offline", "Gone", "UnitGone"))


def severity(state: str) -> int:
    """The place of a state among STATES, 0 the worst. Raises KeyError for what is no state."""
    return _PLACES[state]


def worst(states: Iterable[str]) -> State:
    """The worst of some states; `Ready` where there are none."""
    return STATES[min(map(severity, states), default=len(STATES) - 1)]


def is_unhealthy(state: str) -> bool:
    """Whether somebody should look: something fails, is out of reach or unknown. What is on its way, or held where it
    is on purpose, is healthy."""
    return state in UNHEALTHY


def is_settled(state: str) -> bool:
    """Whether everything is as wanted and nothing more will happen by itself: condition Ready is True."""
    return state in SETTLED


def of_all(states: Iterable[str]) -> State:
    """The state of a whole, such as a grid, from those of its parts: the worst, except that `Offline` and the like are
    said only where every part is so; some parts of it make the whole `Degraded`."""
    states = list(states)
    found = worst(states)
    if found in _ONLY_OF_ALL and any(each != found for each in states):
        return worst({each for each in states if each not in _ONLY_OF_ALL} | {"Degraded"})
    return found
