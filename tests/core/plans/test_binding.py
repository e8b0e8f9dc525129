"""What a plan comes to, and its id: the same for the same steps, another as soon as one does something else."""

import pytest

from sgportal.core.plans.plan import plan
from sgportal.core.plans.preview.binding import id_of, plan_id, summary_of

from ..builders import a_grid, a_template, a_world, settled


def steps_of(spec, live=None, units=("a", "b"), **world):
    live = settled(a_grid(), units) if live is None else live
    return plan(spec, a_world(units, live, **world)).steps


def image(name="img:2", **pod):
    return a_grid(template=a_template(image=name, **pod))


def test_the_same_steps_have_the_same_id():
    assert plan_id(steps_of(image())) == plan_id(steps_of(image()))
    assert plan_id(()) == plan_id(steps_of(a_grid()))


def another_world():
    live = settled(a_grid())
    live[0]["spec"]["replicas"] = 9
    return live


def another_object():
    live = settled(a_grid())
    live[0]["metadata"]["uid"] = "made-anew"
    return live


@pytest.mark.parametrize(
    "steps",
    [
        lambda: steps_of(image("img:3")),
        lambda: steps_of(image(priorityClassName="high")),
        lambda: steps_of(image(), units=("a", "b", "c")),
        lambda: steps_of(image(), units=("a",)),
        lambda: steps_of(image(), live=another_world()),
        lambda: steps_of(image(), live=another_object()),
        lambda: steps_of(image(), live=settled(a_grid())[:1]),
        lambda: steps_of(image(), deleting=True),
        lambda: steps_of(a_grid()),
    ],
)
def test_any_other_step_has_another(steps):
    assert plan_id(steps()) != plan_id(steps_of(image()))


def test_two_children_that_differ_only_in_their_body_have_two_ids():
    assert plan_id(steps_of(image(), live=())) != plan_id(steps_of(image("img:3"), live=()))


def restarted_at(time):
    made = a_template()
    made["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": time}
    return a_grid(template=made)


def test_when_a_restart_was_asked_for_is_not_part_of_it():
    first, second = (steps_of(restarted_at(f"2030-01-0{day}T00:00:00Z")) for day in (1, 2))
    assert plan_id(first) == plan_id(second) != plan_id(())


def test_the_id_of_several_is_one_of_what_each_is_and_where():
    assert id_of({"a": "1", "b": "2"}) == id_of({"b": "2", "a": "1"})
    assert id_of({"a": "1", "b": "2"}) != id_of({"a": "2", "b": "1"})
    assert id_of({}) != id_of({"a": ""})


def numbers(steps):
    found = summary_of(steps)
    return found.creates, found.updates, found.deletes, found.restarts, found.restarted_pods


def test_a_change_of_the_pod_template_replaces_pods_and_a_change_of_their_number_does_not():
    three = settled(a_grid(template=a_template(replicas=3)))
    assert numbers(steps_of(image(), live=())) == (2, 0, 0, 0, 0)
    assert numbers(steps_of(a_grid(template=a_template(replicas=5)))) == (0, 2, 0, 0, 0)
    assert numbers(steps_of(a_grid(template=a_template("img:2", replicas=3)), live=three)) == (0, 2, 0, 2, 6)
    assert numbers(steps_of(a_grid(), deleting=True)) == (0, 0, 2, 0, 0)


@pytest.mark.parametrize(("strategy", "restarts"), [("OnDelete", 0), ("RollingUpdate", 2)])
def test_a_statefulset_that_is_updated_by_hand_replaces_no_pod(strategy, restarts):
    def grid(image):
        template = {**a_template(image), "serviceName": "s", "updateStrategy": {"type": strategy}}
        return a_grid(kind="StatefulSetGrid", template=template)

    live = settled(grid("img:1"))
    assert numbers(plan(grid("img:2"), a_world(live=live)).steps) == (0, 2, 0, restarts, restarts)
