"""Saving and deleting grids."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..core.grids.grid import GridSpec, parse, source_metadata
from ..core.grids.reach import units_alone
from ..core.overrides.operation import not_asked, unasked
from ..core.plans.plan import Plan
from ..core.schema import twice
from ..core.text import MOST_PROBLEMS, Invalid, Problem, first_of, pointer, say
from ..core.traffic.closure import Capabilities
from ..core.traffic.proof.obeying import disobeying
from ..core.units import Unit
from ..models import Grid, Node
from ..queries.capabilities import capabilities
from ..queries.per_unit.uncollected import uncollected
from ..queries.per_unit.units import known_units, units_read_once
from ..queries.plans import deletion_plan, plan_for, recreation
from ..reconciler.grids.resource import dependents, edits
from ..reconciler.queue import change_log, workqueue
from ..reconciler.queue.together import requests_together
from . import admission, common
from .common import Actor, AlreadyExists, NotFound, Refused, Stale, as_stored, intent, note
from .envelope import beyond_limits
from .policy import check_scope, check_wish, check_writable, forbidden, rings

MOST_MANIFESTS = 500  # of one request: their plans are made and stored in one transaction


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one manifest: `result` is created, configured or unchanged; `plan` is what will now run. `grid`
    is None for a dry run of a grid that does not exist. `warnings` are what the API server warns of, and why it could
    not be asked."""

    grid: Grid | None
    path: str
    result: str
    plan: Plan
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A manifest that is valid and that the API server, where it could be asked, would take."""

    spec: GridSpec
    manifest: Mapping[str, Any]
    warnings: tuple[Problem, ...]

    def result(self, grid: Grid | None) -> str:
        """What becomes of its grid, which is `grid` now."""
        if grid is None:
            return "created"
        same = grid.spec == self.manifest["spec"] and grid.metadata == source_metadata(self.manifest["metadata"])
        return "unchanged" if same else "configured"


@dataclass(frozen=True, slots=True)
class _Wish:
    prepared: Prepared
    grid: Grid | None
    plan: Plan

    def warned(self, more: Sequence[Problem]) -> "_Wish":
        """The same with more warnings."""
        prepared = replace(self.prepared, warnings=(*self.prepared.warnings, *more))
        return replace(self, prepared=prepared) if more else self

    @property
    def saved(self) -> Saved:
        """What becomes of it."""
        of = self.prepared
        return Saved(self.grid, of.spec.path(), of.result(self.grid), self.plan, of.warnings)


@intent
def save_grids(
    manifests: Sequence[Mapping[str, Any]],
    actor: Actor,
    *,
    create_only: bool = False,
    expect: str | None = None,
    dry_run: bool = False,
    ask: bool = True,
) -> list[Saved]:
    """Create or change grids as their manifests say; all are validated before any is stored.

    `create_only` refuses those that exist; `expect` is the ETag that a single existing grid must have; `dry_run` stores
    nothing; without `ask` the API server is not asked. Raises Invalid (pointers begin with the document's index where
    there are several), AlreadyExists, Stale, Refused.
    """
    prepared = prepare(manifests, create_only=create_only, expect=expect, ask=ask)
    return store(prepared, actor, create_only=create_only, expect=expect, dry_run=dry_run)


def prepare(
    manifests: Sequence[Mapping[str, Any]], *, create_only: bool = False, expect: str | None = None, ask: bool = True
) -> list[Prepared]:
    """Validate manifests, and have the API server say what it thinks of what is new in them, outside any transaction.
    Raises what `save_grids` raises."""
    specs = _parse_all(manifests)
    found = {prefix: Prepared(spec, manifests[i], ()) for i, (prefix, spec) in enumerate(specs.items())}
    to_ask: dict[str, tuple[GridSpec, Grid | None]] = {}
    for prefix, each in found.items():
        grid = _row(each.spec)
        _check(each.spec, grid, create_only, expect)
        check_wish(grid.metadata if grid else None, each.manifest["metadata"])
        if ask and each.result(grid) != "unchanged":
            to_ask[prefix] = each.spec, grid
        told = *not_asked(grid.metadata if grid else None, each.manifest), *_disobedience(each.spec)
        found[prefix] = replace(each, warnings=told)
    warnings = admission.ask(to_ask)
    return [replace(each, warnings=(*warnings.get(prefix, ()), *each.warnings)) for prefix, each in found.items()]


def _disobedience(spec: GridSpec) -> Iterator[Problem]:
    """What nodes do that do not obey hints, where a Service is to be closed all the same."""
    if spec.closure and spec.closure.manages_slices and not capabilities().everywhere:
        for sentence in disobeying(Node.objects.proxied_views()):
            yield Problem("/spec/closure/mode", sentence)


def store(
    prepared: Sequence[Prepared],
    actor: Actor,
    *,
    create_only: bool = False,
    expect: str | None = None,
    dry_run: bool = False,
) -> list[Saved]:
    """Store what was prepared, unless `dry_run`; the rows are locked and looked at again. Raises what its checks do."""
    with transaction.atomic(), requests_together(), units_read_once(), uncollected():
        if len(prepared) > 1:
            Grid.objects.lock_those({(each.spec.kind.kind, each.spec.namespace, each.spec.name) for each in prepared})
        wishes = [_wish(each) for each in prepared]
        for wish in wishes:
            _check(wish.prepared.spec, wish.grid, create_only, expect)
        warnings = beyond_limits([(wish.prepared.spec.namespace, wish.plan) for wish in wishes])
        wishes = [wish.warned(more) for wish, more in zip(wishes, warnings, strict=True)]
        return [wish.saved if dry_run else _store(wish, actor) for wish in wishes]


def _parse_all(manifests: Sequence[Mapping[str, Any]]) -> dict[str, GridSpec]:
    """The grids by the JSON pointer of their manifests."""
    if len(manifests) > MOST_MANIFESTS:
        sentence = say(
            "at most %(limit)s manifests at once, not %(count)s; send them in several requests",
            limit=MOST_MANIFESTS,
            count=len(manifests),
        )
        raise Invalid(Problem("", sentence))
    specs: dict[str, GridSpec] = {}
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for index, manifest in enumerate(manifests):
        if len(problems) > MOST_PROBLEMS:
            break
        prefix = pointer(index) if len(manifests) > 1 else ""
        try:
            units = _units_for(manifest)
            spec = parse(manifest, units, _abilities_for(manifest), units)
        except Invalid as invalid:
            problems += [each.within(prefix) for each in invalid.problems]
            continue
        if spec.path() in seen:
            problems.append(Problem(prefix + "/metadata/name", twice(spec.name, seen[spec.path()])))
        seen.setdefault(spec.path(), prefix + "/metadata/name")
        specs[prefix] = spec
    problems += [*forbidden(specs), *rings(specs)]
    if problems:
        raise Invalid(*first_of(problems))
    return specs


def _abilities_for(manifest: Any) -> Capabilities | None:
    """What the cluster can keep, where a manifest asks for something."""
    spec = manifest.get("spec") if isinstance(manifest, Mapping) else None
    return capabilities() if isinstance(spec, Mapping) and spec.get("closure") else None


def _units_for(manifest: Any) -> dict[str, Unit]:
    """The NodeUnits of a manifest's key; with their nodes where it has overrides."""
    spec = manifest.get("spec") if isinstance(manifest, Mapping) else None
    key = spec.get("gridUniqKey") if isinstance(spec, Mapping) else None
    return known_units(key, with_nodes=bool(spec and spec.get("overrides"))) if isinstance(key, str) else {}


