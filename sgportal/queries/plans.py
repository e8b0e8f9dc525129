"""What would run now for a grid, from the rows, without asking the cluster."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone

from ..core.grids.grid import GridSpec, parse
from ..core.grids.stored import parse_stored
from ..core.overrides.orphans import grace_of
from ..core.ownership.identity import Owner
from ..core.plans.contest import Attempt, Attempts
from ..core.plans.desired import Finding, child_names
from ..core.plans.plan import Plan, Step, World, plan
from ..core.plans.preview.envelope import PODS
from ..core.plans.retirement import Retirement
from ..core.policy.rules import held
from ..core.text import Invalid, say
from ..core.traffic.closure import Capabilities
from ..core.units import Unit
from ..models.cache import Child
from ..models.intent import Grid, GridUnit
from .capabilities import capabilities_for
from .endpoints import can_for
from .per_unit.pins import pinned_at, pinned_specs
from .per_unit.sequence import unready_in
from .per_unit.stored import bodies
from .per_unit.units import left_out_of, units_for
from .policy import closed


def spec_of(grid: Grid) -> GridSpec:
    """A stored grid as the core knows it. Raises Invalid where a custom resource holds what we would refuse."""
    return parse_stored(grid.source())


def is_carried_out(grid: Grid) -> bool:
    """Whether a grid as it is was carried out before, so that a difference is somebody's doing since."""
    return bool(grid.observed_generation == grid.generation)


def plan_of(grid: Grid) -> Plan:
    """The steps that would run now, by what was last seen. Raises Invalid as `spec_of` does."""
    planned = plan_for(spec_of(grid), grid, deleting=bool(grid.deleting_since), stored=True)
    return planned if grid.deleting_since else held(planned, closed(grid.namespace))


def plan_pinned(grid: Grid, units: Collection[str], number: int | None) -> Plan:
    """The steps in these units if they were pinned to a revision, or (None) not pinned any more. Raises Invalid as
    `spec_of` does."""
    return plan_at(grid, dict.fromkeys(units, number))


def plan_at(grid: Grid, units: Mapping[str, int | None]) -> Plan:
    """The steps in these units if each had a revision (None: the latest). Raises Invalid as `spec_of` does."""
    spec = spec_of(grid)
    known = units_for(spec)
    seen = world(spec, grid, known, last_seen(spec, known), known)
    kept = {name: each for name, each in seen.pinned.items() if name not in units}
    fresh = pinned_at(grid, spec, {name: number for name, number in units.items() if number is not None})
    found = plan(spec, replace(seen, pinned={**kept, **fresh}, carried_out=False))
    return Plan(
        tuple(each for each in found.steps if each.unit in units),
        tuple(each for each in found.findings if each.unit in units),
    )


def plan_for(
    spec: GridSpec, grid: Grid | None, deleting: bool = False, recreate: Collection[str] = (), stored: bool = False
) -> Plan:
    """The steps that would run if the grid were `spec` (`grid` is its row, if it has one; `stored`: and that is what it
    says), by what was last seen; `recreate` are units whose child would be replaced."""
    units = units_for(spec)
    seen = world(spec, grid, units, last_seen(spec, units), units, deleting, waits=stored)
    if not stored:  # what its rollout comes to, however long it takes
        seen = replace(seen, pinned={name: each for name, each in seen.pinned.items() if each.by == "person"})
    found = plan(spec, replace(seen, recreate=[*seen.recreate, *recreate], carried_out=stored and seen.carried_out))
    if stored or deleting:
        return found
    notes = []
    if spec.rollout is not None and any(step.verb == "update" for step in found.steps):
        text = say("updates reach NodeUnits in the waves of spec.rollout, not all at once")
        notes.append(Finding("", "RolledOutInWaves", text))
    if spec.requests.depends_on and found.steps:
        names = ", ".join(spec.requests.depends_on)
        text = say("each NodeUnit is changed once these are ready there: %(names)s", names=names)
        notes.append(Finding("", "InOrder", text))
    return replace(found, notes=(*found.notes, *notes))


def deletion_plan(grid: Grid, propagation: str) -> Plan:
    """The steps that would run if a grid were deleted with this policy."""
    if propagation == "Orphan":
        return Plan(())
    try:
        return plan_for(parse(grid.source()), grid, deleting=True)
    except Invalid:
        return Plan(())  # what was never valid never had children


def recreation(grid: Grid, unit: str) -> Plan:
    """What replacing a unit's child comes to, by what was last seen: its deletion, then its creation, where the unit
    still has nodes. No steps: there is nothing of this grid's to replace. Raises Invalid as `spec_of` does."""
    spec = spec_of(grid)
    units = units_for(spec)
    seen = world(spec, grid, units, last_seen(spec, units), units)
    found = plan(spec, replace(seen, recreate=[unit]))
    gone = [each for each in found.steps if each.unit == unit and each.verb == "delete"]
    uids = {each.uid for each in gone}
    left = [each for each in seen.live if each["metadata"]["uid"] not in uids]
    anew = plan(spec, replace(seen, live=left, recreate=())).steps if gone else ()
    findings = tuple(each for each in found.findings if each.unit == unit)
    return Plan((*gone, *(each for each in anew if each.unit == unit and each.verb == "create")), findings)


