"""Recording what was observed: the cells' rows, the grid's status, events; and the same on the custom resource."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from ....cluster import Cluster, Conflict, Throttled, Unreachable
from ....core.plans.desired import Finding, closure_for
from ....core.plans.plan import Plan
from ....core.policy.rules import CLOSED
from ....core.status.manifest import manifest_status
from ....core.status.service import service_status
from ....core.status.status import Condition, GridStatus, Observed, complete, summarise
from ....core.text import Invalid, Sentence, say
from ....core.timestamps import rfc3339
from ....models import Grid
from ...process.connection import map_parallel, submit
from ...queue import change_log
from ..events import grid_events, kube_events
from ..events.grid_events import NewEvent, event_of_write
from ..observation.observation import Observation
from ..writes.apply import StepResult
from ..writes.contests import counted
from . import cells, resource_status, rollout_evidence, service_conditions

Body = Mapping[str, Any]
# What is wrong with the way to the cluster, or with our news of it, is not the unit's fault.
_NOT_THE_UNITS = (Unreachable, Throttled, Conflict)


@dataclass(frozen=True, slots=True)
class Judged:
    """What an observation comes to: its `status`, with what else is shown of a ServiceGrid (`more`), what is to be
    written of the cells, and the events of these cells."""

    status: GridStatus
    more: Mapping[str, Any]
    changes: cells.CellChanges
    events: Sequence[NewEvent]

    @property
    def is_news(self) -> bool:
        """Whether there is something to write of the cells."""
        return bool(self.changes.shown or self.events)


def judge(seen: Observation, planned: Plan, results: Sequence[StepResult], cluster: Cluster) -> Judged:
    """What the observed objects come to after the writes; of the whole grid, or of some of its cells where only these
    were observed. Asks the cluster why, where something is wrong. Raises ClusterError."""
    count = counted(seen.world(), results, cluster)
    failures = _failures(results)
    findings = [*planned.findings, *count.findings, *failures, *_held_back(seen, planned, results, failures)]
    status, more = _status(seen, planned, results, findings, cluster)
    status = complete(status, findings, planned.notes)
    failed = {each.step.unit for each in results if each.taken or each.error}
    failed -= {each.step.unit for each in results if isinstance(each.error, _NOT_THE_UNITS)}
    tried = {each.step.unit for each in results if each.done}
    changes = cells.compare(seen.grid, seen.cells, status.units, count.attempts, failed, tried)
    events = [
        *(event_of_write(each) for each in results if each.done and each.changed),
        *_warnings(seen, status, findings),
    ]
    return Judged(status, more, changes, events)


def record(
    seen: Observation, planned: Plan, results: Sequence[StepResult], cluster: Cluster, shut: Sentence | None = None
) -> cells.Cells:
    """Write down the status that the observed objects have after the writes, and what happened on the way; the cells'
    rows afterwards. `shut` is why the namespace is closed to us, if it is. Raises ClusterError."""
    grid, judged = seen.grid, judge(seen, planned, results, cluster)
    status, changes = judged.status, judged.changes
    if shut:
        status = replace(status, conditions=(*status.conditions, Condition(CLOSED, "True", CLOSED, shut)))
    body = {**manifest_status(status, grid.generation, grid.status, rfc3339(timezone.now())), **judged.more}
    news = [*judged.events, *_arrival(grid, status), *service_conditions.alarms(grid, status)]
    if changes.shown or news or _differs(grid, body, status):
        seen.confirm(cluster)
    telling = submit(lambda: resource_status.write(grid, seen.resource, body, cluster))
    written = _write(grid, changes, news, body, status)
    kube_events.emit(grid, news, cluster)
    telling.result()
    return written


def _status(
    seen: Observation, planned: Plan, results: Sequence[StepResult], findings: Sequence[Finding], cluster: Cluster
) -> tuple[GridStatus, dict[str, Any]]:
    """The status after the writes, and what else is shown of a ServiceGrid."""
    live = after(seen, results)
    names = {each["metadata"]["name"] for each in live}
    pending = {step.name for step in planned.steps} - {each.step.name for each in results if each.done}
    pods = [pod for pod in seen.pods if pod.child in names]
    observed = Observed(seen.units, live, findings, pods, pending, now=seen.at.timestamp())
    if seen.reach:
        more = {"closure": closure_for(seen.spec, seen.can).mode, **service_conditions.shown(seen.reach.loop)}
        return service_status(observed, seen.reach.loop), more
    return summarise(seen.spec, rollout_evidence.with_evidence(observed, seen.spec, cluster)), {}


def _write(
    grid: Grid, changes: cells.CellChanges, news: Sequence[NewEvent], body: Body, status: GridStatus
) -> cells.Cells:
    if not (changes.shown or news or _differs(grid, body, status)):
        _record_grid(grid, body, status)
        return changes.after
    with transaction.atomic():
        rows = cells.write(grid, changes)
        grid_events.record(grid.path, news)
        differs = _record_grid(grid, body, status)
    if changes.shown or differs:
        change_log.record("grid", [grid.path])
    return rows


def _differs(grid: Grid, body: Body, status: GridStatus) -> bool:
    """Whether the grid as a whole says something else than before."""
    return bool(grid.status != body or grid.state != status.state)


def record_writes(results: Iterable[tuple[Grid, StepResult]], cluster: Cluster) -> None:
    """Note and tell which writes were made for which grid."""
    done: dict[Grid, list[NewEvent]] = {}
    for grid, result in results:
        if result.done and result.changed:
            done.setdefault(grid, []).append(event_of_write(result))
    with transaction.atomic():
        for grid, news in done.items():
            grid_events.record(grid.path, news)
        change_log.record("grid", [grid.path for grid in done])
    map_parallel(lambda each: kube_events.emit(*each, cluster), done.items())


def after(seen: Observation, results: Iterable[StepResult]) -> list[Body]:
    """The grid's own children as they are after the writes."""
    live = {each["metadata"]["name"]: each for each in seen.own}
    for result in results:
        if result.done and result.live:
            live[result.step.name] = result.live
        elif result.done and result.step.verb == "delete":
            live.pop(result.step.name, None)
    return list(live.values())