def _row(spec: GridSpec, *, lock: bool = False) -> Grid | None:
    return (Grid.objects.select_for_update() if lock else Grid.objects).at(*spec.path().split("/")).first()


def _wish(prepared: Prepared) -> _Wish:
    grid = _row(prepared.spec, lock=True)
    return _Wish(prepared, grid, plan_for(prepared.spec, grid))


def _check(spec: GridSpec, grid: Grid | None, create_only: bool, expect: str | None) -> None:
    if grid is None:
        if expect:
            raise NotFound(spec.path())
        return
    check_scope(grid.kind, grid.namespace, grid.key, asked=spec.key)
    if create_only:
        raise AlreadyExists(grid.path)
    if expect and expect != grid.etag:
        raise Stale(grid)
    if grid.deleting_since:
        raise Refused(say("“%(name)s” is being deleted; wait until it is deleted", name=grid.name))


def _store(wish: _Wish, actor: Actor) -> Saved:
    result, spec, manifest = wish.saved.result, wish.prepared.spec, wish.prepared.manifest
    before = wish.grid.source() if wish.grid else None
    grid = wish.grid or Grid(kind=spec.kind.kind, namespace=spec.namespace, name=spec.name, generation=0, version=0)
    if result != "unchanged":
        if result == "configured":
            common.second_restorer(actor, grid, manifest, wish.plan)
        grid.operation = unasked(grid.operation, grid.metadata, manifest["metadata"])
        grid.revise(manifest, actor.name)
        after = grid.source()
        units = [(spec.key, each) for each in units_alone(before, after)]
        note(actor, "create" if result == "created" else "change", grid.path, before, after, wish.plan, units)
        change_log.record("grid", [grid.path])
        edits.wake_group(grid)
    workqueue.enqueue([grid.path], urgent=True)
    return Saved(grid, grid.path, result, wish.plan, wish.prepared.warnings)


