"""Rollouts of the members of one package: wave by wave together."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from .state import GIVEN_UP, OVER, Phase, Reason, State
from .strategy import Strategy, Track
from .tracks import is_over, position

Place = tuple[Phase, Reason, int]  # what a track of a member does, what it waits for, the number of its own wave


@dataclass(frozen=True, slots=True)
class Others:
    """The rollouts that one goes together with. `limits`: by track, the number of the last wave of the strategy that it
    may begin, any where there is none; the number behind its last wave stands for its end. `rest_waits`: whether a
    track is under way there, so that what no track takes has to wait. `changing`: the units that are in change there,
    which count once for all. `units`: all that they are for."""

    limits: Mapping[str, int] = field(default_factory=dict)
    rest_waits: bool = False
    changing: Collection[str] = ()
    units: Collection[str] = ()


ALONE = Others()


def after_those(strategy: Strategy, state: State, waves: Mapping[str, int]) -> State:
    """The rollout where no unit has its turn in an earlier wave, nor in another track, than that in which those that it
    waits for have theirs: `waves` are these, by unit."""
    later = {
        name: replace(each, wave=waves[name])
        for name, each in state.members.items()
        if each.turn in ("waiting", "deferred") and name in waves and _is_to_wait(strategy, each.wave, waves[name])
    }
    return replace(state, members={**state.members, **later}) if later else state


def _is_to_wait(strategy: Strategy, wave: int, theirs: int) -> bool:
    return theirs > wave or strategy.track_at(theirs) != strategy.track_at(wave)


def beside(strategy: Strategy, others: Collection[State | None]) -> Others:
    """What the rollouts of the other members say of how far one may go, as far as they are (None among these: one that
    has not begun with what it says now); what is in change there is not told."""
    limits = {}
    for track in strategy.tracks:
        limit = limit_of(_place(strategy, track, each) for each in others)
        if limit is not None:
            limits[track.name] = track.begin + limit
    return Others(limits, strategy.is_tracked and any(_has_tracks_left(strategy, each) for each in others))


def _place(strategy: Strategy, track: Track, other: State | None) -> Place | None:
    """Where another member is in a track; at its end it holds up nobody there."""
    if other is None:
        return None
    if not strategy.is_tracked:
        return other.phase, other.reason, other.wave
    at = position(strategy, other, track)
    if is_over(track, at):
        return "Complete", "", at.wave
    return "Paused" if at.paused else other.phase, at.reason, at.wave


def _has_tracks_left(strategy: Strategy, other: State | None) -> bool:
    *tracks, _ = strategy.tracks
    if other is None or other.phase in _GOES_NO_FURTHER:
        return other is None
    return not all(is_over(track, position(strategy, other, track)) for track in tracks)


def limit_of(others: Iterable[Place | None]) -> int | None:
    """The number of the last wave that a member may begin, as far as the others are (None among these: one that has not
    begun with what it says now); None where nobody holds it up. Who is done with a wave waits for the others there."""
    limits = [
        0 if each is None else _allows(*each) for each in others if each is None or each[0] not in _GOES_NO_FURTHER
    ]
    return min(limits, default=None)


_GOES_NO_FURTHER = OVER | GIVEN_UP  # and so it is waited for by nobody


def _allows(phase: Phase, reason: Reason, wave: int) -> int:
    return wave + 1 if phase == "Progressing" and reason == "AwaitingMembers" else wave


def is_given_up(before: Phase | None, after: Phase) -> bool:
    """Whether somebody gave the rollout of a member up just now: by itself, if that is not of all."""
    return before != after and after in ("Aborted", "RollingBack")


def stopped(state: State) -> State:
    """The rollout of a member after that of another was given up by itself: it stands still until somebody says how the
    package is to go on, without the other one or back with it."""
    if state.phase not in ("Progressing", "Paused"):
        return state
    return replace(state, phase="Halted", reason="MemberStopped", ready_at=None)


def asked_of(units: Collection[str], members: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Of which members (their units by path) something is asked, and for which of these units: of those that have any
    of them; of all and no unit in particular where none is named or nobody has one."""
    found = {path: [unit for unit in units if unit in its] for path, its in members.items()}
    return {path: its for path, its in found.items() if its} or found