def _failures(results: Iterable[StepResult]) -> list[Finding]:
    found = []
    for result in results:
        step = result.step
        if result.taken:
            found.append(result.taken)
        elif result.error and not isinstance(result.error, _NOT_THE_UNITS):
            reason = result.error.reason or "WriteFailed"
            found.append(
                Finding(step.unit, reason[:100], say("the cluster refuses: %(message)s", message=str(result.error)))
            )
    return found


def _held_back(
    seen: Observation, planned: Plan, results: Iterable[StepResult], failures: Iterable[Finding]
) -> list[Finding]:
    """What stopped the units that are in back-off: it is why they are not as wanted until they were tried again."""
    judged = {each.step.unit for each in results if each.done} | {each.unit for each in failures}
    waiting = {step.unit for step in planned.steps} - judged
    cells = (seen.cells[name] for name in sorted(waiting & seen.cells.keys()))
    return [
        Finding(cell.name, cell.reason, cell.sentence) for cell in cells if cell.failures and cell.state == "Blocked"
    ]


def _warnings(seen: Observation, status: GridStatus, findings: Iterable[Finding]) -> list[NewEvent]:
    """Of each finding that is news."""
    blocking = {finding.unit: finding for finding in findings}
    reasons = {name: cell.reason for name, cell in seen.cells.items()}
    return [
        NewEvent(unit.name, unit.reason, blocking[unit.name].sentence, warning=True)
        for unit in status.units
        if unit.name in blocking and reasons.get(unit.name, "") != unit.reason
    ]


def _arrival(grid: Grid, status: GridStatus) -> list[NewEvent]:
    """That the grid has become Ready, if it just has."""
    if status.state != "Ready" or grid.state == "Ready":
        return []
    if grid.kind == "ServiceGrid":
        return [NewEvent("", "Ready", say("its Service exists and its traffic is routed as configured"))]
    return [NewEvent("", "Ready", say("all %(total)s NodeUnits are ready", total=len(status.units)))]


def _record_grid(grid: Grid, body: Body, status: GridStatus) -> bool:
    """Note the status of the grid as a whole; whether that is news."""
    differs = _differs(grid, body, status)
    said: dict[str, Any] = {
        "status": dict(body),
        "sentences": {each.type: each.sentence.to_json() for each in status.conditions},
        "state": status.state,
        "observed_generation": grid.generation,
    }
    other = {name: value for name, value in said.items() if getattr(grid, name) != value}
    other["seen_at"] = timezone.now()
    Grid.objects.filter(pk=grid.pk).update(**other)
    for name, value in other.items():
        setattr(grid, name, value)
    return differs


def record_invalid(grid: Grid, resource: Body | None, invalid: Invalid, cluster: Cluster) -> None:
    """Note that a custom resource holds what we refuse; nothing else is changed."""
    problem = invalid.problems[0]
    text = say("%(pointer)s: %(problem)s", pointer=problem.pointer or "/", problem=problem.sentence)
    conditions = (Condition("Ready", "False", "InvalidSpec", text), Condition("Degraded", "True", "InvalidSpec", text))
    status = GridStatus((), conditions, {}, blocked=True)
    body = manifest_status(status, grid.generation, grid.status, rfc3339(timezone.now()))
    if _record_grid(grid, body, status):
        news = [NewEvent("", "InvalidSpec", text, warning=True)]
        grid_events.record(grid.path, news)
        kube_events.emit(grid, news, cluster)
        change_log.record("grid", [grid.path])
    resource_status.write(grid, resource, body, cluster)