@intent
def delete_grid(
    grid: Grid,
    actor: Actor,
    *,
    expect: str | None = None,
    propagation: str = "Background",
    dry_run: bool = False,
    by_itself: bool = True,
) -> Plan:
    """Delete a grid: its children go first (with `Orphan` they stay), then its row. Members of its package that wait
    for it do so no longer, where it goes `by_itself` and not with the package. The plan of what goes.

    Raises Stale, NotFound, Forbidden.
    """
    check_writable(grid)
    with transaction.atomic(), requests_together():
        current = dependents.locked_for_deletion(grid, by_itself)
        if current is None:
            raise NotFound(grid.path)
        if expect and expect != current.etag:
            raise Stale(current)
        planned = deletion_plan(current, propagation)
        if by_itself:
            planned = replace(planned, notes=(*planned.notes, *dependents.notes_of(current)))
        if dry_run or current.deleting_since:
            return planned
        current.deleting_since, current.propagation = timezone.now(), propagation
        current.version += 1
        current.save()
        note(actor, "delete", current.path, current.source(), None, planned)
        if by_itself:
            common.second_deleter(actor, current.path, planned, propagation)
            dependents.release(current, actor.name, actor.door)
        change_log.record("grid", [current.path])
        workqueue.enqueue([current.path], urgent=True)
    return planned


@intent
def recreate_unit(grid: Grid, unit: str, actor: Actor, *, dry_run: bool = False) -> Plan:
    """Have a unit's child deleted and made anew (for a change of a field that a live object cannot take), or, for a
    unit without nodes, deleted before its grace time is over; of a ServiceGrid its Service, which stands under the unit
    "". The plan of what goes and comes. Raises NotFound, Forbidden, Invalid, Refused."""
    check_writable(grid, [unit])
    if grid.kind == "ServiceGrid" and unit:  # its one child, the Service, stands under the unit ""
        raise NotFound(unit)
    with transaction.atomic(), requests_together():
        grid = as_stored(grid, lock=not dry_run)
        planned, rows = recreation(grid, unit), grid.units.filter(name=unit)
        known = rows.exists()
        if unit and not known:
            raise NotFound(unit)
        if not planned.steps or not known:
            why = planned.findings[0].sentence if planned.findings else say("it has not been seen in the cluster")
            raise Refused(say("there is nothing to recreate: %(why)s", why=why))
        if not dry_run:
            rows.update(recreate=True, failures=0, next_at=None)
            note(actor, "recreate", f"{grid.path}#{unit}", None, None, planned)
            workqueue.enqueue([grid.path], urgent=True)
    return planned
