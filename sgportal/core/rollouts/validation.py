"""What is wrong with `spec.rollout`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..overrides.choice import SHAPE, choice_problems
from ..schema import check_fields, twice
from ..text import REQUIRED, Problem, one_of, pointer, say
from .strategy import DAYS, ON_FAILURE, REST, STARTS
from .time_zones import time_zone_problem

_WHERE = "/spec/rollout"
MOST_WAVES = 50  # of all tracks together
MOST_TRACKS = 10
MOST_WINDOWS = 20
MOST_GATES = 10
MOST_RESTARTS = 1000
MOST_SECONDS = 30 * 24 * 3600
_MOST_UNITS = 1_000_000
_TRACK = re.compile(r"[A-Za-z]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")  # a word of digits makes requests differ
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,300}(/[!-~]{0,1000})?")  # no user, no password
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PERCENT = re.compile(r"([1-9][0-9]?|100)%")
_FIELDS = {
    "waves": ("[any]", False),
    "tracks": ("[any]", False),
    "maxUnavailable": ("any", False),
    "progressDeadlineSeconds": ("int", False),
    "maxFailures": ("int", False),
    "maxRestarts": ("int", False),
    "onFailure": ("str", False),
    "start": ("str", False),
    "windows": ("[any]", False),
    "timeZone": ("str", False),
    "gates": ("[any]", False),
}
_WAVE_FIELDS = {
    "name": ("str", False),
    **SHAPE,
    "percent": ("int", False),
    "count": ("int", False),
    "soakSeconds": ("int", False),
    "approval": ("bool", False),
}
_TRACK_FIELDS = {
    "name": ("str", True),
    **SHAPE,
    "waves": ("[any]", False),
    "windows": ("[any]", False),
    "gates": ("[any]", False),
}
_GATE_FIELDS = {
    "name": ("str", False),
    "url": ("str", True),
    "query": ("str", False),
    "status": ("int", False),
}
_WINDOW_FIELDS = {"days": ("[str]", False), "from": ("str", True), "to": ("str", True)}


def rollout_problems(value: Any) -> Iterator[Problem]:
    """What is wrong with the value of `spec.rollout`, whatever it is."""
    shape = list(check_fields(value, _FIELDS, _WHERE))
    yield from shape
    if shape:
        return
    yield from _wave_problems(value.get("waves") or (), _WHERE)
    yield from _track_problems(value)
    yield from _most_problems(value.get("maxUnavailable"))
    yield from _bounded(value, "progressDeadlineSeconds", 1, MOST_SECONDS)
    yield from _bounded(value, "maxFailures", 0, _MOST_UNITS)
    yield from _bounded(value, "maxRestarts", 0, MOST_RESTARTS)
    if value.get("onFailure") not in (None, *ON_FAILURE):
        yield Problem(_WHERE + "/onFailure", one_of(ON_FAILURE))
    if value.get("start") not in (None, *STARTS):
        yield Problem(_WHERE + "/start", one_of(STARTS))
    yield from _window_problems(value.get("windows") or (), _WHERE)
    yield from _gate_problems(value.get("gates") or (), _WHERE)
    if value.get("timeZone") is not None and (problem := time_zone_problem(value["timeZone"])):
        yield Problem(_WHERE + "/timeZone", problem)


def _bounded(value: Mapping[str, Any], name: str, least: int, most: int, where: str = _WHERE) -> Iterator[Problem]:
    if value.get(name) is not None and not least <= value[name] <= most:
        text = say("must be between %(least)s and %(most)s", least=least, most=most)
        yield Problem(where + pointer(name), text)


def _most_problems(value: Any) -> Iterator[Problem]:
    if value is None:
        return
    as_number = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_UNITS
    if not as_number and not (isinstance(value, str) and _PERCENT.fullmatch(value)):
        text = say("must be a number of NodeUnits from 1, or a percentage such as “%(example)s”", example="10%")
        yield Problem(_WHERE + "/maxUnavailable", text)


def _track_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    tracks, where = value.get("tracks") or (), _WHERE + "/tracks"
    if tracks and value.get("waves") is not None:
        yield Problem(_WHERE + "/waves", say("must be in the tracks where there are tracks"))
    if len(tracks) > MOST_TRACKS:
        yield Problem(where, say("must have at most %(most)s entries", most=MOST_TRACKS))
        return
    names: dict[str, str] = {}
    total, checks = 0, len(value.get("gates") or ())
    for index, track in enumerate(tracks):
        at = _WHERE + pointer("tracks", index)
        shape = list(check_fields(track, _TRACK_FIELDS, at))
        yield from shape
        if shape:
            continue
        name, waves = track["name"], track.get("waves") or ()
        if name == REST or not _TRACK.fullmatch(name):
            text = say("must be a name of up to 63 characters that begins with a letter and is not “rest”")
            yield Problem(at + "/name", text)
        if name in names:
            yield Problem(at + "/name", twice(name, names[name]))
        names.setdefault(name, at + "/name")
        if _chooses(track):
            yield from choice_problems(track, at)
        elif not waves:
            yield Problem(at + "/waves", say("is required where the track has neither units nor unitSelector"))
        yield from _wave_problems(waves, at)
        yield from _window_problems(track.get("windows") or (), at)
        yield from _gate_problems(track.get("gates") or (), at)
        total += len(waves)
        checks += len(track.get("gates") or ())
    if total > MOST_WAVES:
        yield Problem(where, say("must have at most %(most)s waves together", most=MOST_WAVES))
    if tracks and checks > MOST_GATES:
        yield Problem(where, say("must have at most %(most)s checks together", most=MOST_GATES))


def package_problems(value: Any) -> Iterator[Problem]:
    """What is wrong with the value of `spec.rollout` of a package besides: its members have to agree in which track a
    NodeUnit is, whichever NodeUnits they have and whenever they were changed, or they would wait for one another."""
    tracks = value.get("tracks") if isinstance(value, Mapping) else None
    for index, track in enumerate(tracks if isinstance(tracks, list) else ()):
        if isinstance(track, Mapping) and not _chooses(track) and not all(map(_chooses, _entries(track))):
            yield Problem(_WHERE + pointer("tracks", index), _AT_RANDOM)


_AT_RANDOM = say(
    "must choose its NodeUnits by units or unitSelector, itself or in each of its waves: taken at random, one could be"
    " in this track for a member of the ServiceGroup and in another for the next"
)


def _chooses(entry: Any) -> bool:
    return not isinstance(entry, Mapping) or any(entry.get(each) is not None for each in SHAPE)


def _entries(track: Mapping[str, Any]) -> Sequence[Any]:
    waves = track.get("waves")
    return waves if isinstance(waves, list) else ()


def _wave_problems(waves: Sequence[Any], within: str) -> Iterator[Problem]:
    if len(waves) > MOST_WAVES:
        yield Problem(within + "/waves", say("must have at most %(most)s entries", most=MOST_WAVES))
        return
    names: dict[str, str] = {}
    for index, wave in enumerate(waves):
        where = within + pointer("waves", index)
        shape = list(check_fields(wave, _WAVE_FIELDS, where))
        yield from shape
        if shape:
            continue
        name = wave.get("name") or str(index + 1)
        if name == REST or not _NAME.fullmatch(name):
            yield Problem(where + "/name", say("must be a name of up to 63 characters that is not “rest”"))
        if name in names:
            yield Problem(where + "/name", twice(name, names[name]))
        names.setdefault(name, where + "/name")
        yield from _members_problems(wave, where)
        yield from _bounded(wave, "soakSeconds", 0, MOST_SECONDS, where)


def _members_problems(wave: Mapping[str, Any], where: str) -> Iterator[Problem]:
    ways = [name for name in ("units", "unitSelector", "percent", "count") if wave.get(name) is not None]
    if len(ways) != 1:
        yield Problem(where, say("must have exactly one of units, unitSelector, percent and count"))
    elif ways[0] in SHAPE:
        yield from choice_problems(wave, where)
    else:
        yield from _bounded(wave, "percent", 1, 100, where)
        yield from _bounded(wave, "count", 1, _MOST_UNITS, where)


def _gate_problems(gates: Sequence[Any], within: str) -> Iterator[Problem]:
    if len(gates) > MOST_GATES:
        yield Problem(within + "/gates", say("must have at most %(most)s entries", most=MOST_GATES))
        return
    for index, gate in enumerate(gates):
        where = within + pointer("gates", index)
        shape = list(check_fields(gate, _GATE_FIELDS, where))
        yield from shape
        if not shape and not _URL.fullmatch(gate["url"]):
            example = "http://prometheus.monitoring:9090"
            yield Problem(where + "/url", say("must be an address such as “%(example)s”", example=example))
        if not shape:
            yield from _bounded(gate, "status", 100, 599, where)


def _window_problems(windows: Sequence[Any], within: str) -> Iterator[Problem]:
    if len(windows) > MOST_WINDOWS:
        yield Problem(within + "/windows", say("must have at most %(most)s entries", most=MOST_WINDOWS))
        return
    for index, window in enumerate(windows):
        where = within + pointer("windows", index)
        shape = list(check_fields(window, _WINDOW_FIELDS, where))
        yield from shape
        if shape:
            continue
        if window.get("days") is not None and not window["days"]:
            yield Problem(where + "/days", REQUIRED)
        for place, day in enumerate(window.get("days") or ()):
            if day not in DAYS:
                yield Problem(where + pointer("days", place), one_of(DAYS))
        for name in ("from", "to"):
            if not _CLOCK.fullmatch(window[name]):
                yield Problem(where + pointer(name), say("must be a time of day such as “22:30”"))
