"""What a person may ask of a rollout."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Literal, get_args

from ..text import Sentence, say
from .state import Phase, Position, State
from .strategy import Strategy, Track
from .tracks import ahead, is_over, moved, part, position, positions, with_part

Verb = Literal["start", "pause", "resume", "approve", "skip", "abort", "rollback"]
VERBS: tuple[Verb, ...] = get_args(Verb)
OF_TRACKS: frozenset[Verb] = frozenset(("pause", "resume", "approve", "skip"))  # what a single track can be asked
OF_ALL = say("“%(verb)s” is for the whole rollout, and takes no tracks")
_FROM: Mapping[Verb, tuple[Phase, ...]] = {
    "start": ("Pending", "Halted", "Aborted", "RolledBack", "Complete"),
    "pause": ("Progressing",),
    "resume": ("Paused", "Halted"),
    "approve": ("Progressing", "Paused"),
    "skip": ("Progressing", "Paused", "Halted"),
    "abort": ("Pending", "Progressing", "Paused", "Halted", "RollingBack"),
    "rollback": ("Progressing", "Paused", "Halted", "Aborted"),
}


class NotNow(Exception):
    """What was asked for makes no sense now; `sentence` says why."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def done(
    verb: Verb,
    strategy: Strategy,
    state: State,
    now: float,
    units: Collection[str] = (),
    tracks: Collection[str] = (),
) -> State:
    """The rollout after a verb, of these units where it takes units (`skip`), or of these of its tracks where it is of
    one (`OF_TRACKS`); of all that it makes sense for where none is named. Raises NotNow."""
    alone = verb == "resume" and any(each.paused for each in positions(strategy, state))
    if state.phase not in _FROM[verb] and not (alone and state.phase == "Progressing"):
        raise NotNow(say("the rollout is %(phase)s, so “%(verb)s” is not possible", phase=state.phase, verb=verb))
    if strategy.is_tracked and verb in OF_TRACKS and not units:
        chosen = [each for each in strategy.tracks if each.name in tracks]
        return _BESIDE[verb](strategy, state, now, chosen)
    state = _VERBS[verb](strategy, state, now, units)
    return moved(strategy, state, lambda _, at: Position(at.name)) if verb == "start" and state.tracks else state


def possible(strategy: Strategy, state: State) -> tuple[Verb, ...]:
    """What may be asked of the rollout now."""
    return tuple(verb for verb in VERBS if _is_possible(verb, strategy, state))


def possible_of(strategy: Strategy, state: State, track: str) -> tuple[Verb, ...]:
    """What may be asked of this track alone now."""
    return tuple(verb for verb in VERBS if verb in OF_TRACKS and _is_possible(verb, strategy, state, [track]))


def _is_possible(verb: Verb, strategy: Strategy, state: State, tracks: Collection[str] = ()) -> bool:
    try:
        done(verb, strategy, state, 0.0, tracks=tracks)
    except NotNow:
        return False
    return True


def _start(_strategy: Strategy, state: State, now: float, _units: Collection[str]) -> State:
    """From the first wave on; units that have the revision are done at once."""
    if state.phase == "Complete" and not state.at("skipped"):
        raise NotNow(say("the rollout is complete, and no NodeUnit was left out"))
    again = state.at("failed", "skipped", "back", "restored", "done", "given")
    has = [name for name in again if state.members[name].assigned == state.target]
    state = state.turned(has, "given", now).turned([name for name in again if name not in set(has)], "waiting", now)
    return replace(state, phase="Progressing", reason="", wave=0, ready_at=None, approved=0, checked=0)


def _pause(_strategy: Strategy, state: State, _now: float, _units: Collection[str]) -> State:
    return replace(state, phase="Paused")


def _resume(_strategy: Strategy, state: State, now: float, _units: Collection[str]) -> State:
    """On from where it stood; what failed, and what was under way, has its whole time again."""
    return replace(
        state.turned(state.at("failed", "given"), "given", now), phase="Progressing", reason="", ready_at=None
    )


def _approve(strategy: Strategy, state: State, _now: float, _units: Collection[str]) -> State:
    if state.reason != "AwaitingApproval" or state.approved > state.wave:
        raise NotNow(say("wave “%(wave)s” does not wait for approval", wave=strategy.title(state.wave)))
    return replace(state, approved=state.wave + 1)


