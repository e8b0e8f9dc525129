"""When a field that somebody else sets is set again."""

import pytest

from sgportal.core.plans.contest import TRIES, Attempt, after_admission, digest
from sgportal.core.plans.diff import Change


@pytest.mark.parametrize(
    ("suspects", "asked", "lost"),
    [
        (("mirror", "quota"), ["mirror", "quota", "new"], False),
        (("mirror", "quota"), ["quota"], True),  # it may have been the one that has gone
        (("mirror",), [], True),
        (("mirror",), None, False),  # nobody knows
        ((), [], False),  # nobody was known to be asked: that nobody is says nothing
    ],
)
def test_a_field_is_set_again_once_one_of_those_who_may_have_changed_it_is_not_asked_any_more(suspects, asked, lost):
    attempt = Attempt(TRIES, digest("img:1"), 0.0, admission=True, suspects=suspects)
    assert attempt.has_lost_a_rival(asked) is lost


def test_those_who_are_asked_are_remembered_with_the_field():
    image = Change("spec.image", "img:1", "mirror:1")
    (attempt,) = after_admission({}, [image], ["mirror"], 5.0).values()
    assert (attempt.suspects, attempt.at) == (("mirror",), 5.0)
    assert Attempt.from_json(attempt.to_json()) == attempt
