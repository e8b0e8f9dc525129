"""A rollout that takes the place of another."""

from collections.abc import Mapping

from .state import Member, State


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
