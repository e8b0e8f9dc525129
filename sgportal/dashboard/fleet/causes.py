"""Causes as the pages show them: where each leads, and what can be done about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode

from ...core.grids.kinds import KINDS
from ...core.status.causes import NODE_UNKNOWN, Cause
from ...core.status.remedies import REMEDIES
from ...models import Grid
from ...queries.remedies import remedies
from ..grids.remedies import Button, buttons


@dataclass(frozen=True, slots=True)
class Shown:
    """A cause, the address of the list of what it concerns, and the buttons that do something about it."""

    cause: Cause
    href: str
    buttons: Sequence[Button]


def shown(causes: Sequence[Cause], key: str) -> list[Shown]:
    """The causes of a NodeGroup with their links and remedies. One query, and one for each that more replicas cure."""
    grids = _grids(each.path for each in causes if _is_one_thing(each))
    return [Shown(each, _list_of(each, key), _buttons(each, grids.get(each.path))) for each in causes]


def _list_of(cause: Cause, key: str) -> str:
    if cause.of_nodes:
        ready = "Unknown" if cause.reason == NODE_UNKNOWN else "NotReady"
        return f"{reverse('nodes')}?{urlencode({'group': key, 'ready': ready})}"
    if not cause.units and cause.path:
        return reverse("grid", args=cause.path.split("/"))
    return f"{reverse('matrix')}?{urlencode({'group': key, 'cause': cause.reason})}"


def _is_one_thing(cause: Cause) -> bool:
    """Whether one change cures all that a cause concerns: it is about one grid, and about one NodeUnit where the
    workload of a NodeUnit is to be replaced."""
    actions = REMEDIES.get(cause.reason, ())
    return bool(actions) and cause.grids == 1 and (cause.units <= 1 or "recreate" not in actions)


def _buttons(cause: Cause, grid: Grid | None) -> list[Button]:
    found = remedies(grid, [(cause.reason, cause.unit)]) if grid else {}
    return buttons(each for several in found.values() for each in several)


def _grids(paths: Iterable[str]) -> dict[str, Grid]:
    kinds = {kind.plural: kind.kind for kind in KINDS.values()}
    wanted = Q()
    for plural, namespace, name in {tuple(path.split("/")) for path in paths if path}:
        wanted |= Q(kind=kinds[plural], namespace=namespace, name=name)
    return {grid.path: grid for grid in Grid.objects.filter(wanted)} if wanted else {}
