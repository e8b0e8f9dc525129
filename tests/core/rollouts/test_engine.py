"""What happens next in a rollout, in virtual time."""

import pytest

from sgportal.core.rollouts import verbs
from sgportal.core.rollouts.engine import advance
from sgportal.core.rollouts.forecast import Clocks, seconds_left
from sgportal.core.rollouts.progress import of_waves, sentence_of
from sgportal.queries.per_unit.clocks import local_minute

from .fleet import NEW, OLD, Fleet

NO_WINDOWS = Clocks({}, local_minute)
CANARY = {"waves": [{"name": "canary", "units": ["b"]}]}


def do(fleet, verb, *units):
    fleet.state = verbs.done(verb, fleet.read, fleet.state, fleet.now, units)


def test_the_canary_is_first_and_then_one_unit_at_a_time():
    fleet = Fleet(CANARY)
    fleet.run()
    assert [name for name, _ in fleet.log] == ["b", "a", "c", "d"]
    assert fleet.most == 1
    assert fleet.state.members["b"].took == 10


@pytest.mark.parametrize(("most", "seen"), [(1, 1), (3, 3), ("50%", 5), ("1%", 1)])
def test_no_more_units_than_allowed_are_in_change(most, seen):
    fleet = Fleet({"maxUnavailable": most}, names="abcdefghij")
    fleet.run()
    assert fleet.most == seen


@pytest.mark.parametrize(
    ("wave", "count"), [({"percent": 10}, 1), ({"percent": 11}, 2), ({"count": 3}, 3), ({"percent": 100}, 10)]
)
def test_a_share_at_random_is_the_same_for_one_seed(wave, count):
    fleet, again = (Fleet({"waves": [wave]}, names="abcdefghij") for _ in range(2))
    first = [name for name, each in fleet.state.members.items() if each.wave == 0]
    assert len(first) == count
    assert fleet.state.members == again.state.members


def test_a_unit_that_is_not_ready_in_time_halts_the_rollout():
    fleet = Fleet({**CANARY, "progressDeadlineSeconds": 60}, broken={"b"})
    assert fleet.run("Halted").reason == "TooManyFailures"
    assert (fleet.turns()["b"], [name for name, _ in fleet.log]) == ("failed", ["b"])
    for _ in range(20):
        fleet.step()
    assert [name for name, _ in fleet.log] == ["b"]


def test_so_many_failures_are_borne():
    fleet = Fleet({"progressDeadlineSeconds": 60, "maxFailures": 1}, broken={"b"})
    fleet.run()
    assert sorted(name for name, _ in fleet.log) == ["a", "b", "c", "d"]
    two = Fleet({"progressDeadlineSeconds": 60, "maxFailures": 1}, broken={"b", "c"})
    two.run("Halted")
    assert "d" not in dict(two.log)


def test_on_failure_it_goes_back_to_what_each_unit_had():
    fleet = Fleet({"onFailure": "rollBack", "progressDeadlineSeconds": 60}, broken={"c"})
    fleet.run("RolledBack")
    assert fleet.has == dict.fromkeys("abcd", OLD)
    assert dict(fleet.log[:3]) == {"a": NEW, "b": NEW, "c": NEW}
    assert fleet.most == 1
    count = len(fleet.log)
    fleet.step()
    assert len(fleet.log) == count


def test_a_wave_is_watched_and_one_that_fails_meanwhile_is_noticed():
    wave = {"name": "canary", "units": ["b"], "soakSeconds": 300}
    fleet = Fleet({"waves": [wave], "progressDeadlineSeconds": 60})
    for _ in range(4):
        fleet.step()
    assert fleet.state.reason == "Soaking"
    fleet.broken.add("b")
    fleet.run("Halted")
    assert [name for name, _ in fleet.log] == ["b"]
    well = Fleet({"waves": [wave]})
    began = well.now
    while len(well.log) < 2:
        well.step()
    assert well.now - began >= 300


def test_it_waits_for_approval_after_the_wave():
    fleet = Fleet({"waves": [{"name": "canary", "units": ["b"], "approval": True}]})
    for _ in range(50):
        fleet.step()
    assert (fleet.state.reason, len(fleet.log)) == ("AwaitingApproval", 1)
    do(fleet, "approve")
    fleet.run()
    with pytest.raises(verbs.NotNow):
        do(fleet, "approve")


def test_a_wave_is_not_approved_before_it_is_done():
    fleet = Fleet({"waves": [{"name": "canary", "units": ["b"], "approval": True}]})
    fleet.step()
    with pytest.raises(verbs.NotNow):
        do(fleet, "approve")


def test_a_window_that_is_shut_holds_a_unit_back():
    fleet = Fleet({}, windows={"a": 3600.0})
    for _ in range(30):
        fleet.step()
    assert (fleet.state.reason, fleet.turns()["a"]) == ("OutsideWindow", "waiting")
    assert sorted(name for name, _ in fleet.log) == ["b", "c", "d"]
    fleet.windows.clear()
    fleet.run()


def test_a_unit_out_of_reach_blocks_nobody_and_follows_when_it_is_back():
    fleet = Fleet(CANARY, offline={"b"})
    fleet.run()
    assert (fleet.turns()["b"], fleet.has["b"]) == ("deferred", OLD)
    fleet.offline.clear()
    for _ in range(4):
        fleet.step()
    assert (fleet.turns()["b"], fleet.has["b"]) == ("done", NEW)


