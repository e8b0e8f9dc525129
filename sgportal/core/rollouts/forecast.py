"""In about how long a rollout is complete that goes on as it went so far, in virtual time: windows open and close by
the clock of each unit while it goes on."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from .state import Member, State
from .strategy import Strategy
from .tracks import each_part, is_over, position

_HORIZON = 366 * 24 * 3600.0  # seconds; nothing is told of what lies beyond
_ALWAYS = ""  # stands for the time zone of units that wait for no window


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time zones of units by name, of those that differ from `Strategy.time_zone`, and what a clock there shows:
    the minute of the week since Monday, 0:00, at an instant in epoch seconds."""

    zones: Mapping[str, str]
    minute_of: Callable[[float, str], int]


def seconds_left(strategy: Strategy, state: State, now: float, clocks: Clocks) -> float | None:
    """In about how many seconds a rollout is complete; None where that cannot be told: no unit is done yet, or a person
    is waited for."""
    found = seconds_by_wave(strategy, state, now, clocks)
    return None if found is None else taken_together(strategy, found)


def taken_together(strategy: Strategy, by_wave: Mapping[int, float]) -> float:
    """How many seconds all waves take that take so long each: those of tracks side by side, then those of the rest."""
    *beside, rest = (sum(by_wave.get(at, 0.0) for at in range(each.begin, each.end)) for each in strategy.tracks)
    return max(beside, default=0.0) + rest


def seconds_to_approval(strategy: Strategy, state: State, now: float, clocks: Clocks) -> float | None:
    """In about how many seconds a person has to approve a wave, of whichever track, before it goes on; None where
    nobody has, or that cannot be told."""
    parts = [each for each in each_part(strategy, state) if not position(strategy, state, each[0]).paused]
    pace = _pace(strategy, state, len(parts))
    found = []
    for _, its, mine in parts:
        if (asking := _asking(its, mine)) is not None:
            found.append(_by_wave(its, mine, now, clocks, pace, asking))
    return min((sum(each.values()) for each in found if each is not None), default=None)


def seconds_by_wave(strategy: Strategy, state: State, now: float, clocks: Clocks) -> dict[int, float] | None:
    """The seconds that each wave takes which is not over, by its number; None where that cannot be told. Tracks share
    what may be in change, and that of the rest comes after them."""
    *beside, rest = each_part(strategy, state)
    going = [each for each in beside if not is_over(each[0], position(strategy, state, each[0]))]
    found: dict[int, float] = {}
    for parts in (going, [rest]):
        begin = now + taken_together(strategy, found)
        for track, its, mine in parts:
            if position(strategy, state, track).paused or _asking(its, mine) is not None:
                return None
            its_own = _by_wave(its, mine, begin, clocks, _pace(strategy, state, len(parts)), track.end - 1)
            if its_own is None:
                return None
            found |= its_own
    return found


def _asking(strategy: Strategy, state: State) -> int | None:
    """The number of the next wave after which a person has to approve, None where there is none."""
    waves = enumerate(strategy.waves)
    return next((at for at, wave in waves if at >= state.wave and wave.approval and state.approved <= at), None)


def _pace(strategy: Strategy, state: State, sharing: int = 1) -> tuple[int, float] | None:
    """How many units are in change at once where so many tracks share that, and how long one takes."""
    took = [each.took for each in state.members.values() if each.took > 0]
    if state.phase != "Progressing" or not took:
        return None
    return max(1, strategy.at_once(len(state.members)) // max(1, sharing)), median(took)


def _by_wave(
    strategy: Strategy, state: State, begin: float, clocks: Clocks, pace: tuple[int, float] | None, last: int
) -> dict[int, float] | None:
    """The same of the waves up to that of this number, where it goes on from `begin`."""
    if pace is None:
        return None
    ends = [0.0]
    for number in range(state.wave, last + 1):
        mine = {name: each for name, each in state.members.items() if each.wave == number}
        changed = _changed(strategy, mine, begin, ends[-1], clocks, *pace)
        if changed is None or changed > _HORIZON:
            return None
        soaked = begin - state.ready_at if number == state.wave and state.ready_at is not None else 0.0
        ends.append(changed + (max(0.0, strategy.waves[number].soak - soaked) if mine else 0.0))
    return {state.wave + index: end - start for index, (start, end) in enumerate(pairwise(ends))}


def _changed(
    strategy: Strategy,
    members: Mapping[str, Member],
    begin: float,
    after: float,
    clocks: Clocks,
    at_once: int,
    takes: float,
) -> float | None:
    """How many seconds after `begin` all of these units have changed, with which it goes on `after` so many; None where
    that is beyond a year."""
    left = Counter(
        clocks.zones.get(name, strategy.time_zone) if strategy.windows and each.turn == "waiting" else _ALWAYS
        for name, each in members.items()
        if each.turn in ("waiting", "given")
    )
    while left and after <= _HORIZON:
        at = begin + after
        opens = {zone: _opens_in(strategy, at, zone, clocks) for zone in left}
        ready = [zone for zone, seconds in opens.items() if not seconds]
        ahead = [seconds for seconds in opens.values() if seconds]
        if not ready:
            after += min(ahead)
            continue
        lasts = min(*ahead, *(_closes_in(strategy, at, zone, clocks) for zone in ready), math.inf)
        rounds = -(-sum(left[zone] for zone in ready) // at_once)
        if lasts < rounds * takes:
            rounds = max(1, math.ceil(lasts / takes))
        room = rounds * at_once
        for zone in ready:
            begun = min(left[zone], room)
            left[zone], room = left[zone] - begun, room - begun
        left, after = +left, after + rounds * takes
    return None if left else after


def _opens_in(strategy: Strategy, at: float, zone: str, clocks: Clocks) -> float:
    """In how many seconds a unit there may be given a revision, 0 now."""
    minutes = 0 if zone == _ALWAYS else strategy.opens_in(clocks.minute_of(at, zone))
    return minutes * 60 - at % 60 if minutes else 0.0


def _closes_in(strategy: Strategy, at: float, zone: str, clocks: Clocks) -> float:
    """In how many seconds no unit there may be given a revision any more, where it may now."""
    return math.inf if zone == _ALWAYS else strategy.closes_in(clocks.minute_of(at, zone)) * 60 - at % 60
