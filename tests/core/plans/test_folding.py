"""What is done alike to many objects is told once."""

from sgportal.core.plans.plan import plan
from sgportal.core.plans.preview.folding import folded

from ..builders import a_grid, a_template, a_world, settled

UNITS = tuple("abcdef")


def told(steps):
    return [(each.first.verb, [step.unit for step in each.steps]) for each in folded(steps)]


def steps_of(spec, live):
    return plan(spec, a_world(UNITS, live)).steps


def test_alike_updates_are_one_and_what_differs_stands_alone():
    live = settled(a_grid(), UNITS)
    live[1]["spec"]["replicas"] = 7
    live[2]["spec"]["template"]["spec"]["containers"][0]["image"] = "img:9"
    steps = steps_of(a_grid(template=a_template("img:2")), live)
    assert sorted(told(steps)) == [("update", ["a", "d", "e", "f"]), ("update", ["b"]), ("update", ["c"])]
    assert sum(len(each.steps) for each in folded(steps)) == len(steps)


def test_what_is_created_is_one_though_each_is_for_its_own_unit():
    assert told(steps_of(a_grid(), ())) == [("create", list(UNITS))]
    assert told(steps_of(a_grid(), settled(a_grid(), UNITS[:2]))) == [("create", list(UNITS[2:]))]


def test_values_of_another_type_are_not_alike():
    live = settled(a_grid(), UNITS)
    live[0]["spec"]["template"]["spec"]["priority"] = 1
    live[1]["spec"]["template"]["spec"]["priority"] = True
    spec = a_grid(template=a_template(priority=5))
    assert ["a"] in [units for _, units in told(steps_of(spec, live))]


def test_nothing_is_nothing():
    assert folded(()) == []
