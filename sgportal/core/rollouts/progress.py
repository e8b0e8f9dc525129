"""How far a rollout is, in numbers and in a sentence."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ..text import Sentence, say
from .state import Phase, Reason, State
from .strategy import Strategy, Track
from .tracks import is_over, part, position


@dataclass(frozen=True, slots=True)
class WaveProgress:
    """How many units of a wave are at which turn."""

    name: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many units it has."""
        return sum(self.counts.values())


def of_waves(strategy: Strategy, state: State) -> tuple[WaveProgress, ...]:
    """Each wave with its units; of a state that was made by a strategy with more waves, the others are in the last."""
    counts: list[Counter[str]] = [Counter() for _ in strategy.waves]
    for each in state.members.values():
        counts[min(each.wave, len(counts) - 1)][each.turn] += 1
    return tuple(WaveProgress(wave.name, dict(found)) for wave, found in zip(strategy.waves, counts, strict=True))


@dataclass(frozen=True, slots=True)
class TrackProgress:
    """Where a `track` is, and how many of its units are at which turn. `wave` is the name of its present wave and
    `reason` what it waits for, both "" at its end."""

    track: Track
    wave: str
    reason: Reason
    sentence: Sentence
    paused: bool
    is_over: bool
    counts: Mapping[str, int]

    @property
    def name(self) -> str:
        """What the track is called."""
        return self.track.name

    @property
    def total(self) -> int:
        """How many units it has."""
        return sum(self.counts.values())


def of_tracks(strategy: Strategy, state: State) -> tuple[TrackProgress, ...]:
    """Those of several tracks that have units; none where there is one alone."""
    tracks = strategy.tracks if strategy.is_tracked else ()
    return tuple(found for track in tracks if (found := _of_track(strategy, state, track)).total)


def _of_track(strategy: Strategy, state: State, track: Track) -> TrackProgress:
    its, mine = part(strategy, state, track)
    at = position(strategy, state, track)
    over = is_over(track, at)
    wave = "" if over else strategy.waves[mine.wave].name
    sentence = where_of(its, mine)
    if over:
        sentence = _AT_END.having(track=track.name)
    elif at.paused and state.phase in ("Progressing", "Paused"):
        sentence = _PAUSED.having(track=track.name, wave=wave)
    return TrackProgress(track, wave, "" if over else mine.reason, sentence, at.paused, over, mine.turns())


_PAUSED = say("track “%(track)s” is paused in wave “%(wave)s”")
_AT_END = say("track “%(track)s” is at its end")


def sentence_of(strategy: Strategy, state: State) -> Sentence:
    """Where a rollout is and what it waits for."""
    done = say(
        "revision %(target)s: %(done)s of %(total)s NodeUnits done, %(failed)s failed, %(deferred)s out of reach",
        target=state.target,
        **_counts(state),
    )
    return say("%(where)s; %(done)s", where=where_of(strategy, state), done=done)


def sentence_of_package(strategy: Strategy, state: State) -> Sentence:
    """The same of a package, whose workloads stand in the place of units (`whole.Whole`)."""
    done = say(
        "%(done)s of %(total)s workloads done, %(failed)s failed, %(deferred)s out of reach",
        **_counts(state),
    )
    return say("%(where)s; %(done)s", where=where_of(strategy, state), done=done)


def where_of(strategy: Strategy, state: State) -> Sentence:
    """What a rollout does or waits for."""
    wave = strategy.title(state.wave)
    return (_WHERE.get((state.phase, state.reason)) or _WHERE[state.phase, ""]).having(wave=wave)


def _counts(state: State) -> dict[str, int]:
    turns = state.turns()
    counts = {turn: turns.get(turn, 0) for turn in ("done", "failed", "deferred")}
    return {**counts, "total": len(state.members)}


_WHERE: Mapping[tuple[Phase, Reason], Sentence] = {
    ("Pending", ""): say("the rollout waits to be started"),
    ("Progressing", ""): say("wave “%(wave)s” is being rolled out"),
    ("Progressing", "OutsideWindow"): say("wave “%(wave)s” waits for the time at which its NodeUnits may be changed"),
    ("Progressing", "Soaking"): say("wave “%(wave)s” is done and is being watched"),
    ("Progressing", "CheckingGates"): say("wave “%(wave)s” is done and its checks have not passed yet"),
    ("Halted", "GateFailed"): say("the rollout was halted in wave “%(wave)s”: a check did not pass"),
    ("Halted", "MemberStopped"): say(
        "the rollout was halted in wave “%(wave)s”: that of another member of the ServiceGroup was aborted or rolled"
        " back by itself; resume that of the ServiceGroup to go on without it, or roll it back"
    ),
    ("Progressing", "AwaitingApproval"): say("wave “%(wave)s” is done and waits for approval"),
    ("Progressing", "AwaitingMembers"): say(
        "wave “%(wave)s” is done and waits for the other members of the ServiceGroup"
    ),
    ("Progressing", "AwaitingTracks"): say("wave “%(wave)s” waits until all tracks are at their end"),
    ("Paused", ""): say("the rollout is paused in wave “%(wave)s”"),
    ("Halted", ""): say("the rollout was halted in wave “%(wave)s”: too many NodeUnits failed"),
    ("RollingBack", ""): say("NodeUnits go back to what they had"),
    ("RolledBack", ""): say("the rollout was rolled back"),
    ("Aborted", ""): say("the rollout was aborted in wave “%(wave)s”"),
    ("Superseded", ""): say("another change took the place of this rollout"),
    ("Complete", ""): say("the rollout is complete"),
}
