"""Members of a package go from wave to wave together."""

import pytest

from sgportal.core.rollouts.together import limit_of

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
        ([("RolledBack", "", 1)], 1),
    ],
)
def test_nobody_begins_a_wave_before_all_are_done_with_the_one_before(others, limit):
    assert limit_of(others) == limit
