"""Which cluster a row is of, and which one is worked for now: the rule that keeps other clusters' rows from queries.

A row names its cluster by the primary key of its `ManagedCluster`. The database does not hold that reference: each row
that is written would lock the cluster's, for which the brake on deletions waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.db.models import Q

DEFAULT = 1  # the cluster of a portal that has one; rows of versions that knew no other are of it
M = TypeVar("M", bound=models.Model)
_current: ContextVar[int] = ContextVar("cluster", default=DEFAULT)


def current() -> int:
    """The primary key of the cluster that is worked for."""
    return _current.get()


@contextmanager
def within_cluster(pk: int) -> Iterator[None]:
    """Within this, rows are found, and made, of this cluster alone. Threads that are begun do not inherit it."""
    before = _current.set(pk)
    try:
        yield
    finally:
        _current.reset(before)


def cluster_field() -> "models.ForeignKey[Any, Any]":
    """The column by which a row knows its cluster. It has no index of its own: nearly all rows have the same."""
    return models.ForeignKey(
        "sgportal.ManagedCluster",
        models.PROTECT,
        related_name="+",
        default=current,
        db_default=DEFAULT,
        db_constraint=False,
        db_index=False,
        editable=False,
    )


class OfCluster(models.Manager[M]):
    """The rows of the cluster that is worked for."""

    def get_queryset(self) -> "models.QuerySet[M]":
        """All rows of the cluster."""
        return super().get_queryset().filter(self.of_mine())

    def of_mine(self) -> Q:
        """Which rows these are."""
        return Q(cluster=current())


class _Own(OfCluster[M]):
    """The one row of the cluster that is worked for, which has its primary key."""

    def of_mine(self) -> Q:
        """Which row this is."""
        return Q(pk=current())


class OneEach(models.Model):
    """One row for each cluster, with its primary key; others' are not found."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=current, editable=False)

    objects: ClassVar[models.Manager[Self]] = _Own()

    class Meta:
        abstract = True

    @classmethod
    def now(cls) -> Self:
        """The row; where there is none yet, one that says what holds before anybody looked."""
        return cls.objects.first() or cls()


def every(model: type[M]) -> "models.QuerySet[M]":
    """All rows of the cluster whatever the scope; of a model that knows none, all."""
    rows: models.QuerySet[M] = model._base_manager.all()
    known = any(field.name == "cluster" for field in model._meta.fields)
    return rows.filter(cluster=current()) if known else rows
