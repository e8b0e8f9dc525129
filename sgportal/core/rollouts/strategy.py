"""`spec.rollout`: in which waves a change goes to the NodeUnits of a grid, and what each wave waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal, get_args

from ..overrides.choice import Choice, choice_of

OnFailure = Literal["halt", "rollBack"]
Start = Literal["automatic", "manual"]
ON_FAILURE: tuple[OnFailure, ...] = get_args(OnFailure)
STARTS: tuple[Start, ...] = get_args(Start)
DEADLINE_SECONDS = 600  # the default of `progressDeadlineSeconds`, as that of a Deployment
REST = "rest"  # the name of the wave of all units that are in no other
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES


@dataclass(frozen=True, slots=True)
class Window:
    """When a unit may be given a revision, by its own clock: on these days of the week (0 is Monday) from one minute of
    the day to another, which is on the next day where it is not later."""

    days: frozenset[int]
    begin: int
    end: int

    @property
    def length(self) -> int:
        """For how many minutes it is open."""
        return (self.end - self.begin) % DAY_MINUTES or DAY_MINUTES

    def opens_in(self, minute: int) -> int:
        """In how many minutes it is open, 0 while it is, where `minute` is that of the week since Monday, 0:00."""
        return min(0 if since < self.length else WEEK_MINUTES - since for since in self._since(minute))

    def closes_in(self, minute: int) -> int:
        """In how many minutes it is not open any more, 0 while it is not."""
        return max(max(0, self.length - since) for since in self._since(minute))

    def _since(self, minute: int) -> list[int]:
        """For each of its days, how many minutes ago it last began."""
        return [(minute - day * DAY_MINUTES - self.begin) % WEEK_MINUTES for day in self.days]


@dataclass(frozen=True, slots=True)
class Wave:
    """Some units: those of a `choice`, or so many `percent` of all, or `count`, taken at random; with none of these,
    all that are in no other wave. Once they are done nothing happens for `soak` seconds, and then, with `approval`, not
    before a person approves."""

    name: str
    choice: Choice | None = None
    percent: int | None = None
    count: int | None = None
    soak: int = 0
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """A check that has to pass before the next wave: `url` answers with `status`; with a `query`, in PromQL, the
    Prometheus there has samples for it, none of them 0."""

    name: str
    url: str
    query: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Track:
    """Waves that go on by themselves beside those of other tracks: the numbers from `begin` to before `end` in the list
    of all waves. With a `choice` it is of the units that this takes, else of those that its waves take. `windows` and
    `gates`: its own, None for those of the strategy."""

    name: str
    begin: int
    end: int
    choice: Choice | None = None
    windows: tuple[Window, ...] | None = None
    gates: tuple[Gate, ...] | None = None


@dataclass(frozen=True, slots=True)
class Strategy:
    """A valid `spec.rollout`. The last wave is that of the rest. `tracks`: one without a name, or several, of which
    the last has that wave alone and begins when all others are at their end. `most`: how many units at once are being
    changed, a number or percent of all. `deadline`: seconds until a unit that is not done counts as failed; so does one
    of which a pod restarted more than `max_restarts` times (None: however often). With more than `max_failures` of
    these the rollout ends as `on_failure` says."""

    waves: tuple[Wave, ...]
    tracks: tuple[Track, ...]
    most: int | str = 1
    deadline: int = DEADLINE_SECONDS
    max_failures: int = 0
    max_restarts: int | None = None
    on_failure: OnFailure = "halt"
    start: Start = "automatic"
    windows: tuple[Window, ...] = ()
    time_zone: str = "UTC"
    gates: tuple[Gate, ...] = ()

    @property
    def is_tracked(self) -> bool:
        """Whether there are tracks side by side."""
        return len(self.tracks) > 1

    def track_at(self, number: int) -> Track:
        """The track of the wave of this number; of the last one where it is beyond."""
        return next((each for each in self.tracks if number < each.end), self.tracks[-1])

    def title(self, number: int) -> str:
        """What people call the wave of this number, such as `north/canary`; the last one where it is beyond."""
        number = min(number, len(self.waves) - 1)
        track = self.track_at(number)
        return self.waves[number].name if track.name in ("", REST) else f"{track.name}/{self.waves[number].name}"

    def of(self, track: Track) -> "Strategy":
        """What holds for the waves of a track, which is the last one there."""
        return replace(
            self,
            waves=self.waves[: track.end],
            tracks=(track,),
            windows=self.windows if track.windows is None else track.windows,
            gates=self.gates if track.gates is None else track.gates,
        )

    @property
    def has_windows(self) -> bool:
        """Whether any unit has to wait for a window."""
        return bool(self.windows) or any(track.windows for track in self.tracks)

    def at_once(self, total: int) -> int:
        """How many of so many units may be in change at the same time, at least one."""
        if isinstance(self.most, int):
            return self.most
        return max(1, total * int(self.most.removesuffix("%")) // 100)

    def opens_in(self, minute: int) -> int:
        """In how many minutes a unit may be given a revision, 0 now, by its own minute of the week."""
        return min((each.opens_in(minute) for each in self.windows), default=0)

    def closes_in(self, minute: int) -> int:
        """In how many minutes a unit that may be given a revision now may not any more, by the window that is open the
        longest; 0 where it may not."""
        return max((each.closes_in(minute) for each in self.windows), default=0)


def strategy_of(value: Mapping[str, Any] | None) -> Strategy | None:
    """The strategy that a valid `spec.rollout` describes, None where there is none."""
    if value is None:
        return None
    waves, tracks = _waves(value)
    found = {name: value[key] for key, name in _PLAIN.items() if value.get(key) is not None}
    windows, gates = _windows(value) or (), _gates(value) or ()
    return Strategy(waves, tracks, windows=windows, gates=gates, **found)


_PLAIN = {
    "maxUnavailable": "most",
    "progressDeadlineSeconds": "deadline",
    "maxFailures": "max_failures",
    "maxRestarts": "max_restarts",
    "onFailure": "on_failure",
    "start": "start",
    "timeZone": "time_zone",
}


def _waves(value: Mapping[str, Any]) -> tuple[tuple[Wave, ...], tuple[Track, ...]]:
    """All waves, track by track, and the tracks."""
    waves: list[Wave] = []
    tracks: list[Track] = []
    for entry in value.get("tracks") or ():
        begin, choice = len(waves), _choice(entry)
        waves += map(_wave, entry.get("waves") or (), count(1))
        if choice is not None:
            waves.append(Wave(REST))
        tracks.append(Track(entry["name"], begin, len(waves), choice, _windows(entry), _gates(entry)))
    begin = len(waves)
    waves += map(_wave, value.get("waves") or (), count(1))
    waves.append(Wave(REST))
    return tuple(waves), (*tracks, Track(REST if tracks else "", begin, len(waves)))


def _choice(entry: Mapping[str, Any]) -> Choice | None:
    return choice_of(entry) if entry.get("units") is not None or entry.get("unitSelector") is not None else None


def _wave(entry: Mapping[str, Any], number: int) -> Wave:
    return Wave(
        entry.get("name") or str(number),
        _choice(entry),
        entry.get("percent"),
        entry.get("count"),
        entry.get("soakSeconds") or 0,
        bool(entry.get("approval")),
    )


def _windows(entry: Mapping[str, Any]) -> tuple[Window, ...] | None:
    return None if entry.get("windows") is None else tuple(map(_window, entry["windows"]))


def _gates(entry: Mapping[str, Any]) -> tuple[Gate, ...] | None:
    return None if entry.get("gates") is None else tuple(map(_gate, entry["gates"], count(1)))


def _gate(entry: Mapping[str, Any], number: int) -> Gate:
    name, query = entry.get("name") or str(number), entry.get("query") or ""
    return Gate(name, entry["url"], query, entry.get("status") or 200)


def _window(entry: Mapping[str, Any]) -> Window:
    days = frozenset(DAYS.index(each) for each in entry.get("days") or DAYS)
    return Window(days, minute_of(entry["from"]), minute_of(entry["to"]))


def minute_of(clock: str) -> int:
    """The minute of the day of a valid time such as `22:30`."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
