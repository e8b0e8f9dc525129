"""The rollouts of the members of a package seen as one, and how long they take still."""

import pytest

from sgportal.core.rollouts.forecast import Clocks, seconds_left, seconds_to_approval
from sgportal.core.rollouts.progress import sentence_of_package
from sgportal.core.rollouts.state import Member, Position, State
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.core.rollouts.whole import whole
from sgportal.queries.per_unit.clocks import local_minute

WAVES = [{"name": "canary", "units": ["a"], "soakSeconds": 100}, {"name": "half", "count": 2}]
STRATEGY = strategy_of({"waves": WAVES, "maxUnavailable": 1})
ASKING = strategy_of({"waves": [WAVES[0], {**WAVES[1], "approval": True}]})
NO_WINDOWS = Clocks({}, local_minute)
BOTH = {"db": NO_WINDOWS, "web": NO_WINDOWS}


def a_state(phase="Progressing", reason="RollingOut", wave=0, took=10.0, **turns):
    places = {"a": 0, "b": 1, "c": 1, "d": 2}
    members = {
        name: Member(places[name], 1, 2, turns.get(name, "waiting"), took=took if turns.get(name) == "done" else 0.0)
        for name in places
    }
    return State(2, phase, reason, wave, members=members)


def test_the_worst_phase_counts_and_the_member_that_is_the_furthest_behind():
    ahead = a_state(wave=1, a="done", b="done", c="given")
    behind = a_state(a="failed")
    found = whole(STRATEGY, {"db": ahead, "web": behind}, 0.0, BOTH)
    assert (found.state.phase, found.state.wave, found.state.turns()) == (
        "Progressing",
        0,
        {"done": 2, "given": 1, "waiting": 4, "failed": 1},
    )
    assert "2 of 8 workloads done, 1 failed" in str(sentence_of_package(STRATEGY, found.state))
    halted = whole(STRATEGY, {"db": ahead, "web": a_state("Halted", "TooManyFailures", a="failed")}, 0.0, BOTH)
    assert (halted.state.phase, halted.state.reason) == ("Halted", "TooManyFailures")
    assert halted.possible == ("start", "pause", "resume", "skip", "abort", "rollback")


def test_who_waits_for_the_others_does_not_speak_for_all():
    waits = a_state(reason="AwaitingMembers", a="done")
    found = whole(STRATEGY, {"db": waits, "web": a_state(reason="Soaking", a="done")}, 0.0, BOTH)
    assert found.state.reason == "Soaking"


def test_who_was_not_changed_takes_part_only_where_nobody_else_is_under_way():
    over, now = a_state("Complete", "", 2, a="done"), a_state(a="given")
    assert set(whole(STRATEGY, {"db": over, "web": now}, 0.0, BOTH).parts) == {"web"}
    assert set(whole(STRATEGY, {"db": over, "web": over}, 0.0, BOTH).parts) == {"db", "web"}


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        (a_state(a="done"), 100 + 20 + 10),  # it is watched, two units of the next wave, one of the rest
        (a_state(wave=1, a="done", b="done"), 10 + 10),
        (a_state(a="given"), None),  # nobody knows yet how long a unit takes
        (a_state("Paused", a="done"), None),
    ],
)
def test_how_long_it_takes_follows_from_how_long_it_took(state, seconds):
    assert seconds_left(STRATEGY, state, 0.0, NO_WINDOWS) == seconds


def test_a_package_takes_as_long_as_its_slowest_member_in_each_wave():
    quick, slow = a_state(wave=1, a="done", b="done"), a_state(took=60.0, a="done")
    assert whole(STRATEGY, {"db": quick, "web": slow}, 0.0, BOTH).seconds == 100 + 120 + 60


def test_before_an_approval_it_is_told_when_somebody_is_asked():
    state = a_state(a="done")
    assert (seconds_left(ASKING, state, 0.0, NO_WINDOWS), seconds_to_approval(ASKING, state, 0.0, NO_WINDOWS)) == (
        None,
        120,
    )
    assert seconds_to_approval(STRATEGY, state, 0.0, NO_WINDOWS) is None
    assert whole(ASKING, {"db": state, "web": a_state(took=60.0, a="done")}, 0.0, BOTH).to_approval == 220


BESIDE = strategy_of(
    {
        "tracks": [
            {"name": "north", "units": ["a", "b"], "waves": [{"name": "canary", "units": ["a"], "approval": True}]},
            {"name": "south", "units": ["c"], "waves": [{"name": "canary", "units": ["c"], "soakSeconds": 100}]},
        ],
        "maxUnavailable": 2,
    }
)


def in_tracks(north, south, phase="Progressing", took=10.0):
    places = {"a": (0, "done"), "b": (1, "waiting"), "c": (2, "waiting"), "d": (4, "waiting")}
    members = {
        name: Member(wave, 1, 2, turn, took=took if turn == "done" else 0.0) for name, (wave, turn) in places.items()
    }
    return State(2, phase, north.reason, members=members, tracks=(north, south))


def test_each_track_is_where_the_member_is_that_is_the_furthest_behind():
    asks, soaks = Position("north", 0, "AwaitingApproval"), Position("north", 0, "Soaking")
    gone, paused = Position("south", 1, "RollingOut"), Position("south", 0, "RollingOut", paused=True)
    found = whole(BESIDE, {"db": in_tracks(soaks, gone), "web": in_tracks(asks, paused)}, 0.0, BOTH)
    north, south, rest = found.state.tracks
    assert (north.wave, south.wave, south.paused, rest.wave) == (0, 0, True, 0)
    assert found.possible_of(BESIDE, "north") == ("pause", "approve", "skip")
    assert found.possible_of(BESIDE, "south") == ("pause", "resume", "skip")
    assert BESIDE.title(found.state.wave).startswith("north/")


def test_tracks_of_a_package_take_as_long_as_the_slowest_of_them_and_then_the_rest():
    places = Position("north", 1, "RollingOut"), Position("south", 0, "RollingOut")
    quick, slow = in_tracks(*places), in_tracks(*places, took=60.0)
    found = whole(BESIDE, {"db": quick, "web": slow}, 0.0, BOTH)
    assert found.seconds == (60 + 100) + 60  # south's canary, which is watched; then the rest