def last_seen(spec: GridSpec, units: Iterable[str]) -> list[dict[str, Any]]:
    """The objects that matter to a grid, by what the watch last saw."""
    names = child_names(spec, list(units))
    children = Child.objects.filter(kind=spec.kind.child_kind, namespace=spec.namespace)
    return bodies(children.filter(Q(grid_name=spec.name) | Q(name__in=names)), f"{spec.name}-")


def world(
    spec: GridSpec,
    grid: Grid | None,
    units: Collection[str],
    live: Sequence[Mapping[str, Any]],
    known: Mapping[str, Unit],
    deleting: bool = False,
    waits: bool = True,
) -> World:
    """What a plan for some units is made from, by the rows, where `live` are the objects that there are and `known` all
    of the grid's units; without `waits` as if it waited for no other grid. Three queries at most, and those of
    `unready_in`."""
    remarkable = (
        Q(gone_since__isnull=False)
        | Q(recreate=True)
        | ~Q(retirement="")
        | ~Q(attempts={})
        | Q(pinned__isnull=False)
        | Q(assigned__isnull=False)
    )
    asked = ("pinned", "assigned", "revision", "joined")
    columns = ("grid", "name", "gone_since", "recreate", "retirement", "attempts", *asked)
    if spec.join != "immediate" or spec.requests.depends_on:
        remarkable |= Q(revision__gt=0) | Q(joined=True)
    cells = list(grid.units.filter(remarkable).only(*columns)) if grid else []
    can = can_for(spec, grid, live, capabilities_for(spec))
    found = world_of(grid, cells, known, live, can, deleting)
    grace = grace_of(spec.orphans, settings.SGPORTAL_ORPHAN_GRACE_SECONDS)
    pinned = pinned_specs(grid, spec, cells, units)
    unready = unready_in(grid, spec, cells, units) if waits else {}
    return replace(found, units=units, left_out=left_out_of(spec, known), grace=grace, pinned=pinned, unready=unready)


def world_of(
    grid: Grid | None,
    cells: Collection[GridUnit],
    units: Mapping[str, Unit],
    live: Sequence[Mapping[str, Any]],
    can: Capabilities,
    deleting: bool = False,
) -> World:
    """What a plan is made from, where `cells` are the rows of the grid's units and `can` is what its Service may be
    kept in. No query."""
    return World(
        units=units,
        live=live,
        owner=grid.owner if grid else Owner("", True),
        now=timezone.now().timestamp(),
        gone_since={cell.name: cell.gone_since.timestamp() for cell in cells if cell.gone_since},
        grace=grace_of(grid.spec if grid else {}, settings.SGPORTAL_ORPHAN_GRACE_SECONDS),
        recreate=[cell.name for cell in cells if cell.recreate],
        deleting=deleting,
        orphaning=deleting and grid is not None and grid.propagation == "Orphan",
        retirement={cell.name: cast(Retirement, cell.retirement) for cell in cells if cell.retirement},
        attempts={cell.name: _attempts(cell.attempts) for cell in cells if cell.attempts},
        carried_out=grid is not None and is_carried_out(grid) and grid.stable is None,
        can=can,
        known=units,
        joined={cell.name for cell in cells if cell.revision or cell.joined},
    )


def _attempts(stored: Mapping[str, Any]) -> Attempts:
    return {name: Attempt.from_json(each) for name, each in stored.items()}


def present_in(namespace: str) -> dict[str, int]:
    """How many objects of each kind of child there are in a namespace, as far as they were seen, and how many pods its
    grids are for."""
    kinds = Child.objects.filter(namespace=namespace).order_by().values_list("kind").annotate(count=Count("pk"))
    pods = Grid.objects.filter(namespace=namespace).aggregate(pods=Sum("pods_desired"))["pods"]
    return {**dict(kinds), PODS: pods or 0}


def step_json(step: Step) -> dict[str, Any]:
    """A step as the audit trail keeps it, in English; what a page was shown is known by it."""
    return {
        "verb": step.verb,
        "kind": step.kind,
        "namespace": step.namespace,
        "name": step.name,
        "unit": step.unit,
        "reason": str(step.reason),
        "changes": [
            {"path": each.path, "old": each.old, "new": each.new, "field": each.name, "by": each.by}
            for each in step.changes
        ],
    }


def plan_json(planned: Plan) -> dict[str, Any]:
    """A plan as the audit trail keeps it, in English: `{steps, findings, notes}`."""
    return {
        "steps": [step_json(step) for step in planned.steps],
        "findings": [_finding_json(each) for each in planned.findings],
        "notes": [_finding_json(each) for each in planned.notes],
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {"unit": finding.unit, "reason": finding.reason, "message": str(finding.sentence)}
