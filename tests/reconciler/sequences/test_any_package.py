"""The same of a ServiceGroup whose members have an order, with a rollout that they share or with none: edits of the
package and of its members over the portal and kubectl, Deployments and StatefulSets, units that join, pauses, restored
revisions, members and packages that are deleted. `SGPORTAL_SEQUENCES=100` tries so many sequences, others each time.
"""

from pprint import pformat

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sgportal.core.grids.group import KIND
from sgportal.models import Grid, PackageRevision, Revision, Rollout, ServiceGroup
from sgportal.reconciler.queue import together

from .fleet import a_fleet
from .packages import NAME, STOPPED, PackageFleet
from .test_any_sequence import EVERYWHERE, EXAMPLES, QUICK, ROLLOUTS, VERBS, WORK, at_once
from .watched import image_in, image_of, is_done
from .wishes import wish_of

__all__ = ["at_once"]

DOOR = st.sampled_from(["portal", "kubectl"])
MEMBER = st.sampled_from(["db", "web", "api"])
MEMBERS = st.sampled_from([("db", "web"), ("db",), ("web",), ("db", "api")])
GOOD = st.sampled_from([True, True, False])
HAPPENINGS = st.one_of(
    WORK,
    WORK,
    st.tuples(st.just("edit"), MEMBERS, GOOD, DOOR),
    st.tuples(st.just("edit"), MEMBERS, GOOD, DOOR),
    st.tuples(st.just("member"), MEMBER, GOOD, DOOR),
    st.tuples(st.just("without"), MEMBER, DOOR),
    st.tuples(st.just("member_goes"), MEMBER, DOOR),
    st.tuples(st.just("member_verb"), MEMBER, st.sampled_from(VERBS)),
    st.tuples(st.just("joins")),
    st.tuples(st.just("paused"), st.booleans(), DOOR),
    st.tuples(st.just("restore"), st.integers(0, 5)),
    st.tuples(st.just("deleted"), DOOR),
    st.tuples(st.just("killed"), st.integers(1, 250)),
    st.tuples(st.just("killed"), st.integers(1, 250)),
    *EVERYWHERE,
)


def check(monkeypatch, rollout, happenings, **how):
    with a_fleet(monkeypatch, rollout, PackageFleet, **how) as fleet:
        for name, *args in [("edit", ("db", "web"), True), *happenings]:
            fleet.happens(name, *args)
        fleet.finish()
        equals_what_was_wanted(fleet)
        nothing_twice(fleet, rollout)
        fleet.edit(tuple(fleet.wish.members or ("db", "web")), True)
        fleet.finish()
        equals_what_was_wanted(fleet)
        nothing_twice(fleet, rollout)
        if not fleet.watched.away:
            phases = set(Rollout.objects.filter(pk__in=fleet.rollouts().values()).values_list("phase", flat=True))
            assert phases <= {"Complete"}, pformat(fleet.description())


def equals_what_was_wanted(fleet):
    """The package, its custom resource, its members and its last revision say the same, and each unit with nodes has
    the workload of each member, of the revision that it should have; nothing is left of others."""
    said = pformat(fleet.description())
    if fleet.wish.images is None:
        assert not fleet.deployments(), said
        return
    group = ServiceGroup.objects.get(name=NAME)
    live = fleet.world.cluster.get(KIND, "default", NAME)
    assert wish_of(group.source()["spec"]) == fleet.wish, said
    assert live["spec"] == group.source()["spec"], said
    accepted = {each["type"]: each["status"] for each in live["status"]["conditions"]}
    assert accepted["Accepted"] == "True", said
    kept = PackageRevision.objects.filter(group=group)
    assert kept[0].spec == group.source()["spec"], said
    assert {wish_of(each.spec) for each in PackageRevision.objects.all()} <= fleet.wished, said
    for grid in Grid.objects.all():
        assert (grid.group_id, image_in(grid.source())) == (
            group.pk,
            fleet.wish.members[grid.name],
        ), said
        revisions_run(fleet, grid, said)


