"""What the words of the annotation ask of a rollout."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from .state import State
from .strategy import Strategy
from .verbs import Verb


class Asked(NamedTuple):
    """A verb, and the units and the tracks that it names. `unknown`: words that are neither, where there are tracks
    or NodeUnits are left out, so that a slip in the name of one does not ask it of all."""

    verb: Verb
    units: list[str]
    tracks: list[str]
    unknown: list[str]


def asked_for(words: Sequence[str], strategy: Strategy, state: State) -> Asked:
    """What is asked by a verb and the words behind it. Those that mean nothing make one request differ from the last;
    with tracks, and where units are left out, only those that begin with a digit or name a wave do."""
    verb, names = cast(Verb, words[0]), words[1:]
    tracks = {each.name for each in strategy.tracks} if strategy.is_tracked else set()
    units = [name for name in names if name in state.members and (verb == "skip" or not tracks)]
    rest = [name for name in names if name not in units]
    known = tracks or {each.name for each in strategy.waves}
    slips = [name for name in rest if name not in known and not name[:1].isdigit()]
    unknown = slips if tracks or verb == "skip" else []
    return Asked(verb, units, [name for name in rest if name in tracks], unknown)
