"""Recording what was observed: the units' rows, the grid's status, events; and the same on the custom resource."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from ...cluster import MERGE_PATCH, Cluster, Conflict, NotFound, Throttled, Unreachable
from ...core.grids.grid import GridSpec
from ...core.health import severity
from ...core.ownership.identity import is_ours
from ...core.plans.contest import Attempts
from ...core.plans.desired import Finding, closure_for
from ...core.plans.plan import Plan, Step, World, unit_of
from ...core.policy.rules import CLOSED
from ...core.status.manifest import manifest_status
from ...core.status.status import Condition, GridStatus, Observed, UnitStatus, complete, summarise
from ...core.text import Invalid, Sentence, say
from ...core.timestamps import rfc3339
from ...models import Grid, GridUnit
from ..process.connection import map_parallel, submit
from ..queue import change_log, workqueue
from . import events, kube_events, rollout_evidence, service_conditions
from .apply import Outcome
from .contests import counted
from .events import Happening, of_write
from .observe import units as units_now

log = logging.getLogger(__name__)
# What is wrong with the way to the cluster, or with our news of it, is not the unit's fault.
_NOT_THE_UNITS = (Unreachable, Throttled, Conflict)


def grace_seconds() -> float:
    """How long the workload of a unit without nodes is kept."""
    return float(settings.SGPORTAL_ORPHAN_GRACE_SECONDS)


def note_gone(grid: Grid, spec: GridSpec, units: Collection[str], live: Iterable[Mapping[str, Any]]) -> None:
    """Remember in its row since when a unit that still has a child has had no nodes."""
    missing = {unit_of(spec, each) for each in live} - set(units) - {""}
    known = set(grid.units.exclude(gone_since=None).values_list("name", flat=True))
    if back := known.intersection(units):
        grid.units.filter(name__in=back).update(gone_since=None)
    if fresh := missing - known:
        grid.units.filter(name__in=fresh).update(gone_since=timezone.now())


def ready_to_try(grid: Grid, steps: Sequence[Step]) -> list[Step]:
    """The steps of units that are not in back-off."""
    waiting = set(grid.units.filter(next_at__gt=timezone.now()).values_list("name", flat=True))
    return [step for step in steps if step.unit not in waiting]


def raise_first(outcomes: Iterable[Outcome]) -> None:
    """Raise the first error among the outcomes, if there is one."""
    for outcome in outcomes:
        if outcome.error and not isinstance(outcome.error, Conflict):
            raise outcome.error


def raise_if_cut_short(outcomes: Iterable[Outcome]) -> None:
    """Raise what stopped the writes (no answer, or a request to slow down), so that the whole grid waits."""
    for outcome in outcomes:
        if isinstance(outcome.error, Unreachable | Throttled):
            raise outcome.error


def record(
    grid: Grid,
    spec: GridSpec,
    seen: World,
    planned: Plan,
    outcomes: Sequence[Outcome],
    cluster: Cluster,
    shut: Sentence | None = None,
) -> None:
    """Write down the status that the observed objects have after the writes, and what happened on the way; `shut` is
    why the namespace is closed to us, if it is."""
    live = after(seen, outcomes)
    failures = _failures(outcomes)
    count = counted(seen, outcomes, cluster)
    findings = [*planned.findings, *count.findings, *failures, *_held_back(grid, planned, outcomes, failures)]
    pending = {step.name for step in planned.steps} - {each.step.name for each in outcomes if each.done}
    observed = Observed(units_now(spec), live, findings, pending=pending, now=timezone.now().timestamp())
    observed = rollout_evidence.with_evidence(observed, spec, cluster)
    more: dict[str, Any] = {}
    if spec.kind.child_kind == "Service":
        status, shown = service_conditions.with_closure(grid, observed)
        more = {"closure": closure_for(spec, seen.can).mode, **shown}
    else:
        status = summarise(spec, observed)
    status = complete(status, findings, planned.notes)
    if shut:
        status = replace(status, conditions=(*status.conditions, Condition(CLOSED, "True", CLOSED, shut)))
    body = {**manifest_status(status, grid.generation, grid.status, _now()), **more}
    telling = submit(lambda: _tell_cluster(grid, body, cluster))
    with transaction.atomic():
        changed, warnings = _record_units(grid, status, outcomes, findings, count.attempts)
        happenings = [
            *(of_write(each) for each in outcomes if each.done and each.changed),
            *warnings,
            *_arrival(grid, status),
        ]
        happenings += service_conditions.alarms(grid, status)
        events.record(grid.path, happenings)
        changed |= _record_grid(grid, body, status.state, status.conditions)
    kube_events.tell(grid, happenings, cluster)
    if changed:
        change_log.record("grid", [grid.path])
    telling.result()


def tell_done(outcomes: Iterable[tuple[Grid, Outcome]], cluster: Cluster) -> None:
    """Note and tell which writes were made for which grid."""
    done: dict[Grid, list[Happening]] = {}
    for grid, outcome in outcomes:
        if outcome.done and outcome.changed:
            done.setdefault(grid, []).append(of_write(outcome))
    with transaction.atomic():
        for grid, happenings in done.items():
            events.record(grid.path, happenings)
        change_log.record("grid", [grid.path for grid in done])
    map_parallel(lambda each: kube_events.tell(*each, cluster), done.items())


def _tell(grid: Grid, happenings: Sequence[Happening], cluster: Cluster) -> None:
    events.record(grid.path, happenings)
    kube_events.tell(grid, happenings, cluster)
    change_log.record("grid", [grid.path])


def _now() -> str:
    return rfc3339(timezone.now())


def after(seen: World, outcomes: Iterable[Outcome]) -> list[Mapping[str, Any]]:
    """The grid's own children as they are after the writes."""
    live = {each["metadata"]["name"]: each for each in seen.live if is_ours(each, seen.owner)}
    for outcome in outcomes:
        if outcome.done and outcome.live:
            live[outcome.step.name] = outcome.live
        elif outcome.done and outcome.step.verb == "delete":
            live.pop(outcome.step.name, None)
    return list(live.values())