def revisions_run(fleet, grid, said):
    """What units run of a member is the revision that each should have."""
    bodies = fleet.deployments()
    runs = {unit: image_of(body) for (member, unit), body in bodies.items() if member == grid.name}
    other = fleet.watched.order.get(grid.name)
    blocked = {
        unit
        for unit in fleet.units()
        if other in fleet.wish.members and not has(bodies.get((other, unit)), fleet.wish.members[other])
    }
    assert fleet.units() - blocked <= runs.keys(), f"{grid.name} {said}"
    rollout = Rollout.objects.filter(grid=grid).order_by("pk").last()
    assigned = {row.name: row.assigned for row in grid.units.all() if row.assigned is not None}
    images = {row.number: image_in(row.source()) for row in Revision.objects.filter(grid=grid)}
    wanted = {unit: images[assigned.get(unit, grid.generation)] for unit in runs}
    assert {unit for unit in runs if runs[unit] != wanted[unit]} <= blocked, f"{grid.name} {wanted} {said}"
    for unit, image in runs.items():
        assert is_done(bodies[grid.name, unit]) != image.startswith("fail."), f"{grid.name} {unit} {said}"
    if rollout is None:
        return
    turns = dict(rollout.units.values_list("name", "turn"))
    left_out = {unit for unit, turn in turns.items() if turn == "skipped" or (turn == "deferred" and unit in blocked)}
    if rollout.phase == "Complete":
        assert {runs[unit] for unit in runs.keys() - left_out - blocked} <= {fleet.wish.members[grid.name]}, said
    if rollout.phase == "Progressing":
        phases = Rollout.objects.filter(pk__in=fleet.rollouts().values()).values_list("phase", flat=True)
        assert set(phases) & set(STOPPED), said


def has(body, image):
    """Whether a Deployment is rolled out with an image."""
    return body is not None and image_of(body) == image and is_done(body)


def nothing_twice(fleet, rollout):
    """No unit was given an image of a member again, unless it had gone back or was wanted again in between; nothing was
    made anew or before those that it waits for; few units at a time."""
    watched, said = fleet.watched, fleet.description()
    back = fleet.verbs + (rollout is not None and rollout["onFailure"] == "rollBack") * (fleet.number + 1)
    again = {
        place: count for place, count in watched.given.items() if count > watched.wanted[place[0], place[2]] + back
    }
    assert not again, f"{again} {said}"
    assert not watched.below, f"{watched.below} {said}"
    assert not watched.early, f"{watched.early} {said}"
    gave_up = fleet.verbs or Rollout.objects.filter(phase__in=("RollingBack", "RolledBack", "Aborted")).exists()
    assert gave_up or not watched.behind, f"{watched.behind} {said}"
    assert not watched.lost, f"{watched.lost} {said}"
    if rollout:
        assert watched.most_changing <= rollout["maxUnavailable"], said


@pytest.mark.timeout(60 * EXAMPLES + 60)
@QUICK
@given(
    rollout=st.one_of(st.none(), ROLLOUTS, ROLLOUTS, ROLLOUTS),
    happenings=st.lists(HAPPENINGS, min_size=5, max_size=12),
    stateful=st.sets(MEMBER),
    join=st.sampled_from(["immediate", "whenReady", "approved"]),
)
# A member is named again while it goes: it is made anew once it has gone, and that it went is no loss.
@example(
    rollout=None,
    happenings=[("member_goes", "web", "portal"), ("edit", ("db", "web"), True, "kubectl")],
    stateful=set(),
    join="immediate",
)
def test_once_it_is_quiet_the_package_is_what_was_wanted(
    monkeypatch, rollout, happenings, stateful, join, settings, caplog
):
    settings.SGPORTAL_DELETE_BRAKE_MIN = 1000  # deletions here are meant
    monkeypatch.setattr(together, "strict", True)
    check(monkeypatch, rollout, happenings, stateful=stateful, join=join)
    assert "TakenApart" not in caplog.text
