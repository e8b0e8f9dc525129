"""How much may go without a person."""

import pytest

from sgportal.core.fleet.brake import Brake, Count, takes_a_person

BRAKE = Brake(share=30, minimum=3)


@pytest.mark.parametrize(
    ("going", "there", "held"),
    [(3, 4, False), (4, 13, True), (4, 14, False), (30, 100, False), (31, 100, True), (0, 0, False)],
)
def test_a_few_always_go_and_beyond_that_a_share(going, there, held):
    assert BRAKE.holds(going, there) is held
    assert takes_a_person(BRAKE, [Count(going, there)]) is held


@pytest.mark.parametrize(("count", "held"), [(Count(1, 1), False), (Count(2, 2), True), (Count(3, 3), True)])
def test_all_of_several_take_a_person_however_few(count, held):
    assert takes_a_person(BRAKE, [count]) is held


def test_one_count_too_many_is_enough():
    assert takes_a_person(BRAKE, [Count(1, 10), Count(60, 100)])
    assert takes_a_person(BRAKE, [Count(10, 10), Count(10, 1000)])
    assert not takes_a_person(BRAKE, [Count(1, 10), Count(10, 1000)])
