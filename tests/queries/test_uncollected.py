"""Plans of many grids are made, and writes answered, while the garbage collector rests; it goes on afterwards."""

import gc

import pytest

from sgportal import actions
from sgportal.actions import grids
from sgportal.collector import resting
from sgportal.core.plans.plan import Plan
from sgportal.queries.per_unit.uncollected import MOST, uncollected

from ..api.builders import manifest


def rests():
    """Whether it looks through the young only once there are very many."""
    return gc.isenabled() and gc.get_threshold()[0] == MOST


def test_it_rests_until_the_last_has_come_out():
    before = gc.get_threshold()
    assert not rests()
    with uncollected():
        with uncollected():
            assert rests()
        assert rests()
    assert gc.get_threshold() == before


def test_it_goes_on_after_an_error():
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert not rests()


@pytest.mark.django_db
def test_grids_are_planned_meanwhile(monkeypatch):
    plan, seen = grids._wish, []

    def watched(prepared):
        seen.append(rests())
        return plan(prepared)

    monkeypatch.setattr(grids, "_wish", watched)
    several = [manifest("a"), manifest("b", "ServiceGrid")]
    actions.save_grids(several, actions.Actor("ada", "rest"), ask=False, dry_run=True)
    assert seen == [True, True]
    assert not rests()


@pytest.mark.parametrize(("method", "then"), [("GET", False), ("POST", True), ("DELETE", True)])
def test_it_rests_until_a_write_is_answered(rf, method, then):
    assert resting(lambda _: rests())(rf.generic(method, "/")) is then
    assert not rests()


@pytest.mark.django_db
def test_the_plans_of_children_leave_nothing_behind():
    """What a plan was made from is freed with it, for nothing refers to it in a circle."""
    actor = actions.Actor("ada", "rest")
    gc.collect()
    with uncollected():
        saved = actions.save_grids([manifest("a")], actor, ask=False, dry_run=True)
        del saved
        assert not [each for each in gc.get_objects() if type(each) is Plan]