def _failures(outcomes: Iterable[Outcome]) -> list[Finding]:
    found = []
    for outcome in outcomes:
        step = outcome.step
        if outcome.taken:
            found.append(outcome.taken)
        elif outcome.error and not isinstance(outcome.error, _NOT_THE_UNITS):
            reason = outcome.error.reason or "WriteFailed"
            found.append(
                Finding(step.unit, reason[:100], say("the cluster refuses: %(message)s", message=str(outcome.error)))
            )
    return found


def _held_back(grid: Grid, planned: Plan, outcomes: Iterable[Outcome], failures: Iterable[Finding]) -> list[Finding]:
    """What stopped the units that are in back-off: it is why they are not as wanted until they were tried again."""
    judged = {each.step.unit for each in outcomes if each.done} | {each.unit for each in failures}
    waiting = {step.unit for step in planned.steps} - judged
    rows = grid.units.filter(name__in=waiting, failures__gt=0, state="Blocked") if waiting else ()
    return [Finding(row.name, row.reason, row.sentence) for row in rows]


def _record_units(
    grid: Grid,
    status: GridStatus,
    outcomes: Sequence[Outcome],
    findings: Sequence[Finding],
    attempts: Mapping[str, Attempts],
) -> tuple[bool, list[Happening]]:
    rows = {row.name: row for row in grid.units.all()}
    failed = {each.step.unit for each in outcomes if each.taken or each.error}
    failed -= {each.step.unit for each in outcomes if isinstance(each.error, _NOT_THE_UNITS)}
    tried = {each.step.unit for each in outcomes if each.done}
    blocking = {finding.unit: finding for finding in findings}
    units = {unit.name: unit for unit in status.units}
    fresh: list[GridUnit] = []
    changed: list[GridUnit] = []
    warnings: list[Happening] = []
    for name, unit in units.items():
        row = rows.get(name) or GridUnit(grid=grid, name=name)
        before = _fields(row)
        _fill(row, unit)
        _pace(row, name in failed, name in tried)
        row.attempts = {field: each.to_json() for field, each in attempts.get(name, {}).items()}
        if name in blocking and before.get("reason") != unit.reason:
            warnings.append(Happening(name, unit.reason, blocking[name].sentence, warning=True))
        if row.pk is None:
            fresh.append(row)
        elif _fields(row) != before:
            changed.append(row)
    GridUnit.objects.bulk_create(fresh)
    GridUnit.objects.bulk_update(changed, _COLUMNS, batch_size=200)
    gone, _ = grid.units.exclude(name__in=units.keys()).delete()
    return bool(fresh or changed or gone), warnings


