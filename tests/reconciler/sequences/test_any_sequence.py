"""For any sequence of edits, node changes, outages, failing answers and workers that die: once the world is quiet the
cluster equals what was wanted, no step ran twice with effect, no unit had fewer pods than allowed.

The real reconciler on an embedded cluster over HTTP, with a DeploymentGrid or a StatefulSetGrid that is rolled out in
waves or in tracks side by side, and NodeUnits that join at once, once they are ready or once a person has approved
them. `SGPORTAL_SEQUENCES=100` tries so many sequences, others each time.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sgportal.core.rollouts.verbs import OF_TRACKS
from sgportal.models import Grid, Rollout
from sgportal.reconciler.grids import cell_batch
from sgportal.reconciler.grids.status import publish

from .fleet import MOVABLE, UNITS, a_fleet
from .watched import image_of, is_done

SITES = st.sampled_from(UNITS)
VERBS = ["start", "pause", "resume", "approve", "skip", "abort", "rollback"]
WORK = st.tuples(st.just("work"))
EVERYWHERE = (  # what happens to any fleet
    st.tuples(st.just("fault"), st.sampled_from([0, 1, 409, 429, 500, 503]), st.integers(1, 3)),
    st.tuples(st.just("move"), st.sampled_from(MOVABLE), st.sampled_from([*UNITS, "site-new"])),
    st.tuples(st.just("outage"), SITES),
    st.tuples(st.just("back"), SITES),
    st.tuples(st.just("late")),
    st.tuples(st.just("verb"), st.sampled_from(VERBS)),
    st.tuples(st.just("verb"), st.sampled_from(sorted(OF_TRACKS)), st.sampled_from(["north", "south", "rest"])),
)
HAPPENINGS = st.one_of(
    st.tuples(st.just("joins")),
    WORK,
    WORK,
    st.tuples(st.just("edit"), st.sampled_from([True, True, False])),
    st.tuples(st.just("killed"), st.integers(1, 150)),
    st.tuples(st.just("killed"), st.integers(1, 150)),
    *EVERYWHERE,
)
WAVES = st.sampled_from(
    [
        [],
        [{"name": "canary", "units": [UNITS[1]]}],
        [{"count": 1, "approval": True}, {"percent": 50}],
    ]
)
NORTH = {"name": "north", "units": UNITS[:2], "waves": [{"count": 1, "approval": True}]}
TRACKS = st.sampled_from([[NORTH], [NORTH, {"name": "south", "units": [UNITS[2]]}]])
BOUNDS = st.fixed_dictionaries(
    {
        "maxUnavailable": st.integers(1, 2),
        "maxFailures": st.integers(0, 1),
        "onFailure": st.sampled_from(["halt", "rollBack"]),
    }
)
ROLLOUTS = st.one_of(
    st.builds(lambda waves, bounds: {"waves": waves, **bounds}, WAVES, BOUNDS),
    st.builds(lambda tracks, bounds: {"tracks": tracks, **bounds}, TRACKS, BOUNDS),
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch, settings, transactional_db):
    """Nothing rests between two pieces of work."""
    monkeypatch.setattr(publish, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(publish, "PACE_SECONDS", 0.0)
    monkeypatch.setattr(publish, "REST", 0)
    monkeypatch.setattr(cell_batch, "REST_SECONDS", 0.0)
    settings.SGPORTAL_CLUSTER = "demo"


def check(monkeypatch, rollout, happenings, **how):
    with a_fleet(monkeypatch, rollout, **how) as fleet:
        for name, *args in [("edit", True), *happenings]:
            getattr(fleet, name)(*args)
        fleet.quiet()
        equals_what_was_wanted(fleet)
        nothing_twice(fleet, rollout, happenings)
        fleet.edit(True)
        fleet.quiet()
        if Rollout.objects.order_by("pk").last().phase == "Complete":
            assert set(fleet.runs().values()) == {fleet.watched.latest}
        equals_what_was_wanted(fleet)


def equals_what_was_wanted(fleet):
    """Each unit with nodes has one workload, of the revision that it should have, complete unless it cannot be."""
    rollout, grid, runs = Rollout.objects.order_by("pk").last(), Grid.objects.get(), fleet.runs()
    assert runs.keys() == fleet.units()
    wanted = {row.name: row.assigned for row in grid.units.all() if row.assigned is not None}
    assert runs == {unit: fleet.images[wanted.get(unit, grid.generation)] for unit in runs}
    members = {row.name: row for row in rollout.units.all() if row.name in runs}
    left_out = {row.name for row in members.values() if row.turn == "skipped"}
    if rollout.phase == "Complete":
        assert {image for unit, image in runs.items() if unit not in left_out} <= {fleet.watched.latest}
    if rollout.phase == "RolledBack":
        assert runs == {unit: fleet.images[members[unit].before] for unit in runs}
    for unit, body in fleet.deployments().items():
        assert is_done(body) != image_of(body).startswith("fail."), (unit, image_of(body))


def nothing_twice(fleet, rollout, happenings):
    """No unit was given an image again, unless it had gone back in between; none was made anew; few at a time."""
    watched = fleet.watched
    back = fleet.verbs + (rollout["onFailure"] == "rollBack")
    edits = 1 + sum(name == "edit" for name, *_ in happenings)
    again = {place: count for place, count in watched.given.items() if count > 1 + back * edits}
    assert not again
    assert not watched.below
    assert all(len(uids) == 1 for uids in watched.uids.values())
    assert watched.most_changing <= rollout["maxUnavailable"]


EXAMPLES = int(os.environ.get("SGPORTAL_SEQUENCES", "3"))

QUICK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="SGPORTAL_SEQUENCES" not in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # an example is real time: it is not made smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.timeout(30 * EXAMPLES + 60)
@QUICK
@given(
    rollout=ROLLOUTS,
    happenings=st.lists(HAPPENINGS, min_size=5, max_size=12),
    child=st.sampled_from(["Deployment", "StatefulSet"]),
    join=st.sampled_from(["immediate", "whenReady", "approved"]),
)
def test_once_it_is_quiet_the_cluster_equals_what_was_wanted(monkeypatch, rollout, happenings, child, join):
    check(monkeypatch, rollout, happenings, child=child, join=join)
