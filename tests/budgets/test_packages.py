"""What it costs to steer the rollout of a package, by the number of its members."""

import pytest

from sgportal.actions import save_group, steer_package
from sgportal.models import Grid, ServiceGroup
from sgportal.queries.plans import spec_of
from sgportal.reconciler.grids.rollouts import begin
from tests import builders
from tests.reconciler.groups.test_packages import a_member, a_package
from tests.reconciler.world import ADA

from .counting import listed, statements

WAVES = {"waves": [{"name": "canary", "units": ["a"]}], "start": "manual"}
UNITS = ("a", "b", "c")


def under_way(count: int) -> ServiceGroup:
    """A package of so many members, whose rollout has begun in three NodeUnits."""
    for image in ("img:1", "img:2"):
        members = [a_member(f"m{number}", image) for number in range(count)]
        order = {f"dg/m{number}": ["dg/m0"] for number in range(1, count)}
        save_group(a_package(*members, rollout=WAVES, dependsOn=order), ADA, ask=False)
        for grid in Grid.objects.all():
            begin.prepare(grid, spec_of(grid))
            if image == "img:1":
                builders.observed(grid, UNITS)
    return ServiceGroup.objects.get()


def cost(count: int) -> list[str]:
    group = under_way(count)
    with statements() as sql:
        steer_package(group, "start", ADA, dry_run=True)
    ServiceGroup.objects.all().delete()
    Grid.objects.all().delete()
    return list(sql)


@pytest.mark.django_db
def test_what_members_know_of_one_another_is_read_once(budgets):
    for unit in UNITS:
        builders.a_node(f"node-{unit}", zone=unit)
    few, many = cost(2), cost(12)
    each = (len(many) - len(few)) / 10
    budgets.hold(
        "steering a package",
        {"2 members": {"sql": len(few)}, "each further member": {"sql": each}},
        {"2 members": listed(few), "each further member": listed(many)},
    )
