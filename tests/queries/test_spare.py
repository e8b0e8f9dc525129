"""Which revisions of grids and packages, and which rollouts are kept, and which go."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sgportal.models import Grid, PackageRevision, Revision, Rollout, RolloutUnit, ServiceGroup
from sgportal.reconciler import duties
from tests import builders

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=100)


@pytest.fixture(autouse=True)
def three_are_kept(settings) -> None:
    settings.SGPORTAL_REVISIONS_KEPT, settings.SGPORTAL_HISTORY_DAYS = 3, 90


def a_grid_of(count: int, name: str = "echo", **more) -> Grid:
    """A grid with so many revisions, all old."""
    grid = builders.a_grid(name, **more)
    for _ in range(count - 1):
        grid.generation += 1
        grid.remember("ada")
    grid.save()
    age()
    return grid


def age(by: timedelta = LONG_AGO) -> None:
    for model in (Revision, PackageRevision):
        model.objects.update(created_at=timezone.now() - by)


def left(rows) -> list[int]:
    duties.forget()
    return sorted(rows.values_list("number", flat=True))


def test_the_latest_of_each_grid_are_kept(settings):
    one, other = a_grid_of(6), a_grid_of(2, "other")
    assert left(one.revisions) == [4, 5, 6]
    assert left(other.revisions) == [1, 2]


@pytest.mark.parametrize(("kept", "days"), [(0, 90), (3, 0), (3, 120)])
def test_all_are_kept_where_that_is_asked_or_the_past_is_told_so_long(settings, kept, days):
    settings.SGPORTAL_REVISIONS_KEPT, settings.SGPORTAL_HISTORY_DAYS = kept, days
    assert len(left(a_grid_of(6).revisions)) == 6


def test_those_of_a_name_that_is_gone_go_as_well():
    grid = a_grid_of(6)
    path = grid.path
    grid.delete()
    assert left(Revision.objects.filter(path=path)) == [4, 5, 6]
    a_grid_of(3)
    assert left(Revision.objects.filter(path=path)) == [1, 2, 3], "those of the grid that is there now"


@pytest.mark.parametrize("field", ["pushed_generation", "observed_generation", "stable"])
def test_what_a_grid_follows_is_kept(field):
    grid = a_grid_of(6)
    Grid.objects.update(**{field: 2})
    assert left(grid.revisions) == [2, 4, 5, 6]


@pytest.mark.parametrize("field", ["pinned", "assigned", "revision", "generation"])
def test_what_a_unit_has_or_should_have_is_kept(field):
    grid = a_grid_of(6)
    builders.observed(grid, ["a"]).units.update(**{field: 2})
    assert left(grid.revisions) == [2, 4, 5, 6]


@pytest.mark.parametrize("field", ["target", "stable", "generation", "before", "assigned"])
def test_what_the_latest_rollout_goes_to_or_back_to_is_kept(field):
    grid = a_grid_of(6)
    for number in (1, 2):
        places = {**dict.fromkeys(("target", "stable", "generation", "before", "assigned"), 6), field: number}
        unit = {name: places.pop(name) for name in ("before", "assigned")}
        rollout = Rollout.objects.create(grid=grid, seed=1, phase="Progressing", **places)
        RolloutUnit.objects.create(rollout=rollout, name="a", wave=0, turn="waiting", **unit)
    assert left(grid.revisions) == [2, 4, 5, 6]


def test_those_of_a_package_go_by_the_same_rule_and_keep_what_they_name():
    group = ServiceGroup.objects.create(namespace="default", name="shop", key="zone")
    grid, alone = a_grid_of(6, group=group), a_grid_of(6, "alone")
    for number in range(1, 6):
        members = {grid.path: 1 if number < 3 else 2}
        PackageRevision.objects.create(
            group=group, namespace="default", name="shop", key="zone", number=number, spec={}, members=members
        )
    age()
    assert left(group.revisions) == [3, 4, 5]
    assert left(grid.revisions) == [2, 4, 5, 6]
    assert left(alone.revisions) == [4, 5, 6]
    group.delete()
    assert left(PackageRevision.objects.filter(name="shop")) == [3, 4, 5]


def rollouts_of(grid: Grid, count: int, **more) -> list[int]:
    """So many rollouts of a grid, each but the last followed by another, all over for long, with a row of a unit."""
    ended = timezone.now() - LONG_AGO
    made = []
    for number in range(1, count + 1):
        places = {"target": number, "stable": number, "generation": number, "ended_at": ended, "phase": "Superseded"}
        rollout = Rollout.objects.create(grid=grid, seed=1, **{**places, **more})
        RolloutUnit.objects.create(rollout=rollout, name="a", wave=0, turn="done", before=number, assigned=number)
        made.append(rollout.pk)
    return made


def test_rollouts_that_are_over_go_by_the_same_rule_with_their_units():
    one, other = builders.a_grid("one"), builders.a_grid("other")
    of_one, of_other = rollouts_of(one, 12), rollouts_of(other, 2)
    duties.forget()
    assert sorted(Rollout.objects.values_list("pk", flat=True)) == sorted([*of_one[-3:], *of_other])
    assert RolloutUnit.objects.count() == 5


@pytest.mark.parametrize(("kept", "days"), [(0, 90), (3, 0), (3, 120)])
def test_all_rollouts_are_kept_where_that_is_asked(settings, kept, days):
    settings.SGPORTAL_REVISIONS_KEPT, settings.SGPORTAL_HISTORY_DAYS = kept, days
    rollouts_of(builders.a_grid("one"), 6)
    duties.forget()
    assert Rollout.objects.count() == 6


def test_a_rollout_under_way_stays_however_many_came_after_it():
    grid = builders.a_grid("one")
    [running] = rollouts_of(grid, 1, phase="Progressing", ended_at=None)
    rest = rollouts_of(grid, 6)
    duties.forget()
    assert sorted(grid.rollouts.values_list("pk", flat=True)) == [running, *rest[-3:]]


def test_the_rollout_that_counts_stays_where_the_clock_was_set_back():
    """Which is the latest is said by its number: what is shown, and gone back to, follows from that one."""
    grid = builders.a_grid("one")
    *_, latest = rollouts_of(grid, 6)
    Rollout.objects.filter(pk=latest).update(began_at=timezone.now() - 3 * LONG_AGO)
    duties.forget()
    assert grid.rollouts.first().pk == latest


def test_a_long_past_of_rollouts_goes_in_several_turns():
    rollouts_of(builders.a_grid("one"), 40)
    assert duties.forget() == duties.SOON
    while duties.forget() == duties.SOON:
        pass
    assert Rollout.objects.count() == 3
