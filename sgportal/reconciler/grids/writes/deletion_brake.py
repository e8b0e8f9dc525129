"""How many children may go without a person: where a mistake with labels or keys would take many, they wait."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ....core.fleet.brake import Count, takes_a_person
from ....core.health import severity
from ....core.plans.plan import Plan, plan, unit_of
from ....core.plans.plan import unwanted as planned_out
from ....core.plans.retirement import DELETION_HELD, HELD
from ....models import ChildDeletion, Grid, GridUnit, ManagedCluster
from ....queries.leaving import brake, children, lately, unwanted, window
from ...fleet import halt
from ...queue import change_log, unit_history
from ..observation.observation import Observation


def restrain(seen: Observation, planned: Plan) -> tuple[Observation, Plan]:
    """The plan, where its deletions may be carried out; they are noted as gone before they are. Where they take a
    person, the plan without them, and they wait, which the observation then says. One process at a time counts, so that
    several allow no more."""
    going = [step.unit for step in planned.steps if step.cause and not step.asked]
    if not going:
        return seen, planned
    with transaction.atomic():
        ManagedCluster.locked()
        if not takes_a_person(brake(), _counts(seen, planned)):
            _note(seen.grid, going)
            return seen, planned
        seen = _hold(seen, going)
    return seen, plan(seen.spec, seen.world())


def _counts(seen: Observation, planned: Plan) -> tuple[Count, Count]:
    """Of this grid, and of all grids."""
    grid, live = seen.grid, {unit_of(seen.spec, each) for each in seen.own if _stays(each)}
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


def _hold(seen: Observation, units: Sequence[str]) -> Observation:
    grid, held = seen.grid, {"retirement": HELD, "held_since": timezone.now()}
    fresh = {
        unit: GridUnit(grid=grid, name=unit, state="UnitGone", severity=severity("UnitGone"), reason=DELETION_HELD)
        for unit in units
        if unit not in seen.cells
    }
    GridUnit.objects.bulk_create(fresh.values())
    grid.units.filter(name__in=units).update(**held)
    unit_history.note_cells([grid], units)
    change_log.record("grid", [grid.path])
    change_log.record("cluster", [halt.CHANGE_LOG_KEY])
    return replace(seen, cells={**seen.cells, **fresh}).with_cells(units, **held)
