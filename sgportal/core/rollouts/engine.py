"""What happens next in a rollout. Pure: the state that is stored, what was seen, and the time give the next state.

Asked twice of the same, it decides nothing new the second time; so it does not matter how often it is asked, nor where
a process that asked was killed: what it had not stored did not happen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .state import ABSENT, Failure, Member, Seen, State, Turn
from .strategy import Strategy, Track
from .together import ALONE, Others
from .tracks import Answers, each_part, have_passed, is_over, moved, part, position, summed, with_part

World = Mapping[str, Seen]
_AWAY = ("offline", "paused")


def advance(
    strategy: Strategy,
    state: State,
    seen: World,
    now: float,
    passed: Answers = None,
    others: Others = ALONE,
) -> State:
    """The rollout one decision later, `now` in epoch seconds. `passed`: whether the checks of the present wave, or
    which of several, passed just now; None where nobody asked, which it is for the state to call for
    (`CheckingGates`). `others`: those that it goes together with."""
    if strategy.is_tracked and state.phase == "Progressing":
        return _beside(strategy, state, seen, now, passed, others)
    state = _observed(strategy, state, seen, now)
    if state.phase == "Progressing":
        return _forward(strategy, state, seen, now, have_passed(strategy, passed), others)
    if state.phase == "RollingBack":
        return _backward(strategy, state, seen, now, others)
    if state.phase == "Complete":  # units that were out of reach come back one by one
        return _given(strategy, state, seen, now, others)
    return state


def next_look(strategy: Strategy, state: State, seen: World, now: float) -> float | None:
    """In how many seconds time alone changes something, None: never."""
    waits = [each.since + strategy.deadline - now for each in state.members.values() if each.turn in ("given", "back")]
    if state.phase in ("Progressing", "Complete"):
        opening = (seen.get(name, ABSENT).opens_in for name in state.at("waiting"))
        waits += [seconds for seconds in opening if seconds > 0]
    for _, _, mine in each_part(strategy, state) if state.phase == "Progressing" else ():
        if mine.ready_at is not None:
            waits.append(mine.ready_at + strategy.waves[mine.wave].soak - now)
    ahead = [each for each in waits if each > 0]
    return min(ahead, default=None)


def _beside(strategy: Strategy, state: State, seen: World, now: float, passed: Answers, others: Others) -> State:
    """The same of several tracks. They share what may be in change and what may fail; that of the rest begins when all
    others are at their end, in every member of the package."""
    state = moved(strategy, state, lambda _, at: at)
    for track in strategy.tracks:
        its, mine = part(strategy, state, track)
        state = with_part(strategy, state, track, _reopened(track, _observed(its, mine, seen, now), seen))
    if len(failed := state.at("failed")) > strategy.max_failures:
        last = max((state.members[name] for name in failed), key=lambda each: each.since)
        return _given_up(strategy, replace(state, reason="TooManyFailures", wave=last.wave), seen, now, others)
    *tracks, rest = strategy.tracks
    going, checked = [each for each in tracks if _goes(strategy, state, each)], passed
    while going:
        room = _most(strategy, state, seen, others) - len(_changing(state, seen, others))
        share = max(1, room // len(going))
        took = []
        for track in sorted(going, key=lambda each: _least(strategy, state, each, seen)):
            before = len(_changing(state, seen, others))
            state = _one_forward(strategy, state, track, seen, now, checked, others, share)
            if state.phase != "Progressing":
                return state
            took += [track] * (len(_changing(state, seen, others)) - before >= share)
        going, checked = took if room > 0 else [], None
    if not others.rest_waits and all(is_over(each, position(strategy, state, each)) for each in tracks):
        if _goes(strategy, state, rest):
            state = _one_forward(strategy, state, rest, seen, now, passed, others, len(state.members))
    elif not is_over(rest, position(strategy, state, rest)):
        held = replace(part(strategy, state, rest)[1], reason="AwaitingTracks", ready_at=None)
        state = with_part(strategy, state, rest, held)
    return summed(strategy, state) if state.phase == "Progressing" else state


def _one_forward(
    strategy: Strategy, state: State, track: Track, seen: World, now: float, passed: Answers, others: Others, share: int
) -> State:
    """The whole after one track went on, to whose units in change at most so many were added."""
    its, mine = part(strategy, state, track)
    most = min(_most(strategy, state, seen, others), len(_changing(state, seen, others)) + share)
    elsewhere = _changing(state, seen).difference(mine.members).union(others.changing)
    beside = replace(others, changing=elsewhere)
    after = _forward(replace(its, most=most), mine, seen, now, have_passed(its, passed), beside)
    if after.phase in ("Progressing", "Complete"):
        return with_part(strategy, state, track, after)
    state = replace(state, wave=mine.wave, reason=after.reason)
    return _given_up(strategy, state, seen, now, others)


def _goes(strategy: Strategy, state: State, track: Track) -> bool:
    at = position(strategy, state, track)
    return not (at.paused or is_over(track, at))


def _reopened(track: Track, mine: State, seen: World) -> State:
    """A track that was at its end, and has units again that it waits for, is at its last wave."""
    return replace(mine, wave=track.end - 1) if mine.wave >= track.end and _open(mine, seen) else mine


def _there(state: State, seen: World) -> set[str]:
    return {name for name in state.members if seen.get(name, ABSENT).health != "absent"}


def _changing(state: State, seen: World, others: Others = ALONE, turn: Turn = "given") -> set[str]:
    """The units that are in change, here by being at this turn, or elsewhere."""
    return {name for name in state.at(turn) if seen.get(name, ABSENT).health != "absent"}.union(others.changing)


def _most(strategy: Strategy, state: State, seen: World, others: Others) -> int:
    return strategy.at_once(len(_there(state, seen).union(others.units)))


def _least(strategy: Strategy, state: State, track: Track, seen: World) -> tuple[int, float, int]:
    """Who is first where not all can go on: the track with the fewest units in change, of several the one that has
    waited longest, and then the one of which the fewest were reached."""
    mine = part(strategy, state, track)[1]
    reached = [each.reached for each in mine.members.values() if each.reached]
    return len(_changing(mine, seen)), max(reached, default=0.0), len(reached)


def _observed(strategy: Strategy, state: State, seen: World, now: float) -> State:
    """The members as they are found."""
    found = dict(state.members)
    for name, member in state.members.items():
        turn = _turn(strategy, state, member, seen.get(name, ABSENT), now)
        if turn != member.turn:
            failure = _failure(turn, seen.get(name, ABSENT))
            took = member.took or (now - member.since if turn == "done" else 0.0)
            found[name] = replace(member, turn=turn, since=now, took=took, failure=failure)
            if member.turn == "given" and turn == "waiting":  # nothing was carried out
                found[name] = replace(found[name], assigned=seen[name].revision or member.before)
    return replace(state, members=found)


def _failure(turn: Turn, seen: Seen) -> Failure:
    if turn != "failed":
        return ""
    return "TooManyRestarts" if seen.restarting else "DeadlineExceeded"


def _turn(strategy: Strategy, state: State, member: Member, seen: Seen, now: float) -> Turn:
    if seen.health == "absent":
        return member.turn
    away, is_there = _is_away(seen), seen.health == "ready" and seen.revision == member.assigned
    late = (seen.stuck and seen.revision == member.assigned) or now - member.since >= strategy.deadline
    restarting = seen.restarting and seen.revision == member.assigned == state.target and not away
    match member.turn:
        case "given" | "done" if restarting and state.phase == "Progressing":
            return "failed"
        case "given" if seen.waits and not away:  # for as long as it takes, which is no time of its own
            return "waiting"
        case "given":
            return "deferred" if away else "done" if is_there else "failed" if late else "given"
        case "failed" if is_there and not restarting:
            return "done"
        case "deferred" if not away:
            return "given" if member.assigned == state.target else "waiting"
        case "done" if state.phase == "Progressing" and member.wave == state.wave:
            return "done" if away or is_there else "given"
        case "back" if is_there:
            return "restored"
    return member.turn


def _forward(strategy: Strategy, state: State, seen: World, now: float, passed: bool | None, others: Others) -> State:
    """Failures first; then as many waves as nothing holds back."""
    if len(state.at("failed")) > strategy.max_failures:
        return _given_up(strategy, replace(state, reason="TooManyFailures"), seen, now, others)
    while True:
        state = _given(strategy, state, seen, now, others)
        if open_units := _open(state, seen):
            closed = all(state.members[name].turn == "waiting" and seen[name].opens_in > 0 for name in open_units)
            return replace(state, reason="OutsideWindow" if closed else "RollingOut", ready_at=None)
        wave = strategy.waves[state.wave]
        ready_at = now if state.ready_at is None else state.ready_at
        state = replace(state, ready_at=ready_at)
        if _touched(state) and now - ready_at < wave.soak:
            return replace(state, reason="Soaking")
        if strategy.gates and _touched(state) and state.checked <= state.wave and not passed:
            late = now - ready_at - wave.soak >= strategy.deadline
            if passed is False and late:
                return _given_up(strategy, replace(state, reason="GateFailed"), seen, now, others)
            return replace(state, reason="CheckingGates")
        state, passed = replace(state, checked=max(state.checked, state.wave + 1)), None
        if wave.approval and state.approved <= state.wave:
            return replace(state, reason="AwaitingApproval")
        if state.wave >= others.limits.get(strategy.tracks[-1].name, len(strategy.waves)):
            return replace(state, reason="AwaitingMembers")
        if state.wave + 1 == len(strategy.waves):
            return replace(state, phase="Complete", reason="", ready_at=None)
        state = replace(state, wave=state.wave + 1, ready_at=None)


def _given_up(strategy: Strategy, state: State, seen: World, now: float, others: Others) -> State:
    """What failure leads to."""
    if strategy.on_failure == "halt":
        return replace(state, phase="Halted", ready_at=None)
    return _backward(strategy, replace(state, phase="RollingBack"), seen, now, others)


def _touched(state: State) -> bool:
    """Whether any unit of the present wave has the revision, so that there is something to watch."""
    return any(each.wave == state.wave and each.turn in ("done", "failed") for each in state.members.values())


def _open(state: State, seen: World) -> list[str]:
    """The units that the present wave waits for."""
    found = (name for name in state.at("waiting", "given") if state.members[name].wave <= state.wave)
    return [name for name in found if seen.get(name, ABSENT).health != "absent"]


def _given(strategy: Strategy, state: State, seen: World, now: float, others: Others) -> State:
    """Give the revision to as many units as may be in change at once; those that are out of reach are put off."""
    due = [name for name in state.at("waiting") if state.phase == "Complete" or state.members[name].wave <= state.wave]
    found = {name: seen.get(name, ABSENT) for name in due}
    away = [name for name in due if _is_away(found[name])]
    ready = [name for name in due if _may_begin(found[name])]
    chosen = _as_many_as_may(strategy, state, seen, "given", others, ready)
    return state.turned(away, "deferred", now).turned(chosen, "given", now, state.target)


def _may_begin(seen: Seen) -> bool:
    """Whether a unit may be given a revision now."""
    return not (_is_away(seen) or seen.waits or seen.health == "absent" or seen.opens_in > 0)


def _is_away(seen: Seen) -> bool:
    """Whether a unit is not waited for: it is out of reach, or another grid that it needs has failed there."""
    return seen.health in _AWAY or seen.waits == "failed"


def _as_many_as_may(
    strategy: Strategy, state: State, seen: World, turn: Turn, others: Others, names: Iterable[str]
) -> list[str]:
    """The first of these units, as many as may be in change besides those at this turn. One in change elsewhere counts
    there already."""
    changing = _changing(state, seen, others, turn)
    most = _most(strategy, state, seen, others)
    chosen: list[str] = []
    for name in names:
        if name in changing or len(changing) < most:
            changing.add(name)
            chosen.append(name)
    return chosen


def _backward(strategy: Strategy, state: State, seen: World, now: float, others: Others) -> State:
    """Give units what they had, also those that another rollout gave something which they did not prove to run: at once
    where they are not well or out of reach, the others few at a time."""
    touched = [name for name in state.at(*_FORWARD) if _has_other(state, name)]
    urgent = [name for name in touched if state.members[name].turn != "done" and not _is_well(seen, name)]
    state = state.returned(urgent, now)
    calm = [name for name in touched if state.members[name].turn != "back"]
    state = state.returned(_as_many_as_may(strategy, state, seen, "back", others, calm), now)
    waited_for = [
        name
        for name in state.at("back")
        if seen.get(name, ABSENT).health not in ("absent", *_AWAY)
        and now - state.members[name].since < strategy.deadline
    ]
    if not waited_for and not any(_has_other(state, name) for name in state.members):
        return replace(state, phase="RolledBack", ready_at=None)
    return replace(state, ready_at=None)


_FORWARD: tuple[Turn, ...] = ("given", "done", "failed", "skipped", "deferred", "waiting")


def _has_other(state: State, name: str) -> bool:
    """Whether a unit should have something else than what it goes back to."""
    return state.members[name].assigned != state.members[name].before


def _is_well(seen: World, name: str) -> bool:
    return seen.get(name, ABSENT).health == "ready"
