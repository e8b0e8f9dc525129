"""Plans of many grids are made while the garbage collector rests, and it goes on afterwards."""

import gc

import pytest

from sgportal import actions
from sgportal.actions import grids
from sgportal.queries.per_unit.uncollected import uncollected

from ..api.builders import manifest


def test_it_rests_until_the_last_has_come_out():
    assert gc.isenabled()
    with uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error():
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


@pytest.mark.django_db
def test_grids_are_planned_meanwhile(monkeypatch):
    plan, seen = grids._wish, []

    def watched(prepared):
        seen.append(gc.isenabled())
        return plan(prepared)

    monkeypatch.setattr(grids, "_wish", watched)
    several = [manifest("a"), manifest("b", "ServiceGrid")]
    actions.save_grids(several, actions.Actor("ada", "rest"), ask=False, dry_run=True)
    assert seen == [False, False]
    assert gc.isenabled()