def test_a_unit_that_goes_out_of_reach_under_way_is_not_a_failure():
    fleet = Fleet({**CANARY, "progressDeadlineSeconds": 60}, takes=30)
    fleet.step()
    fleet.offline.add("b")
    fleet.run()
    assert fleet.turns()["b"] == "deferred"


def test_one_that_comes_back_after_a_rollback_stays_at_what_it_had():
    fleet = Fleet({"onFailure": "rollBack", "progressDeadlineSeconds": 60}, offline={"a"}, broken={"b"})
    fleet.run("RolledBack")
    fleet.offline.clear()
    for _ in range(10):
        fleet.step()
    assert fleet.has == dict.fromkeys("abcd", OLD)


def test_pause_stops_what_is_new_and_resume_goes_on():
    fleet = Fleet({})
    fleet.step()
    do(fleet, "pause")
    for _ in range(10):
        fleet.step()
    assert (fleet.turns()["a"], len(fleet.log)) == ("done", 1)
    do(fleet, "resume")
    fleet.run()


def test_abort_leaves_all_as_it_is_and_start_begins_anew():
    fleet = Fleet({})
    for _ in range(3):
        fleet.step()
    do(fleet, "abort")
    given = len(fleet.log)
    for _ in range(10):
        fleet.step()
    assert 0 < given == len(fleet.log) < 4
    do(fleet, "start")
    fleet.run()
    assert len(fleet.log) == 4  # no unit was given the revision twice


def test_a_person_rolls_back_and_starts_again():
    fleet = Fleet({})
    for _ in range(3):
        fleet.step()
    do(fleet, "rollback")
    fleet.run("RolledBack")
    assert fleet.has == dict.fromkeys("abcd", OLD)
    do(fleet, "start")
    fleet.run()
    assert fleet.has == dict.fromkeys("abcd", NEW)


def test_skipped_units_are_left_out():
    fleet = Fleet({})
    do(fleet, "skip", "c")
    fleet.run()
    assert (fleet.has["c"], fleet.turns()["c"]) == (OLD, "skipped")


def test_a_wave_is_skipped_with_what_failed_in_it():
    fleet = Fleet({**CANARY, "progressDeadlineSeconds": 60}, broken={"b"})
    fleet.run("Halted")
    do(fleet, "skip")
    fleet.run()
    assert fleet.has == dict.fromkeys("abcd", NEW)
    with pytest.raises(verbs.NotNow):
        do(fleet, "skip")


def test_what_is_asked_twice_is_decided_once():
    fleet = Fleet(CANARY)
    for _ in range(12):
        state = fleet.step()
        assert advance(fleet.read, state, fleet.seen(), fleet.now) == state


def test_how_long_it_takes_still_is_told_from_what_was_seen():
    fleet = Fleet({})
    assert seconds_left(fleet.read, fleet.state, fleet.now, NO_WINDOWS) is None
    for _ in range(3):
        fleet.step()
    assert seconds_left(fleet.read, fleet.state, fleet.now, NO_WINDOWS) == 20
    assert sum(each.total for each in of_waves(fleet.read, fleet.state)) == 4
    assert "wave “rest”" in str(sentence_of(fleet.read, fleet.state))


GATED = {**CANARY, "gates": [{"url": "http://shop/healthz"}], "progressDeadlineSeconds": 60}


def test_a_wave_waits_until_its_checks_pass():
    fleet = Fleet({**CANARY, "gates": GATED["gates"]})
    for _ in range(10):
        fleet.step(passed=False)
    assert (fleet.state.reason, [name for name, _ in fleet.log]) == ("CheckingGates", ["b"])
    fleet.step(passed=None)
    assert fleet.state.reason == "CheckingGates"
    fleet.step(passed=True)
    assert fleet.turns()["a"] == "given"
    for _ in range(10):
        fleet.step(passed=None)
    assert fleet.state.reason == "CheckingGates"  # of the last wave, too
    assert fleet.step(passed=True).phase == "Complete"


@pytest.mark.parametrize(("then", "phase"), [("halt", "Halted"), ("rollBack", "RolledBack")])
def test_checks_that_never_pass_end_it(then, phase):
    fleet = Fleet({**GATED, "onFailure": then})
    for _ in range(20):
        fleet.step(passed=False)
    assert (fleet.state.phase, fleet.state.reason) == (phase, "GateFailed")
    assert "c" not in dict(fleet.log)


def test_checks_are_passed_once_and_then_approval_is_waited_for():
    fleet = Fleet({**GATED, "waves": [{"units": ["b"], "approval": True}]})
    for _ in range(3):
        fleet.step(passed=None)
    assert fleet.step(passed=True).reason == "AwaitingApproval"
    assert fleet.step(passed=None).reason == "AwaitingApproval"
    do(fleet, "approve")
    assert fleet.step(passed=None).wave == 1


def test_only_what_was_left_out_makes_a_complete_rollout_begin_anew():
    fleet = Fleet({})
    fleet.run()
    with pytest.raises(verbs.NotNow):
        do(fleet, "start")
    do(left := Fleet({}), "skip", "c")
    left.run()
    do(left, "start")
    left.run()
    assert left.has["c"] == NEW
