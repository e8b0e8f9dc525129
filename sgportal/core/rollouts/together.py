"""Rollouts of the members of one package: wave by wave together."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from .state import Phase, Reason, State

Place = tuple[Phase, Reason, int]  # of a member's rollout: what it does, what it waits for, the number of its wave


@dataclass(frozen=True, slots=True)
class Others:
    """The rollouts that one goes together with. `limit`: the number of the last wave that it may begin, None: any; the
    number of waves stands for completion. `changing`: the units that are in change there, which count once for all.
    `units`: all that they are for."""

    limit: int | None = None
    changing: Collection[str] = ()
    units: Collection[str] = ()


ALONE = Others()


def after_those(state: State, waves: Mapping[str, int]) -> State:
    """The rollout where no unit has its turn in an earlier wave than that in which those that it waits for have theirs:
    `waves` are these, by unit."""
    later = {
        name: replace(each, wave=waves[name])
        for name, each in state.members.items()
        if each.turn in ("waiting", "deferred") and waves.get(name, 0) > each.wave
    }
    return replace(state, members={**state.members, **later}) if later else state


def limit_of(others: Iterable[Place | None]) -> int | None:
    """The number of the last wave that a member may begin, as far as the others are (None among these: one that has not
    begun with what it says now); None where nobody holds it up. Who is done with a wave waits for the others there."""
    limits = [0 if each is None else _allows(*each) for each in others if each is None or each[0] not in _OVER]
    return min(limits, default=None)


_OVER = ("Complete", "Superseded")


def _allows(phase: Phase, reason: Reason, wave: int) -> int:
    return wave + 1 if phase == "Progressing" and reason == "AwaitingMembers" else wave


def asked_of(words: Collection[str], members: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Of which members (their units by path) something is asked, and for which units, where these words stand behind
    the verb: of those that have any unit among them; of all and no unit in particular where nobody has one."""
    found = {path: [word for word in words if word in units] for path, units in members.items()}
    return {path: units for path, units in found.items() if units} or found
