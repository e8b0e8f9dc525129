"""The rollouts of the members of a package, seen as one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from .forecast import Clocks, seconds_by_wave, seconds_to_approval, taken_together
from .state import GIVEN_UP, OVER, Phase, Position, State
from .strategy import Strategy, Track
from .tracks import position, summed
from .verbs import VERBS, Verb, possible, possible_of

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
    phase is the worst of theirs, and its wave and reason, or those of each of its tracks, are those of the member that
    is the furthest behind. `parts`: these members by path. `seconds`: in about how many it is complete, None where that
    cannot be told; `to_approval`: in about how many a person has to approve a wave of all of them.
    `possible`: what may be asked of any of them."""

    state: State
    parts: Mapping[str, State]
    seconds: float | None
    to_approval: float | None
    possible: tuple[Verb, ...]

    def possible_of(self, strategy: Strategy, track: str) -> tuple[Verb, ...]:
        """What may be asked of this track alone, of any of them."""
        return _in_order(verb for each in self.parts.values() for verb in possible_of(strategy, each, track))


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
    going = {path: each for path, each in parts.items() if each.phase not in GIVEN_UP} or parts
    if strategy.is_tracked:
        state = _with_tracks(strategy, state, going.values())
    asked = _in_order(verb for each in parts.values() for verb in possible(strategy, each))
    seconds = _seconds(strategy, going, now, clocks)
    asking = (seconds_to_approval(strategy, part, now, clocks[path]) for path, part in going.items())
    asked_in = [each for each in asking if each is not None]
    return Whole(state, parts, seconds, max(asked_in, default=None), asked)


def _in_order(verbs: Iterable[Verb]) -> tuple[Verb, ...]:
    found = set(verbs)
    return tuple(verb for verb in VERBS if verb in found)


def _with_tracks(strategy: Strategy, state: State, parts: Collection[State]) -> State:
    """The whole with where its tracks are; while it goes on, it is at the one that needs a person first."""
    state = replace(state, tracks=tuple(_furthest_behind(strategy, track, parts) for track in strategy.tracks))
    first = summed(strategy, state)
    return replace(state, wave=first.wave, reason=first.reason) if state.phase == "Progressing" else state


def _furthest_behind(strategy: Strategy, track: Track, parts: Iterable[State]) -> Position:
    """Where the member is that is the furthest behind in a track, which is paused where it is for any of them."""
    found = [position(strategy, each, track) for each in parts]
    last = min(found, key=lambda at: (at.wave, at.reason in ("AwaitingMembers", "AwaitingTracks")))
    return replace(last, paused=any(at.paused for at in found))


def _seconds(strategy: Strategy, parts: Mapping[str, State], now: float, clocks: Mapping[str, Clocks]) -> float | None:
    """A wave takes as long as for the slowest, since they go wave by wave together."""
    slowest: dict[int, float] = {}
    for path, each in parts.items():
        found = seconds_by_wave(strategy, each, now, clocks[path])
        if found is None:
            return None
        for wave, seconds in found.items():
            slowest[wave] = max(slowest.get(wave, 0.0), seconds)
    return taken_together(strategy, slowest)
