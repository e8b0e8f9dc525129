"""A change whose pods come up and end again and again, on an embedded cluster."""

import time
from datetime import UTC, datetime

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.rollouts.state import Member
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.models import Pod, RolloutUnit
from sgportal.reconciler.grids.rollouts import rows

from ..world import a_template
from .test_waves import CANARY, is_at, seen, steer, three  # noqa: F401

pytestmark = pytest.mark.embedded_only


def test_a_canary_that_restarts_ends_the_rollout(three):  # noqa: F811
    ending = a_template("img:2")
    ending["template"]["spec"]["containers"][0]["command"] = ["sh", "-c", "sleep 1; exit 1"]
    canary = {**CANARY["waves"][0], "soakSeconds": 600}
    rollout = {"waves": [canary], "maxRestarts": 1, "onFailure": "halt"}
    three.grid = three.change(three.grid, lambda each: each["spec"].update(template=ending, rollout=rollout))
    is_at(three, "Halted", "TooManyFailures")
    row = RolloutUnit.objects.order_by("pk").get(rollout__target=three.grid.generation, name="b")
    assert (row.turn, row.failure) == ("failed", "TooManyRestarts")
    assert set(RolloutUnit.objects.filter(rollout=row.rollout).exclude(name="b").values_list("turn", flat=True)) == {
        "waiting"
    }
    steer(three, "rollback")
    is_at(three, "RolledBack")


def test_only_pods_that_are_there_since_the_rollout_reached_the_unit_count(three):  # noqa: F811
    strategy = strategy_of({"maxRestarts": 1})
    spec, reached = parse(three.grid.source()), time.time() - 60
    members = {unit: Member(0, 1, 2, "done", reached=reached if unit != "c" else 0.0) for unit in "abc"}
    Pod.objects.update(created_at=datetime.fromtimestamp(reached - 30, UTC), restarts=9)
    assert rows.restarting(spec, strategy, members) == set()
    Pod.objects.update(created_at=datetime.fromtimestamp(reached + 30, UTC))
    assert rows.restarting(spec, strategy, members) == {"a", "b"}
    Pod.objects.filter(child="g-a").update(restarts=1)
    Pod.objects.filter(child="g-b").update(terminating=True)
    assert rows.restarting(spec, strategy, members) == set()
