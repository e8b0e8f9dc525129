"""How long a rollout takes still, where windows open and close by the clock of each unit, and where tracks go on side
by side."""

from datetime import UTC, datetime

import pytest

from sgportal.core.rollouts.forecast import Clocks, seconds_left, seconds_to_approval
from sgportal.core.rollouts.state import Member, Position, State
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.queries.per_unit.clocks import local_minute

NO_WINDOWS = Clocks({}, local_minute)
NIGHT = {"from": "22:00", "to": "04:00"}
MINUTE, HOUR, DAY = 60.0, 3600.0, 24 * 3600.0


def at(hour, minute=0, second=0, day=23):
    """A Monday in November 2026, by UTC."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC).timestamp()


def a_state(waiting, took=600.0, wave=0, **fields):
    """One unit is done, in ten minutes, and these wait."""
    members = {"z": Member(0, 1, 2, "done", took=took), **{name: Member(wave, 1, 1) for name in waiting}}
    return State(2, members=members, **fields)


def left(rollout, state, now, zones=None):
    return seconds_left(strategy_of(rollout), state, now, Clocks(zones or {}, local_minute))


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (at(22), 20 * MINUTE),  # it is open
        (at(12), 10 * HOUR + 20 * MINUTE),  # it opens in ten hours
        (at(12, 0, 30), 10 * HOUR - 30 + 20 * MINUTE),
        (at(3, 45), 20 * MINUTE),  # what begins before it closes is finished
        (at(3, 55), 18 * HOUR + 5 * MINUTE + 10 * MINUTE),  # one now, one in the next night
    ],
)
def test_it_waits_for_the_next_window(now, seconds):
    assert left({"windows": [NIGHT]}, a_state("ab"), now) == pytest.approx(seconds)


def test_each_unit_waits_by_its_own_clock():
    zones = {"a": "Asia/Tokyo"}  # 22:00 there is 13:00 by UTC
    rollout = {"windows": [NIGHT], "maxUnavailable": 2}
    assert left(rollout, a_state("a"), at(12), zones) == pytest.approx(HOUR + 10 * MINUTE)
    assert left(rollout, a_state("ab"), at(12), zones) == pytest.approx(10 * HOUR + 10 * MINUTE)
    assert left({**rollout, "timeZone": "Asia/Tokyo"}, a_state("b"), at(12)) == pytest.approx(HOUR + 10 * MINUTE)


def test_more_than_fits_into_a_night_takes_another():
    units = [f"u{number}" for number in range(40)]  # 36 begin within six hours, ten minutes each
    assert left({"windows": [NIGHT]}, a_state(units), at(22)) == pytest.approx(DAY + 40 * MINUTE)


def test_days_of_the_week_count():
    weekend = {"days": ["Sat"], "from": "00:00", "to": "06:00"}
    assert left({"windows": [weekend]}, a_state("a"), at(0)) == pytest.approx(5 * DAY + 10 * MINUTE)


def test_a_unit_under_way_waits_for_no_window_and_a_wave_begins_when_the_one_before_was_watched():
    given = State(2, members={"z": Member(0, 1, 2, "done", took=600.0), "a": Member(0, 1, 2, "given")})
    rollout = {"waves": [{"units": ["a"], "soakSeconds": 8 * 3600}], "windows": [NIGHT]}
    assert left({"windows": [NIGHT]}, given, at(12)) == 10 * MINUTE
    both = State(2, members={**given.members, "b": Member(1, 1, 1)})
    # watched until 20:10, then it waits until 22:00
    assert left(rollout, both, at(12)) == pytest.approx(10 * HOUR + 10 * MINUTE)


def test_the_hour_that_a_clock_is_put_forward_is_not_waited_for():
    """In Berlin it is 2:00 on 29 March 2026, and then 3:00."""
    rollout = {"windows": [{"from": "03:00", "to": "05:00"}], "timeZone": "Europe/Berlin"}
    now = datetime(2026, 3, 29, 0, 30, tzinfo=UTC).timestamp()  # 1:30 there
    found = left(rollout, a_state("a"), now)
    assert 30 * MINUTE <= found <= 90 * MINUTE + 10 * MINUTE


def test_what_is_approved_by_a_person_is_told_with_windows_as_well():
    rollout = {"waves": [{"units": ["z", "a"], "approval": True}], "windows": [NIGHT]}
    state = a_state("a")
    assert left(rollout, state, at(12)) is None
    assert seconds_to_approval(strategy_of(rollout), state, at(12), NO_WINDOWS) == pytest.approx(
        10 * HOUR + 10 * MINUTE
    )


def test_what_lies_beyond_a_year_is_not_told():
    units = [f"u{number}" for number in range(400)]
    short = {"windows": [{"from": "22:00", "to": "22:05"}]}  # one each night
    assert left(short, a_state(units[:300]), at(22)) == pytest.approx(299 * DAY + 10 * MINUTE)
    assert left(short, a_state(units), at(22)) is None


TRACKS = {
    "tracks": [
        {"name": "north", "waves": [{"units": ["z", "a", "b"], "soakSeconds": 60}]},
        {"name": "south", "waves": [{"units": ["c", "d", "e"]}]},
    ],
    "maxUnavailable": 2,
}


def tracked(**places):
    waves = {"a": 0, "b": 0, "c": 1, "d": 1, "e": 1, "x": 2}
    members = {name: Member(wave, 1, 1) for name, wave in waves.items()}
    found = tuple(Position(name, **places.get(name, {})) for name in ("north", "south", "rest"))
    return State(2, members={"z": Member(0, 1, 2, "done", took=10.0), **members}, tracks=found)


def test_tracks_go_on_side_by_side_and_the_rest_after_them():
    assert left(TRACKS, tracked(), 0.0) == 20 + 60 + 10  # north is the longer one
    assert left(TRACKS, tracked(north={"paused": True}), 0.0) is None


def test_of_several_tracks_the_first_that_asks_a_person_is_told():
    asking = [{"name": track["name"], "waves": [{**track["waves"][0], "approval": True}]} for track in TRACKS["tracks"]]
    rollout = strategy_of({**TRACKS, "tracks": asking})
    assert seconds_left(rollout, tracked(), 0.0, NO_WINDOWS) is None
    assert seconds_to_approval(rollout, tracked(), 0.0, NO_WINDOWS) == 30