_NOT_OBSERVED = ("id", "grid", "name", "gone_since", "retirement", "held_since")
_COLUMNS = [field.name for field in GridUnit._meta.concrete_fields if field.name not in _NOT_OBSERVED]


def _fields(row: GridUnit) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COLUMNS}


def _fill(row: GridUnit, unit: UnitStatus) -> None:
    row.state, row.severity = unit.state, severity(unit.state)
    row.reason, row.message = unit.reason[:100], unit.sentence.to_json()
    row.template, row.child = unit.template, unit.child
    row.desired, row.ready, row.updated = unit.desired, unit.ready, unit.updated
    row.nodes, row.served = unit.nodes, unit.served
    row.misplaced = list(unit.misplaced)
    row.notes = [{"reason": reason, "message": sentence.to_json()} for reason, sentence in unit.notes]


def _pace(row: GridUnit, failed: bool, done: bool) -> None:
    if failed:
        row.next_at = timezone.now() + timedelta(seconds=workqueue.backoff(row.failures))
        row.failures += 1
    elif done:
        row.failures, row.next_at, row.recreate = 0, None, False


def _arrival(grid: Grid, status: GridStatus) -> list[Happening]:
    """That the grid has become Ready, if it just has."""
    if status.state != "Ready" or grid.state == "Ready":
        return []
    if grid.kind == "ServiceGrid":
        return [Happening("", "Ready", say("its Service is there, and its traffic goes as asked"))]
    return [Happening("", "Ready", say("all %(total)s NodeUnits are ready", total=len(status.units)))]


def _record_grid(grid: Grid, body: Mapping[str, Any], state: str, conditions: Iterable[Condition]) -> bool:
    changed = grid.status != body or grid.state != state
    grid.sentences = {each.type: each.sentence.to_json() for each in conditions}
    grid.status, grid.state, grid.observed_generation = dict(body), state, grid.generation
    grid.seen_at = timezone.now()
    observed = ("status", "sentences", "state", "observed_generation", "seen_at")
    Grid.objects.filter(pk=grid.pk).update(**{name: getattr(grid, name) for name in observed})
    return changed


def _tell_cluster(grid: Grid, body: Mapping[str, Any], cluster: Cluster) -> None:
    """Write the status to the custom resource where it says something else. SuperEdge's own definitions have no place
    for one."""
    if not grid.cluster_uid or cluster.read_only:
        return
    resource = cluster.get(grid.kind, grid.namespace, grid.name)
    if resource is None or resource["metadata"]["uid"] != grid.cluster_uid:
        return
    wanted = {**body, "observedGeneration": grid.cluster_generation}  # not that of an edit since we looked
    before = resource.get("status") or {}
    if before == wanted:
        return
    patch = {"status": merge_patch(before, wanted)}
    try:
        cluster.patch(grid.kind, grid.namespace, grid.name, patch, MERGE_PATCH, subresource="status")
    except NotFound as error:
        log.info("%s: its status could not be written to the cluster: %s", grid.path, error)


def merge_patch(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7396) that makes `before` exactly `wanted`: what is gone is null at every depth, such
    as a count that fell to 0 and is left out."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - wanted.keys())
    for key, value in wanted.items():
        old = before.get(key)
        patch[key] = merge_patch(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return patch


def record_invalid(grid: Grid, invalid: Invalid, cluster: Cluster) -> None:
    """Note that a custom resource holds what we refuse; nothing else is changed."""
    problem = invalid.problems[0]
    text = say("%(pointer)s: %(problem)s", pointer=problem.pointer or "/", problem=problem.sentence)
    conditions = (Condition("Ready", "False", "InvalidSpec", text), Condition("Degraded", "True", "InvalidSpec", text))
    body = manifest_status(GridStatus((), conditions, {}), grid.generation, grid.status, _now())
    if _record_grid(grid, body, "Blocked", conditions):
        _tell(grid, [Happening("", "InvalidSpec", text, warning=True)], cluster)
    _tell_cluster(grid, body, cluster)
