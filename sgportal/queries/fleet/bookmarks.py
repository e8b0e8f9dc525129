"""What somebody keeps at hand, of that what they may see."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from ...models import Favourite, Grid, GridUnit, NodeLabel, SavedView
from ...models.scopes.current import reading


def views_of(name: str) -> "QuerySet[SavedView]":
    """The views of the person of this name, and those that are shared. What a shared one names may be out of a limited
    scope, so that only those who read everything see them."""
    wanted = Q(user__username=name) | Q(shared=True) if reading().is_all else Q(user__username=name)
    return SavedView.objects.select_related("user").filter(wanted)


def removable_views(name: str, is_admin: bool) -> "QuerySet[SavedView]":
    """Those of them that they may remove: their own, and as an admin of everything what is shared, too."""
    return views_of(name) if is_admin else views_of(name).filter(user__username=name)


def favourites_of(name: str) -> "QuerySet[Favourite]":
    """The favourites of the person of this name that are there, and in scope. One statement."""
    of_grid = {"kind": OuterRef("kind"), "namespace": OuterRef("place"), "name": OuterRef("name")}
    cells = GridUnit.objects.filter(grid__key=OuterRef("place"), name=OuterRef("name"))
    labels = NodeLabel.objects.filter(key=OuterRef("place"), value=OuterRef("name"))
    grids: QuerySet[Any] = Grid.objects.filter(**of_grid)
    units = Q(kind=Favourite.NODE_UNIT) & (Q(Exists(labels)) | Q(Exists(cells)))
    return Favourite.objects.filter(Q(Exists(grids)) | units, user__username=name)


def is_there(kind: str, place: str, name: str) -> bool:
    """Whether there is such a grid or NodeUnit in scope."""
    if kind == Favourite.NODE_UNIT:
        cells = GridUnit.objects.filter(grid__key=place, name=name)
        return bool(name) and (NodeLabel.objects.filter(key=place, value=name).exists() or cells.exists())
    return Grid.objects.filter(kind=kind, namespace=place, name=name).exists()
