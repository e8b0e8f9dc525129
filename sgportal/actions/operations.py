"""What people do with a grid by a verb: pause, resume, approve, restart, set image, scale: changes of its manifest."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.utils import timezone

from ..core.grids import operations
from ..core.grids.grid import parse
from ..core.text import Invalid, Problem, say
from ..core.timestamps import rfc3339
from ..models import Grid
from ..queries.per_unit.units import units_for
from ..queries.plans import spec_of
from .common import Actor, by_its_name, intent
from .grids import Saved, save_grids

Change = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def _change(
    grid: Grid, units: Collection[str], actor: Actor, change: Change, expect: str | None, dry_run: bool
) -> Saved:
    """Save what a change makes of a grid. Raises Invalid, where one of the units is none of the grid's as well, and
    what `save_grids` raises."""
    spec = spec_of(grid)
    if spec.kind.child_kind == "Service" and units:
        raise Invalid(Problem("/units", say("a ServiceGrid has one Service for all NodeUnits; leave the unit out")))
    if units and (unknown := operations.unknown_units(units, units_for(spec))):
        raise Invalid(*unknown)
    with by_its_name():
        return save_grids([change(grid.source())], actor, expect=expect or grid.etag, dry_run=dry_run)[0]


@intent
def pause(
    grid: Grid, units: Collection[str], actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> Saved:
    """Have nothing written for a grid, or for these of its units."""
    return _change(grid, units, actor, lambda source: operations.pause(source, units), expect, dry_run)


@intent
def resume(
    grid: Grid, units: Collection[str], actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> Saved:
    """End the pause of a grid, or of these of its units."""
    return _change(grid, units, actor, lambda source: operations.resume(source, units), expect, dry_run)


@intent
def approve(
    grid: Grid, units: Collection[str], actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> Saved:
    """Let these of a grid's units have their workload, that are new and wait for it."""
    return _change(grid, units, actor, lambda source: operations.approve(source, units), expect, dry_run)


@intent
def restart(
    grid: Grid, units: Collection[str], actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> Saved:
    """Have the pods of a grid, or of these of its units, made anew by a rollout."""
    now = rfc3339(timezone.now())
    return _change(grid, units, actor, lambda source: operations.restart(source, units, now), expect, dry_run)


@intent
def set_image(
    grid: Grid,
    units: Collection[str],
    actor: Actor,
    *,
    image: str,
    container: str = "",
    canary: bool = False,
    expect: str | None = None,
    dry_run: bool = False,
) -> Saved:
    """Give a container another image, in all units or in these; with `canary` in one unit first where all are meant."""

    def change(source: Mapping[str, Any]) -> Mapping[str, Any]:
        changed = operations.set_image(source, units, image, container)
        return operations.with_canary(changed) if canary and not units else changed

    return _change(grid, units, actor, change, expect, dry_run)


@intent
def remove_overrides(
    grid: Grid, units: Collection[str], actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> Saved:
    """Have these units get what the grid says for all of them."""
    return _change(grid, units, actor, lambda source: operations.remove_overrides(source, units), expect, dry_run)


@intent
def scale(
    grid: Grid,
    units: Collection[str],
    actor: Actor,
    *,
    replicas: int,
    expect: str | None = None,
    dry_run: bool = False,
) -> Saved:
    """Set the number of replicas, of each unit or of these."""
    return _change(grid, units, actor, lambda source: operations.scale(source, units, replicas), expect, dry_run)


@intent
def remove_unused_templates(grid: Grid, actor: Actor, *, expect: str | None = None, dry_run: bool = False) -> Saved:
    """Take the pool entries that nothing refers to out of a grid's spec, as `autoDeleteUnusedTemplate` asks and a
    person has confirmed. Raises Stale, NotFound, Invalid."""
    source = grid.source()
    unused = parse(source).unused_templates()
    pool = {name: each for name, each in (source["spec"].get("templatePool") or {}).items() if name not in unused}
    spec = {**source["spec"], "templatePool": pool} if unused else source["spec"]
    return save_grids([{**source, "spec": spec}], actor, expect=expect or grid.etag, dry_run=dry_run)[0]
