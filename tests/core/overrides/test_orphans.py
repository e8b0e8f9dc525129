"""What becomes of the child of a unit without nodes, by the grid's own policy."""

import math

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.overrides.orphans import grace_of
from sgportal.core.plans.plan import plan, unwanted
from sgportal.core.text import Invalid

from ..builders import a_manifest, a_world, settled

HOUR = 3600.0


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        ({}, HOUR),
        ({"orphanPolicy": "deleteAfter"}, HOUR),
        ({"orphanPolicy": "deleteAfter", "deleteAfterSeconds": 60}, 60.0),
        ({"deleteAfterSeconds": 0}, 0.0),
        ({"orphanPolicy": "delete"}, 0.0),
        ({"orphanPolicy": "retain"}, math.inf),
    ],
)
def test_how_long_it_is_kept(spec, seconds):
    parse(a_manifest(**spec))
    assert grace_of(spec, HOUR) == seconds


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        ({"orphanPolicy": "keep"}, "/spec/orphanPolicy"),
        ({"orphanPolicy": "retain", "deleteAfterSeconds": 5}, "/spec/deleteAfterSeconds"),
        ({"deleteAfterSeconds": -1}, "/spec/deleteAfterSeconds"),
    ],
)
def test_what_makes_no_sense_is_refused(spec, pointer):
    with pytest.raises(Invalid) as raised:
        parse(a_manifest(**spec))
    assert [each.pointer for each in raised.value.problems] == [pointer]


@pytest.mark.parametrize(("grace", "verbs"), [(0.0, ["delete"]), (60.0, ["delete"]), (HOUR, []), (math.inf, [])])
def test_it_goes_when_its_time_is_over(grace, verbs):
    live = settled(parse(a_manifest()), ["a", "b"])
    made = plan(parse(a_manifest()), a_world(["b"], live, gone_since={"a": 900.0}, grace=grace))
    assert [step.verb for step in made.steps] == verbs


def test_what_is_retained_is_not_counted_as_about_to_go_and_can_be_deleted_by_hand():
    live = settled(parse(a_manifest()), ["a", "b"])
    world = {"gone_since": {"a": 0.0}, "grace": math.inf}
    made = plan(parse(a_manifest()), a_world(["b"], live, **world))
    assert [each.reason for each in made.findings] == ["OrphanRetained"]
    assert unwanted(made) == set()
    assert [step.verb for step in plan(parse(a_manifest()), a_world(["b"], live, recreate=["a"], **world)).steps] == [
        "delete"
    ]
