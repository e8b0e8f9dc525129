"""Rollouts of the members of one package: wave by wave together."""

from collections.abc import Iterable

from .state import Phase, Reason

Place = tuple[Phase, Reason, int]  # of a member's rollout: what it does, what it waits for, the number of its wave


def limit_of(others: Iterable[Place | None]) -> int | None:
    """The number of the last wave that a member may begin, as far as the others are (None among these: one that has not
    begun with what it says now); None where nobody holds it up. Who is done with a wave waits for the others there."""
    limits = [0 if each is None else _allows(*each) for each in others if each is None or each[0] not in _OVER]
    return min(limits, default=None)


_OVER = ("Complete", "Superseded")


def _allows(phase: Phase, reason: Reason, wave: int) -> int:
    return wave + 1 if phase == "Progressing" and reason == "AwaitingMembers" else wave
