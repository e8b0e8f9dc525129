"""`spec.rollout`: in which waves a change goes to the NodeUnits of a grid, and what each wave waits for."""

from collections.abc import Mapping
from dataclasses import dataclass
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

    def opens_in(self, minute: int) -> int:
        """In how many minutes it is open, 0 while it is, where `minute` is that of the week since Monday, 0:00."""
        length = (self.end - self.begin) % DAY_MINUTES or DAY_MINUTES
        waits = []
        for day in self.days:
            since = (minute - day * DAY_MINUTES - self.begin) % WEEK_MINUTES
            waits.append(0 if since < length else WEEK_MINUTES - since)
        return min(waits)


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
class Strategy:
    """A valid `spec.rollout`. The last wave is that of the rest. `most`: how many units at once are being changed, a
    number or percent of all. `deadline`: seconds until a unit that is not done counts as failed; so does one of which a
    pod restarted more than `max_restarts` times (None: however often). With more than `max_failures` of these the
    rollout ends as `on_failure` says."""

    waves: tuple[Wave, ...]
    most: int | str = 1
    deadline: int = DEADLINE_SECONDS
    max_failures: int = 0
    max_restarts: int | None = None
    on_failure: OnFailure = "halt"
    start: Start = "automatic"
    windows: tuple[Window, ...] = ()
    time_zone: str = "UTC"
    gates: tuple[Gate, ...] = ()

    def at_once(self, total: int) -> int:
        """How many of so many units may be in change at the same time, at least one."""
        if isinstance(self.most, int):
            return self.most
        return max(1, total * int(self.most.removesuffix("%")) // 100)

    def opens_in(self, minute: int) -> int:
        """In how many minutes a unit may be given a revision, 0 now, by its own minute of the week."""
        return min((each.opens_in(minute) for each in self.windows), default=0)


def strategy_of(value: Mapping[str, Any] | None) -> Strategy | None:
    """The strategy that a valid `spec.rollout` describes, None where there is none."""
    if value is None:
        return None
    waves = [_wave(each, index) for index, each in enumerate(value.get("waves") or ())]
    found = {name: value[key] for key, name in _PLAIN.items() if value.get(key) is not None}
    gates = tuple(_gate(each, index) for index, each in enumerate(value.get("gates") or ()))
    windows = tuple(map(_window, value.get("windows") or ()))
    return Strategy((*waves, Wave(REST)), windows=windows, gates=gates, **found)


_PLAIN = {
    "maxUnavailable": "most",
    "progressDeadlineSeconds": "deadline",
    "maxFailures": "max_failures",
    "maxRestarts": "max_restarts",
    "onFailure": "on_failure",
    "start": "start",
    "timeZone": "time_zone",
}


def _wave(entry: Mapping[str, Any], index: int) -> Wave:
    by_choice = entry.get("units") is not None or entry.get("unitSelector") is not None
    return Wave(
        entry.get("name") or str(index + 1),
        choice_of(entry) if by_choice else None,
        entry.get("percent"),
        entry.get("count"),
        entry.get("soakSeconds") or 0,
        bool(entry.get("approval")),
    )


def _gate(entry: Mapping[str, Any], index: int) -> Gate:
    name, query = entry.get("name") or str(index + 1), entry.get("query") or ""
    return Gate(name, entry["url"], query, entry.get("status") or 200)


def _window(entry: Mapping[str, Any]) -> Window:
    days = frozenset(DAYS.index(each) for each in entry.get("days") or DAYS)
    return Window(days, minute_of(entry["from"]), minute_of(entry["to"]))


def minute_of(clock: str) -> int:
    """The minute of the day of a valid time such as `22:30`."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
