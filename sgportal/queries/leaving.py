"""Children that no NodeUnit wants any more, as the brake on their deletion counts them."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import Count as Number
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ..core.fleet.brake import Brake, Count, takes_a_person
from ..core.plans.retirement import APPROVED, KEPT
from ..core.units import UnitChange
from ..models import ChildDeletion, GridUnit, NodeLabel


def brake() -> Brake:
    """The share and the number that may go without a person, as the settings have it."""
    return Brake(settings.SGPORTAL_DELETE_BRAKE_SHARE, settings.SGPORTAL_DELETE_BRAKE_MIN)


def children() -> "QuerySet[GridUnit]":
    """The units that have a child, of grids that stay; a ServiceGrid has one for all."""
    rows = GridUnit.objects.exclude(child="").exclude(grid__kind="ServiceGrid")
    return rows.filter(grid__deleting_since=None, grid__missing_since=None)


def unwanted(rows: "QuerySet[GridUnit]") -> "QuerySet[GridUnit]":
    """Those that no node belongs to any more, where no person has decided: read from the nodes, so that what the other
    grids have not looked at yet counts as well."""
    nodes = NodeLabel.objects.filter(key=OuterRef("grid__key"), value=OuterRef("name"))
    return _undecided(rows).filter(~Exists(nodes))


def _undecided(rows: "QuerySet[GridUnit]") -> "QuerySet[GridUnit]":
    return rows.exclude(retirement__in=(KEPT, APPROVED))


def lately() -> "QuerySet[ChildDeletion]":
    """The deletions that still count: those within SGPORTAL_DELETE_BRAKE_SECONDS."""
    return ChildDeletion.objects.filter(at__gt=timezone.now() - window())


def window() -> timedelta:
    """How long a deletion counts."""
    return timedelta(seconds=settings.SGPORTAL_DELETE_BRAKE_SECONDS)


def would_wait(moved: Iterable[UnitChange]) -> frozenset[int]:
    """The grids (primary keys) whose workloads in units that vanish would not be deleted without a person. Five
    queries, however many grids there are."""
    moved = list(moved)
    rows = children()
    vanishing = _by_grid(_undecided(rows).filter(_in([each for each in moved if each.verb == "vanishes"])))
    if not vanishing:
        return frozenset()
    returning = _by_grid(unwanted(rows).filter(_in([each for each in moved if each.verb == "appears"])))
    again = rows.filter(grid=OuterRef("grid"), name=OuterRef("unit"))
    gone = _by_grid(lately().filter(~Exists(again)))
    going = _by_grid(unwanted(rows)) + vanishing + gone
    going.subtract(returning)
    there = _by_grid(rows) + gone
    everywhere = Count(going.total(), there.total())
    return frozenset(
        grid for grid in vanishing if takes_a_person(brake(), (Count(going[grid], there[grid]), everywhere))
    )


def _in(changes: Collection[UnitChange]) -> Q:
    """The units of some changes."""
    by_key: dict[str, set[str]] = {}
    for each in changes:
        by_key.setdefault(each.key, set()).add(each.unit)
    found = Q(pk__in=())
    for key, units in by_key.items():
        found |= Q(grid__key=key, name__in=units)
    return found


def _by_grid(rows: "QuerySet[GridUnit] | QuerySet[ChildDeletion]") -> Counter[int]:
    return Counter(dict(rows.order_by().values_list("grid").annotate(Number("pk"))))
