"""The rollouts of the members of a package, seen as one."""

from collections.abc import Mapping
from dataclasses import dataclass

from .forecast import Clocks, seconds_by_wave, seconds_to_approval
from .state import OVER, Phase, State
from .strategy import Strategy
from .verbs import VERBS, Verb, possible

_WORST_FIRST: tuple[Phase, ...] = (
    "Halted",
    "RollingBack",
    "Progressing",
    "Paused",
    "Pending",
    "Aborted",
    "RolledBack",
    "Complete",
    "Superseded",
)


@dataclass(frozen=True, slots=True)
class Whole:
    """The rollout of a package: `state` has the workloads of all members that take part in the place of units, its
    phase is the worst of theirs, and its wave and reason are those of the member that is the furthest behind.
    `parts`: these members by path. `seconds`: in about how many it is complete, None where that cannot be told;
    `to_approval`: in about how many a person has to approve a wave of all of them.
    `possible`: what may be asked of any of them."""

    state: State
    parts: Mapping[str, State]
    seconds: float | None
    to_approval: float | None
    possible: tuple[Verb, ...]


def whole(strategy: Strategy, members: Mapping[str, State], now: float, clocks: Mapping[str, Clocks]) -> Whole:
    """The rollouts of these members, at least one, as one at `now`, in epoch seconds; `clocks` by path. Who was not
    changed takes no part while another is under way."""
    under_way = {path: each for path, each in members.items() if each.phase not in OVER}
    parts = under_way or dict(members)
    phase = min((each.phase for each in parts.values()), key=_WORST_FIRST.index)
    last = min(
        (each for each in parts.values() if each.phase == phase),
        key=lambda each: (each.wave, each.reason == "AwaitingMembers"),
    )
    together = {f"{path}/{name}": unit for path, each in parts.items() for name, unit in each.members.items()}
    state = State(0, phase, last.reason, last.wave, last.ready_at, last.approved, last.checked, together)
    asked = {verb for each in parts.values() for verb in possible(strategy, each)}
    seconds = _seconds(strategy, parts, now, clocks)
    asking = (seconds_to_approval(strategy, part, now, clocks[path]) for path, part in parts.items())
    asked_in = [each for each in asking if each is not None]
    return Whole(state, parts, seconds, max(asked_in, default=None), tuple(verb for verb in VERBS if verb in asked))


def _seconds(strategy: Strategy, parts: Mapping[str, State], now: float, clocks: Mapping[str, Clocks]) -> float | None:
    """A wave takes as long as for the slowest, since they go wave by wave together."""
    slowest: dict[int, float] = {}
    for path, each in parts.items():
        found = seconds_by_wave(strategy, each, now, clocks[path])
        if found is None:
            return None
        for wave, seconds in found.items():
            slowest[wave] = max(slowest.get(wave, 0.0), seconds)
    return sum(slowest.values())
