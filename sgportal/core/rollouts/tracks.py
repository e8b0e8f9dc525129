"""A rollout of several tracks, taken apart and put together again: each is a rollout of its own units and waves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from .state import Member, Position, Reason, State
from .strategy import Gate, Strategy, Track

Gates = tuple[Gate, ...]
Answers = Mapping[Gates, bool] | bool | None  # whether checks passed that were asked, or all; None where nobody asked

# Which of several tracks speaks for the whole: the one that needs a person, then the one where something happens.
_FIRST: tuple[Reason, ...] = ("AwaitingApproval", "RollingOut", "CheckingGates", "Soaking", "OutsideWindow")


def positions(strategy: Strategy, state: State) -> tuple[Position, ...]:
    """Where each track is, in the order of the strategy; one that the state does not know yet is at its beginning."""
    known = {each.name: each for each in state.tracks}
    found = (known.get(track.name) or Position(track.name) for track in strategy.tracks)
    return tuple(
        replace(each, wave=min(each.wave, track.end - track.begin))
        for each, track in zip(found, strategy.tracks, strict=True)
    )


def each_part(strategy: Strategy, state: State) -> Iterator[tuple[Track, Strategy, State]]:
    """Each track with its strategy and its state; the whole where there are none. Waves keep their numbers."""
    if not strategy.is_tracked:
        yield strategy.tracks[0], strategy, state
        return
    for track in strategy.tracks:
        yield track, *part(strategy, state, track)


def part(strategy: Strategy, state: State, track: Track) -> tuple[Strategy, State]:
    """A track as a rollout of its own; its wave is `track.end` where it is at its end."""
    at = position(strategy, state, track)
    mine = replace(
        state,
        reason=at.reason,
        wave=track.begin + at.wave,
        ready_at=at.ready_at,
        approved=track.begin + at.approved,
        checked=track.begin + at.checked,
        members=_of(track, state),
        tracks=(),
    )
    return strategy.of(track), mine


def position(strategy: Strategy, state: State, track: Track) -> Position:
    """Where a track is."""
    return next(each for each in positions(strategy, state) if each.name == track.name)


def _of(track: Track, state: State) -> dict[str, Member]:
    return {name: each for name, each in state.members.items() if track.begin <= each.wave < track.end}


def with_part(strategy: Strategy, state: State, track: Track, mine: State) -> State:
    """The whole after a track has come to this state."""
    at_end = mine.phase == "Complete"
    at = replace(
        position(strategy, state, track),
        wave=(track.end if at_end else mine.wave) - track.begin,
        reason=mine.reason,
        ready_at=mine.ready_at,
        approved=max(0, mine.approved - track.begin),
        checked=max(0, mine.checked - track.begin),
    )
    placed = tuple(at if each.name == track.name else each for each in positions(strategy, state))
    return replace(state, members={**state.members, **mine.members}, tracks=placed)


def is_over(track: Track, at: Position) -> bool:
    """Whether a track is at its end."""
    return at.wave >= track.end - track.begin


def ahead(strategy: Strategy, state: State) -> list[tuple[Track, Position]]:
    """The tracks that are not at their end, and where they are."""
    placed = zip(strategy.tracks, positions(strategy, state), strict=True)
    return [(track, at) for track, at in placed if not is_over(track, at)]


def is_approved(strategy: Strategy, state: State, number: int) -> bool:
    """Whether a person has approved the wave of this number."""
    if not strategy.is_tracked:
        return state.approved > number
    track = strategy.track_at(number)
    return track.begin + position(strategy, state, track).approved > number


def is_present(strategy: Strategy, state: State, number: int) -> bool:
    """Whether the wave of this number is the one that its track is at."""
    if not strategy.is_tracked:
        return state.wave == number
    track = strategy.track_at(number)
    return track.begin + position(strategy, state, track).wave == number


def summed(strategy: Strategy, state: State) -> State:
    """A rollout in progress, with what stands for the whole of it: it is complete once every track is at its end, and
    paused where all that could go on are."""
    left = ahead(strategy, state)
    if not left:
        last = len(strategy.waves) - 1
        return replace(state, phase="Complete", reason="", wave=last, ready_at=None)
    live = [(track, at) for track, at in left if not at.paused and at.reason != "AwaitingTracks"]
    stands = not live and any(at.paused for _, at in left)  # else it is for the tracks of other members to go on
    first, at = min(live or left, key=lambda found: _rank(found[1].reason))
    state = replace(state, wave=first.begin + at.wave, reason="" if stands else at.reason, ready_at=None)
    return replace(state, phase="Paused") if stands else state


def _rank(reason: Reason) -> int:
    return _FIRST.index(reason) if reason in _FIRST else len(_FIRST)


def moved(strategy: Strategy, state: State, change: Callable[[Track, Position], Position]) -> State:
    """The rollout where each track is where `change` puts it."""
    placed = zip(strategy.tracks, positions(strategy, state), strict=True)
    return replace(state, tracks=tuple(change(track, at) for track, at in placed))


def due_gates(strategy: Strategy, state: State) -> list[Gates]:
    """The checks that are to be asked now: of each track of which a wave waits for them."""
    if state.phase != "Progressing":
        return []
    due = [
        its.gates
        for track, its, mine in each_part(strategy, state)
        if mine.reason == "CheckingGates" and not position(strategy, state, track).paused
    ]
    return list(dict.fromkeys(due))


def have_passed(strategy: Strategy, asked: Answers) -> bool | None:
    """Whether the checks of a strategy passed, None where they were not asked."""
    return asked.get(strategy.gates) if isinstance(asked, Mapping) else asked
