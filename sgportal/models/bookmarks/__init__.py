"""What people keep at hand: views of lists under names, and favourite grids and NodeUnits."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class SavedView(models.Model):
    """The address of a page with its filters, under a name of its owner's. `shared`: who reads everything sees it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=100)
    address = models.CharField(max_length=2000)
    shared = models.BooleanField(default=False, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_saved_view_per_name")]
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Favourite(models.Model):
    """A grid, or a NodeUnit, that somebody wants at hand. `place` is the namespace of a grid, the label key of a
    NodeUnit. It names what may be gone, or out of its owner's scope (`queries.fleet.bookmarks`)."""

    NODE_UNIT = "NodeUnit"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="favourites")
    kind = models.CharField(max_length=20)
    place = models.CharField(max_length=317)
    name = models.CharField(max_length=63)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "place", "name"], name="one_favourite_per_thing")
        ]
        ordering = ["kind", "name", "place", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.place}/{self.name}"

    @property
    def is_unit(self) -> bool:
        """Whether it is a NodeUnit, not a grid."""
        return self.kind == self.NODE_UNIT
