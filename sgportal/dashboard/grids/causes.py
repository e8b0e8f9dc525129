"""Causes as the pages show them: where each leads, and what can be done about it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode

from ...core.grids.kinds import KINDS
from ...core.health import is_unhealthy
from ...core.status.causes import NODE_UNKNOWN, Cause, worst_first
from ...core.status.remedies import NEEDS_NODES, REMEDIES, Remedy
from ...models import Grid
from ...queries.fleet.causes import causes_of_cells
from ...queries.remedies import remedies
from .address import grid_url
from .remedies import Button, buttons


@dataclass(frozen=True, slots=True)
class Shown:
    """A cause, the address of the list of what it concerns, and the buttons that do something about it."""

    cause: Cause
    href: str
    buttons: Sequence[Button]


def shown(causes: Sequence[Cause], key: str) -> list[Shown]:
    """The causes of a NodeGroup with their links and remedies. One query, and one for each that more replicas cure."""
    grids = _grids(each.path for each in causes if each.grids == 1 and each.reason in REMEDIES)
    return [Shown(each, _list_of(each, key), _buttons(each, grids.get(each.path))) for each in causes]


def causes_of_grid(grid: Grid, with_buttons: bool = True) -> list[Shown]:
    """Why NodeUnits of a grid are unhealthy, each with the list of these; no query where the grid is healthy."""
    if not is_unhealthy(grid.state) or grid.deleting_since:
        return []
    place = grid_url(grid)
    causes = worst_first(causes_of_cells(grid.units.all()))
    asked = [(each.reason, each.unit) for each in causes] if with_buttons else ()
    doors = remedies(grid, asked, examples=any(each.units > 1 for each in causes if each.reason in NEEDS_NODES))
    return [
        Shown(
            each,
            f"{place}?{urlencode({'cause': each.reason})}",
            buttons(_for_all(each, doors.get((each.reason, each.unit), ()))),
        )
        for each in causes
    ]


def _list_of(cause: Cause, key: str) -> str:
    if cause.of_nodes:
        ready = "Unknown" if cause.reason == NODE_UNKNOWN else "NotReady"
        return f"{reverse('nodes')}?{urlencode({'group': key, 'ready': ready})}"
    if not cause.units and cause.path:
        return reverse("grid", args=cause.path.split("/"))
    return f"{reverse('matrix')}?{urlencode({'group': key, 'cause': cause.reason})}"


def _buttons(cause: Cause, grid: Grid | None) -> list[Button]:
    found = remedies(grid, [(cause.reason, cause.unit)], examples=cause.units > 1) if grid else {}
    return buttons(each for several in found.values() for each in _for_all(cause, several))


def _for_all(cause: Cause, several: Iterable[Remedy]) -> Iterator[Remedy]:
    """What can be done about a cause: an image is set in one NodeUnit, and where there are more the grid is edited."""
    for each in several:
        yield replace(each, action="edit") if each.action == "image" and cause.units > 1 else each


def _grids(paths: Iterable[str]) -> dict[str, Grid]:
    kinds = {kind.plural: kind.kind for kind in KINDS.values()}
    wanted = Q()
    for plural, namespace, name in {tuple(path.split("/")) for path in paths if path}:
        wanted |= Q(kind=kinds[plural], namespace=namespace, name=name)
    return {grid.path: grid for grid in Grid.objects.filter(wanted)} if wanted else {}
