"""The address of a grid's pages, and the grid at an address."""

from django.http import Http404
from django.urls import reverse

from ...core.grids.kinds import BY_PLURAL
from ...models import Grid
from ...queries.status import trouble
from ..page.gone import Gone


def grid_at(plural: str, namespace: str, name: str) -> Grid:
    """The grid at this address, with its `trouble`: why the last try to reconcile it went wrong. Raises Gone, or
    Http404 where no grid can ever be."""
    if plural not in BY_PLURAL:
        raise Http404
    path = f"{plural}/{namespace}/{name}"
    rows = Grid.objects.select_related("group").at(plural, namespace, name)
    found = rows.annotate(trouble=trouble(path)).first()
    if found is None:
        raise Gone(path)
    return found


def grid_url(grid: Grid) -> str:
    """The address of a grid's page."""
    return reverse("grid", args=[grid.grid_kind.plural, grid.namespace, grid.name])


def unit_url(grid: Grid, unit: str) -> str:
    """The address of the page of what a grid has in a NodeUnit."""
    return reverse("grid-unit", args=[grid.grid_kind.plural, grid.namespace, grid.name, unit])


def rollout_url(grid: Grid) -> str:
    """The address of the page of its rollout."""
    return reverse("grid-rollout", args=[grid.grid_kind.plural, grid.namespace, grid.name])