def _skip(strategy: Strategy, state: State, now: float, units: Collection[str]) -> State:
    """Leave units out of this rollout; without units, wait no longer for the present wave: what of it has not
    been given the revision gets it with the next one."""
    if units:
        return state.turned([name for name in units if name in state.members], "skipped", now)
    if state.wave + 1 == len(strategy.waves):
        raise NotNow(say("there is no wave after this one"))
    late = [name for name in state.at("given", "failed") if state.members[name].wave <= state.wave]
    state = state.turned(late, "skipped", now)
    phase: Phase = "Progressing" if state.phase == "Halted" else state.phase
    return replace(state, wave=state.wave + 1, ready_at=None, phase=phase, reason="")


def _abort(_strategy: Strategy, state: State, _now: float, _units: Collection[str]) -> State:
    return replace(state, phase="Aborted", reason="", ready_at=None)


def _rollback(_strategy: Strategy, state: State, _now: float, _units: Collection[str]) -> State:
    return replace(state, phase="RollingBack", reason="", ready_at=None)


_VERBS: Mapping[Verb, Callable[[Strategy, State, float, Collection[str]], State]] = {
    "start": _start,
    "pause": _pause,
    "resume": _resume,
    "approve": _approve,
    "skip": _skip,
    "abort": _abort,
    "rollback": _rollback,
}


def _pause_tracks(strategy: Strategy, state: State, now: float, tracks: Collection[Track]) -> State:
    """All tracks, or these: the rollout is paused once all that are not at their end are."""
    names = {each.name for each in tracks or strategy.tracks}
    for each in tracks:
        _check(strategy, state, each, paused=False)
    state = moved(strategy, state, lambda _, at: replace(at, paused=at.paused or at.name in names))
    return _pause(strategy, state, now, ()) if all(at.paused for _, at in ahead(strategy, state)) else state


def _resume_tracks(strategy: Strategy, state: State, now: float, tracks: Collection[Track]) -> State:
    if not tracks:
        state = _resume(strategy, state, now, ())
        return moved(strategy, state, lambda _, at: replace(at, paused=False, ready_at=None))
    if state.phase == "Halted":
        raise NotNow(say("the rollout is %(phase)s, so “%(verb)s” is not possible", phase="Halted", verb="resume"))
    for each in tracks:
        _check(strategy, state, each, paused=True)
    for track in tracks:
        mine = _resume(strategy, part(strategy, state, track)[1], now, ())
        state = with_part(strategy, replace(state, phase="Progressing"), track, mine)
    # Nor does a track stay paused that has no units: nobody sees it, so nobody could resume it by itself.
    names = {each.name for each in strategy.tracks if each in tracks or not part(strategy, state, each)[1].members}
    return moved(strategy, state, lambda _, at: replace(at, paused=at.paused and at.name not in names))


def _check(strategy: Strategy, state: State, track: Track, paused: bool) -> None:
    """Raises NotNow where a track is at its end, or is paused or not as it must not be."""
    at = position(strategy, state, track)
    if is_over(track, at):
        raise NotNow(say("track “%(track)s” has no wave under way", track=track.name))
    if at.paused and not paused:
        raise NotNow(say("track “%(track)s” is paused already", track=track.name))
    if paused and not at.paused:
        raise NotNow(say("track “%(track)s” is not paused", track=track.name))


def _each_track(verb: Verb) -> Callable[[Strategy, State, float, Collection[Track]], State]:
    """The verb for every track that it makes sense for, at least one; for all of these where some are named."""

    def act(strategy: Strategy, state: State, now: float, tracks: Collection[Track]) -> State:
        found, why = state, list[NotNow]()
        for track in tracks or strategy.tracks:
            its, mine = part(strategy, found, track)
            try:
                if is_over(track, position(strategy, found, track)) or mine.reason == "AwaitingTracks":
                    raise NotNow(say("track “%(track)s” has no wave under way", track=track.name))
                after = _VERBS[verb](its, mine, now, ())
            except NotNow as not_now:
                why.append(not_now)
                continue
            found = replace(with_part(strategy, found, track, after), phase=after.phase)
        if why and (tracks or found is state):
            raise why[0]
        return found

    return act


_BESIDE: Mapping[Verb, Callable[[Strategy, State, float, Collection[Track]], State]] = {
    "pause": _pause_tracks,
    "resume": _resume_tracks,
    "approve": _each_track("approve"),
    "skip": _each_track("skip"),
}
