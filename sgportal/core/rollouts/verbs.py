"""What a person may ask of a rollout."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Literal, get_args

from ..text import Sentence, say
from .state import Phase, State
from .strategy import Strategy

Verb = Literal["start", "pause", "resume", "approve", "skip", "abort", "rollback"]
VERBS: tuple[Verb, ...] = get_args(Verb)
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


def done(verb: Verb, strategy: Strategy, state: State, now: float, units: Collection[str] = ()) -> State:
    """The rollout after a verb, of these units where it takes units (`skip`). Raises NotNow."""
    if state.phase not in _FROM[verb]:
        raise NotNow(say("the rollout is %(phase)s, so “%(verb)s” is not possible", phase=state.phase, verb=verb))
    return _VERBS[verb](strategy, state, now, units)


def possible(strategy: Strategy, state: State) -> tuple[Verb, ...]:
    """What may be asked of the rollout now."""
    found = []
    for verb in VERBS:
        try:
            done(verb, strategy, state, 0.0)
        except NotNow:
            continue
        found.append(verb)
    return tuple(found)


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
        raise NotNow(say("wave “%(wave)s” does not wait for approval", wave=strategy.waves[state.wave].name))
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
