"""A rollout that takes the place of another."""

from collections.abc import Mapping
from dataclasses import replace

from .state import Member, State
from .strategy import Strategy
from .tracks import moved


def origins(has: Mapping[str, int], old: Mapping[str, Member]) -> dict[str, tuple[int, int]]:
    """By unit, the revision that it would go back to and the one that it has now, where a rollout begins; `old` are the
    members of the one before it. A unit goes back to what it last proved to run: not to a revision that it was given
    and was not done with."""
    found = {}
    for name, now in has.items():
        was = old.get(name)
        found[name] = (now if was is None or _proven(was) else was.before, now)
    return found


def _proven(member: Member) -> bool:
    return member.turn in ("done", "restored") or member.assigned == member.before


def begun(target: int, waves: Mapping[str, int], units: Mapping[str, tuple[int, int]], now: float) -> State:
    """The rollout to a revision at its beginning, with the number of each unit's wave."""
    members = {name: Member(waves[name], before, has, since=now) for name, (before, has) in units.items()}
    return State(target, members=members)


def redivided(strategy: Strategy, state: State, waves: Mapping[str, int]) -> State:
    """A rollout under way after its strategy has changed, which puts each unit into one of these waves. Units that had
    their turn stay in their wave; with tracks, now or before, they are in that of their track, and a track that was not
    there before is at its beginning."""
    last = len(strategy.waves) - 1
    if strategy.is_tracked or state.tracks:
        members = {name: replace(each, wave=waves[name]) for name, each in state.members.items()}
        if strategy.is_tracked:
            return moved(strategy, replace(state, members=members), lambda _, at: at)
        return replace(state, members=members, wave=0, reason="", ready_at=None, approved=0, checked=0, tracks=())
    members = {
        name: replace(each, wave=waves[name] if each.turn == "waiting" else min(each.wave, last))
        for name, each in state.members.items()
    }
    return replace(state, members=members, wave=min(state.wave, last))
