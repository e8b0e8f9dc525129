"""Rollouts as JSON."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rest_framework import serializers

from ...core.rollouts.progress import (
    TrackProgress,
    WaveProgress,
    of_tracks,
    of_waves,
    sentence_of,
)
from ...core.rollouts.state import FAILURES, PHASES, TURNS, State
from ...core.rollouts.strategy import Strategy
from ...core.rollouts.tracks import is_approved
from ...core.rollouts.verbs import Verb, possible, possible_of
from ...core.text import Sentence
from ...models import RolloutUnit
from ...queries.per_unit.rollouts import Current
from ..http.shapes import OPTIONAL, Asked, Count, Instant, Said, Shape, Texts, one_of


class TurnsSerializer(serializers.DictField):
    """How many NodeUnits are at which turn."""

    child = serializers.IntegerField(min_value=0)


class WaveSerializer(Shape):
    """A wave: how many NodeUnits it has, and how many are at which turn; what it waits for once they are done.
    `track` is the one that it belongs to, "" where there is one."""

    name = serializers.CharField()
    track = serializers.CharField()
    units = Count()
    turns = TurnsSerializer()
    soakSeconds = Count()
    approval = serializers.BooleanField()
    approved = serializers.BooleanField()
    mappings = True


class TrackSerializer(Shape):
    """Where a track is: `wave` is the name of its present wave, `reason` what it waits for, both "" at its end, where
    it is `done`; `paused` where no more of its NodeUnits are given the revision; `possible` is what can be asked of it
    alone."""

    name = serializers.CharField()
    wave = serializers.CharField()
    reason = serializers.CharField()
    message = Said()
    paused = serializers.BooleanField()
    done = serializers.BooleanField()
    units = Count()
    turns = TurnsSerializer()
    possible = Texts()
    mappings = True


class HeldBySerializer(Shape):
    """A member of the ServiceGroup that is waited for, or for which the rollout was halted, and what its own is at: ""
    where it has not begun with what it says now."""

    path = serializers.CharField()
    phase = one_of("", *PHASES)
    mappings = True


class RolloutSerializer(Shape):
    """How far the rollout of a grid is. `target` is the revision that it brings, `stable` the one that NodeUnits have
    which it has not reached; `wave` the name of the present wave; `secondsLeft` about how long it takes still, null
    where that cannot be told, `secondsToApproval` how long until a person has to approve a wave; `possible` is what can
    be asked of it now; `tracks` are those that go on side by side, empty where there is one; `heldBy` are the members
    of its ServiceGroup that it waits for (`AwaitingMembers`), or that were aborted or rolled back by themselves
    (`MemberStopped`)."""

    phase = one_of(*PHASES)
    reason = serializers.CharField()
    message = Said()
    target = Count()
    stable = Count()
    wave = serializers.CharField()
    secondsLeft = serializers.FloatField(allow_null=True)
    secondsToApproval = serializers.FloatField(allow_null=True)
    waves = WaveSerializer(many=True)
    tracks = TrackSerializer(many=True)
    heldBy = HeldBySerializer(many=True)
    possible = Texts()
    seed = Count()
    beganAt = Instant()
    endedAt = Instant()

    def get_phase(self, value: Current) -> str:
        """What it is at."""
        return value.state.phase

    def get_reason(self, value: Current) -> str:
        """What it waits for, "" for nothing."""
        return value.state.reason

    def get_message(self, value: Current) -> Sentence:
        """The same as a sentence."""
        return sentence_of(value.strategy, value.state)

    def get_target(self, value: Current) -> int:
        """The revision."""
        return value.state.target

    def get_stable(self, value: Current) -> int:
        """That of units it has not reached."""
        return value.rollout.stable

    def get_wave(self, value: Current) -> str:
        """The present wave."""
        return value.strategy.title(value.state.wave)

    def get_seconds_left(self, value: Current) -> float | None:
        """Until it is complete."""
        return value.seconds_left()

    def get_seconds_to_approval(self, value: Current) -> float | None:
        """Until a person is asked."""
        return value.seconds_to_approval()

    def get_waves(self, value: Current) -> list[Mapping[str, Any]]:
        """Those that have units."""
        return shown_waves(value.strategy, value.state)

    def get_tracks(self, value: Current) -> list[Mapping[str, Any]]:
        """Those that have units."""
        return shown_tracks(value.strategy, value.state, partial(possible_of, value.strategy, value.state))

    def get_held_by(self, value: Current) -> list[Mapping[str, Any]]:
        """These members."""
        return [{"path": path, "phase": phase or ""} for path, phase in value.held_by()]

    def get_possible(self, value: Current) -> list[str]:
        """The verbs."""
        return list(possible(value.strategy, value.state))

    def get_seed(self, value: Current) -> int:
        """What the draw of units follows from."""
        return value.rollout.seed

    def get_began_at(self, value: Current) -> datetime:
        """When it began."""
        return value.rollout.began_at

    def get_ended_at(self, value: Current) -> datetime | None:
        """When it ended."""
        return value.rollout.ended_at


def shown_waves(strategy: Strategy, state: State) -> list[Mapping[str, Any]]:
    """The waves that have units, as `WaveSerializer` takes them."""
    return [_wave(strategy, state, number, each) for number, each in enumerate(of_waves(strategy, state)) if each.total]


def _wave(strategy: Strategy, state: State, number: int, progress: WaveProgress) -> Mapping[str, Any]:
    wave, track = strategy.waves[number], strategy.track_at(number)
    return {
        "name": wave.name,
        "track": track.name,
        "units": progress.total,
        "turns": progress.counts,
        "soak_seconds": wave.soak,
        "approval": wave.approval,
        "approved": wave.approval and is_approved(strategy, state, number),
    }


def shown_tracks(strategy: Strategy, state: State, asked: Callable[[str], Collection[Verb]]) -> list[Mapping[str, Any]]:
    """The tracks that have units, as `TrackSerializer` takes them; `asked`: what may be asked of one alone, by name."""
    return [_track(each, asked(each.name)) for each in of_tracks(strategy, state)]


def _track(found: TrackProgress, asked: Collection[Verb]) -> Mapping[str, Any]:
    return {
        "name": found.name,
        "wave": found.wave,
        "reason": found.reason,
        "message": found.sentence,
        "paused": found.paused,
        "done": found.is_over,
        "units": found.total,
        "turns": found.counts,
        "possible": asked,
    }


class RolloutUnitSerializer(Shape):
    """A NodeUnit in a rollout. `before`: the revision that it goes back to; `assigned`: the one that it should have;
    `seconds`: how long it took to be done, 0 where it is not; `failure`: why it has failed, "" where it has not."""

    name = serializers.CharField()
    wave = Count()
    turn = one_of(*TURNS)
    before = Count()
    assigned = Count()
    since = Instant()
    failure = one_of(*FAILURES)
    seconds = serializers.FloatField(source="took")

    def get_since(self, unit: RolloutUnit) -> datetime | None:
        """Since when it is at this turn."""
        return datetime.fromtimestamp(unit.since, UTC) if unit.since else None


class TracksRequestSerializer(Asked):
    """Of which tracks it is asked; without them, of all that it makes sense for."""

    tracks = Texts(**OPTIONAL)


class SkipTracksRequestSerializer(TracksRequestSerializer):
    """Which NodeUnits are left out; without them, the present wave of these tracks, or of all, is not waited for."""

    units = Texts(**OPTIONAL)


def names_in(found: Mapping[str, Any], field: str) -> list[str]:
    """The names that a field of such a body has, each once."""
    return list(dict.fromkeys(found.get(field) or ()))
