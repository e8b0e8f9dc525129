"""What an observation comes to, of a whole grid or of some of its cells: their states, and the events of what was done
and of what is news."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....cluster import Cluster, Conflict, Throttled, Unreachable
from ....core.plans.desired import Finding, closure_for
from ....core.plans.plan import Plan
from ....core.status.service import service_status
from ....core.status.status import GridStatus, Observed, complete, summarise
from ....core.text import say
from ....queries.per_unit.pins import revisions_of
from ..events.grid_events import NewEvent, event_of_write
from ..observation.observation import Observation
from ..writes.apply import StepResult
from ..writes.contests import counted
from . import cells, rollout_evidence

Body = Mapping[str, Any]
# What is wrong with the way to the cluster, or with our news of it, is not the unit's fault.
_NOT_THE_UNITS = (Unreachable, Throttled, Conflict)


@dataclass(frozen=True, slots=True)
class Judged:
    """What an observation comes to: the status of the cells that were observed, what is to be written of them, and the
    events of these cells."""

    status: GridStatus
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
    status = complete(_status(seen, planned, results, findings, cluster), findings, (*planned.notes, *seen.notes))
    failed = {each.step.unit for each in results if each.taken or each.error}
    failed -= {each.step.unit for each in results if isinstance(each.error, _NOT_THE_UNITS)}
    tried = {each.step.unit for each in results if each.done}
    reached = _reached(seen, planned, results, findings)
    changes = cells.compare(seen.grid, seen.cells, status.units, count.attempts, failed, tried, reached)
    events = [
        *(event_of_write(each) for each in results if each.done and each.changed),
        *_warnings(seen, status, findings),
    ]
    return Judged(status, changes, events)


def _reached(
    seen: Observation, planned: Plan, results: Iterable[StepResult], findings: Iterable[Finding]
) -> dict[str, int]:
    """The revisions of units whose children are as they should be: nothing is to be written, nothing is wrong."""
    left = {step.unit for step in planned.steps} - {each.step.unit for each in results if each.done}
    left |= {each.unit for each in findings}
    wanted = revisions_of(seen.grid, seen.cells.values(), seen.units)
    units = (child.unit for child in planned.wanted)
    return {unit: wanted[unit][0] if unit in wanted else seen.grid.generation for unit in units if unit not in left}


def _status(
    seen: Observation, planned: Plan, results: Sequence[StepResult], findings: Sequence[Finding], cluster: Cluster
) -> GridStatus:
    """The status after the writes."""
    live = after(seen, results)
    names = {each["metadata"]["name"] for each in live}
    pending = {step.name for step in planned.steps} - {each.step.name for each in results if each.done}
    pods = [pod for pod in seen.pods if pod.child in names]
    observed = Observed(seen.units, live, findings, pods, pending, now=seen.at.timestamp())
    if seen.reach:
        mode = closure_for(seen.spec, seen.can).mode
        return service_status(observed, seen.reach.loop, mode, seen.grid.readers, seen.grid.naming)
    return summarise(seen.spec, rollout_evidence.with_evidence(observed, seen.spec, cluster))


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
