"""The rollouts of the members of a ServiceGroup that are rolled out as it says: the same waves, and one way back."""

from collections.abc import Iterable
from typing import cast

from django.db.models import Q

from ....core.rollouts.state import Phase, Reason
from ....core.rollouts.together import Place, limit_of
from ....models import Grid, ServiceGroup
from ....queries.per_unit.rollouts import latest


def locked_with_package(grid: Grid) -> tuple[Grid | None, list[Grid]]:
    """The row of a grid and those of the other members that are rolled out with it, locked in order of key."""
    group = grid.group if grid.group_id else None
    wanted = _strategy(group) if group else None
    together = Q(group_id=grid.group_id) if wanted is not None else Q(pk=grid.pk)
    rows = list(Grid.objects.filter(Q(pk=grid.pk) | together).locked())
    mine = next((each for each in rows if each.pk == grid.pk), None)
    if mine is None or mine.spec.get("rollout") != wanted:
        return mine, []
    return mine, [each for each in rows if each.pk != grid.pk and _is_with(each, wanted)]


def limit(others: Iterable[Grid]) -> int | None:
    """The number of the last wave that a member may begin, where these are the others."""
    return limit_of(_place(each) for each in others)


def members(group: ServiceGroup) -> list[Grid]:
    """The members that are rolled out as the package says, locked."""
    wanted = _strategy(group)
    if wanted is None:
        return []
    return [each for each in Grid.objects.filter(group=group).locked() if _is_with(each, wanted)]


def _strategy(group: ServiceGroup) -> object:
    return group.spec.get("rollout")


def _is_with(grid: Grid, wanted: object) -> bool:
    return grid.kind != "ServiceGrid" and not grid.deleting_since and grid.spec.get("rollout") == wanted


def _place(grid: Grid) -> Place | None:
    rollout = latest(grid)
    if rollout is None or rollout.generation != grid.generation:
        return None
    return cast(Phase, rollout.phase), cast(Reason, rollout.reason), rollout.wave
