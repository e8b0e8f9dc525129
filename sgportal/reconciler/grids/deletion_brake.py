"""How many children may go without a person: where a mistake with labels or keys would take many, they wait."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ...core.fleet.brake import Count, takes_a_person
from ...core.grids.grid import GridSpec
from ...core.health import severity
from ...core.ownership.identity import is_ours
from ...core.plans.plan import Plan, World, plan, unit_of
from ...core.plans.plan import unwanted as planned_out
from ...core.plans.retirement import DELETION_HELD, HELD
from ...models import ChildDeletion, Grid, GridUnit, ManagedCluster
from ...queries.leaving import brake, children, lately, unwanted, window
from ..fleet import halt
from ..queue import change_log


def restrain(grid: Grid, spec: GridSpec, seen: World, planned: Plan) -> Plan:
    """The plan, where its deletions may be carried out; they are noted as gone before they are. Where they take a
    person, the plan without them, and they wait. One process at a time counts, so that several allow no more."""
    going = [step.unit for step in planned.steps if step.cause and not step.asked]
    if not going:
        return planned
    with transaction.atomic():
        ManagedCluster.locked()
        if not takes_a_person(brake(), _counts(grid, spec, seen, planned)):
            _note(grid, going)
            return planned
        _hold(grid, going)
    return plan(spec, replace(seen, retirement={**seen.retirement, **dict.fromkeys(going, HELD)}))


def _counts(grid: Grid, spec: GridSpec, seen: World, planned: Plan) -> tuple[Count, Count]:
    """Of this grid, and of all grids."""
    live = {unit_of(spec, each) for each in seen.live if _stays(each) and is_ours(each, seen.owner)}
    gone = lately()
    mine = set(gone.filter(grid=grid).values_list("unit", flat=True)) - live
    here = Count(len(planned_out(planned) | mine), len(live | mine))
    others = children().exclude(grid=grid)
    again = others.filter(grid=OuterRef("grid"), name=OuterRef("unit"))
    elsewhere = gone.exclude(grid=grid).filter(~Exists(again)).count()
    going = unwanted(others).count() + elsewhere
    return here, Count(here.going + going, here.there + others.count() + elsewhere)


def _stays(live: Mapping[str, Any]) -> bool:
    return not live["metadata"].get("deletionTimestamp")


def _note(grid: Grid, units: Iterable[str]) -> None:
    now = timezone.now()
    ChildDeletion.objects.filter(at__lte=now - window()).delete()
    rows = [ChildDeletion(grid=grid, unit=unit, at=now) for unit in units]
    ChildDeletion.objects.bulk_create(rows, update_conflicts=True, unique_fields=["grid", "unit"], update_fields=["at"])


def _hold(grid: Grid, units: Iterable[str]) -> None:
    fresh = [
        GridUnit(grid=grid, name=unit, state="UnitGone", severity=severity("UnitGone"), reason=DELETION_HELD)
        for unit in units
    ]
    GridUnit.objects.bulk_create(fresh, ignore_conflicts=True)
    grid.units.filter(name__in=list(units)).update(retirement=HELD, held_since=timezone.now())
    change_log.record("grid", [grid.path])
    change_log.record("cluster", [halt.CHANGE_LOG_KEY])


def forget_decisions(grid: Grid, units: Iterable[str]) -> None:
    """Nothing was decided about units that the grid has, or has again."""
    back = grid.units.filter(name__in=list(units)).exclude(retirement="")
    if back.update(retirement="", held_since=None):
        change_log.record("cluster", [halt.CHANGE_LOG_KEY])
