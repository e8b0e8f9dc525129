"""A unit whose new pods restart too often has failed, however ready they are in between."""

import pytest

from sgportal.core.rollouts import verbs
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.core.rollouts.validation import rollout_problems

from .fleet import NEW, OLD, Fleet

SOAKING = {"waves": [{"units": ["b"], "soakSeconds": 100}], "maxRestarts": 1}


@pytest.mark.parametrize(("then", "phase", "has"), [("halt", "Halted", NEW), ("rollBack", "RolledBack", OLD)])
def test_a_unit_that_restarts_while_it_is_watched_ends_the_rollout(then, phase, has):
    fleet = Fleet({**SOAKING, "onFailure": then})
    for _ in range(4):
        fleet.step()
    assert fleet.state.members["b"].turn == "done"
    fleet.restarting.add("b")
    assert fleet.run(phase).phase == phase
    assert fleet.has == {"a": OLD, "b": has, "c": OLD, "d": OLD}
    if then == "halt":
        assert fleet.state.members["b"].failure == "TooManyRestarts"


def test_one_of_a_wave_that_is_done_counts_as_well():
    fleet = Fleet({"waves": [{"units": ["b"]}, {"units": ["a"], "soakSeconds": 300}], "maxRestarts": 1})
    for _ in range(8):
        fleet.step()
    assert (fleet.state.wave, fleet.state.reason) == (1, "Soaking")
    fleet.restarting.add("b")
    assert fleet.run("Halted").members["b"].turn == "failed"


def test_it_stays_failed_though_it_is_ready_and_has_another_try_when_the_rollout_is_resumed():
    fleet = Fleet(SOAKING)
    for _ in range(3):
        fleet.step()
    fleet.restarting.add("b")
    fleet.run("Halted")
    reached = fleet.state.members["b"].reached
    fleet.step()
    assert fleet.state.members["b"].turn == "failed"
    fleet.restarting.clear()  # those restarts were before it was resumed
    fleet.state = verbs.done("resume", fleet.read, fleet.state, fleet.now)
    assert fleet.state.members["b"].reached > reached
    assert fleet.run().phase == "Complete"


def test_so_many_failures_are_borne():
    fleet = Fleet({"maxRestarts": 0, "maxFailures": 1, "maxUnavailable": 4}, restarting={"c"})
    assert fleet.run().phase == "Complete"
    assert fleet.state.members["c"].turn == "failed"


@pytest.mark.parametrize("bad", [-1, 1001, "2", True, 1.5])
def test_what_is_no_number_of_restarts_is_refused(bad):
    assert [each.pointer for each in rollout_problems({"maxRestarts": bad})] == ["/spec/rollout/maxRestarts"]


def test_without_it_restarts_do_not_count():
    assert strategy_of({}).max_restarts is None
    assert strategy_of({"maxRestarts": 0}).max_restarts == 0
