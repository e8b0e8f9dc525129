"""What becomes of the child of a unit that its grid is not for any more."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.plans.plan import plan, unwanted

from ..builders import a_manifest, a_world, settled

BY_LABEL = {"include": {"unitSelector": {"matchLabels": {"tier": "canary"}}}}


def a_plan(placement, **world):
    live = settled(parse(a_manifest()), ["a", "b"])
    return plan(parse(a_manifest(placement=placement)), a_world(["b"], live, left_out=["a"], **world))


@pytest.mark.parametrize("placement", [{"exclude": {"units": ["a"]}}, {"include": {"units": ["b"]}}])
def test_a_unit_that_is_left_out_by_name_loses_its_child_at_once(placement):
    made = a_plan(placement)
    assert [(step.verb, step.unit, step.cause) for step in made.steps] == [("delete", "a", "left-out")]
    assert unwanted(made) == {"a"}


def test_a_unit_that_lost_a_label_keeps_its_child_for_the_grace_time():
    made = a_plan(BY_LABEL, gone_since={"a": 900.0}, grace=600.0)
    assert (made.steps, [each.reason for each in made.findings]) == ((), ["UnitLeftOut"])
    assert unwanted(made) == {"a"}
    over = a_plan(BY_LABEL, gone_since={"a": 100.0}, grace=600.0)
    assert [step.cause for step in over.steps] == ["left-out"]
