"""Members of a package go from wave to wave together."""

import pytest

from sgportal.core.rollouts.engine import advance
from sgportal.core.rollouts.state import Seen
from sgportal.core.rollouts.together import Others, limit_of

from .fleet import OLD, Fleet

WAITS = ("Progressing", "AwaitingMembers")


@pytest.mark.parametrize(
    ("others", "limit"),
    [
        ([], None),
        ([("Complete", "", 4)], None),
        ([None], 0),
        ([("Progressing", "RollingOut", 1)], 1),
        ([(*WAITS, 1)], 2),
        ([(*WAITS, 1), ("Progressing", "Soaking", 1)], 1),
        ([(*WAITS, 2), ("Complete", "", 2)], 3),
        ([("Halted", "TooManyFailures", 0), (*WAITS, 3)], 0),
        ([("Paused", "", 2)], 2),
        ([("RollingBack", "", 1)], 1),
        ([("RolledBack", "", 1), ("Aborted", "", 0)], None),
    ],
)
def test_nobody_begins_a_wave_before_all_are_done_with_the_one_before(others, limit):
    assert limit_of(others) == limit


@pytest.mark.parametrize(
    ("changing", "given"), [((), {"a", "b"}), (("d",), {"a", "d"}), (("c", "d"), {"c", "d"}), (("x", "y"), set())]
)
def test_a_unit_in_change_elsewhere_counts_once(changing, given):
    fleet = Fleet({"maxUnavailable": 2})
    fleet.state = advance(fleet.read, fleet.state, fleet.seen(), 0.0, None, Others(changing=changing))
    found = {name for name, turn in fleet.turns().items() if turn == "given"}
    assert len(found) == len(given)
    assert len(found.union(changing)) <= 2


def test_a_share_is_one_of_all_units_of_the_package():
    fleet = Fleet({"maxUnavailable": "50%"})
    others = Others(changing=("x", "y"), units=("x", "y"))
    fleet.state = advance(fleet.read, fleet.state, fleet.seen(), 0.0, None, others)
    assert list(fleet.turns().values()).count("given") == 1


@pytest.mark.parametrize(("waits", "turn"), [("coming", "waiting"), ("failed", "deferred")])
def test_a_unit_that_waits_for_another_is_not_under_way_and_has_all_its_time_afterwards(waits, turn):
    fleet = Fleet({"maxUnavailable": 4, "progressDeadlineSeconds": 60})
    fleet.step()
    seen = {name: Seen(OLD, "ready", waits=waits) for name in fleet.names}
    for now in (2000.0, 4000.0, 6000.0):
        fleet.state = advance(fleet.read, fleet.state, seen, now)
        assert set(fleet.turns().values()) == {turn}
    assert {each.assigned for each in fleet.state.members.values()} == ({OLD} if waits == "coming" else {2})
    fleet.state = advance(fleet.read, fleet.state, {name: Seen(OLD, "ready") for name in fleet.names}, 6001.0)
    assert set(fleet.turns().values()) == {"given"}
