"""What is observed, in words: the state of each unit and of each grid, and the sentence a person reads.

Status speaks of the present only, never of what we hope for. It is derived from live objects, pods and findings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..health import is_settled, is_unhealthy, of_all, severity
from ..names import child_name
from ..pods import PodView
from ..text import Sentence, say
from ..units import Unit
from .desired import Finding
from .grid import GridSpec
from .plan import unit_of
from .rollout import Rollout, rollout
from .superedge_state import superedge_state

_FINDING_STATE = {"UnitGone": "UnitGone", "WaitingForSuccessors": "UnitGone", "ChildTerminating": "Progressing"}


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """The state of one unit of a grid. `desired`, `ready`, `updated` count pods; `misplaced` names pods of this unit's
    child that sit on a node outside the unit; `state` is one of `health.STATES`. Of a ServiceGrid, `nodes` counts the
    unit's nodes, and `served` those that reach an endpoint as they may."""

    name: str
    state: str
    reason: str
    sentence: Sentence
    template: str = ""
    child: str = ""
    desired: int = 0
    ready: int = 0
    updated: int = 0
    misplaced: tuple[str, ...] = ()
    nodes: int = 0
    served: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as Kubernetes has them: `status` is True, False or Unknown; `reason` is CamelCase."""

    type: str
    status: str
    reason: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class GridStatus:
    """A grid's status: its units, worst first, and the conditions Ready, Progressing and Degraded."""

    units: tuple[UnitStatus, ...]
    conditions: tuple[Condition, ...]
    states: Mapping[str, Any]
    unused_templates: tuple[str, ...] = ()
    blocked: bool = False

    @property
    def state(self) -> str:
        """`Blocked` where the grid as a whole is, else the state of all its units as a whole; `Ready` without units."""
        return "Blocked" if self.blocked else of_all(unit.state for unit in self.units)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a status is made from: the units of the key, the live children that are the grid's own, the findings of
    the last plan together with the errors of its writes, the pods of the children, and by name of child why a
    controller could not create pods, where only an event says it."""

    units: Mapping[str, Unit]
    live: Sequence[Mapping[str, Any]]
    findings: Sequence[Finding] = ()
    pods: Iterable[PodView] = ()
    creation_failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Around:
    """What the state of a unit is judged by besides its nodes and its child."""

    kind: str
    pods: Sequence[PodView]
    misplaced: tuple[str, ...]
    creation_failure: str


def summarise(spec: GridSpec, observed: Observed) -> GridStatus:
    """The status of a grid of workloads from what was observed; of a ServiceGrid: `service_status`."""
    live = {unit_of(spec, each): each for each in observed.live}
    findings = {finding.unit: finding for finding in observed.findings}
    pods: dict[str, list[PodView]] = {}
    for pod in observed.pods:
        pods.setdefault(pod.child, []).append(pod)
    names = sorted({*observed.units, *live, *(unit for unit in findings if unit)})
    units = sorted(
        (
            _unit_status(
                spec,
                name,
                observed.units.get(name),
                live.get(name),
                findings.get(name),
                pods,
                observed.creation_failures,
            )
            for name in names
        ),
        key=lambda unit: (severity(unit.state), unit.name),
    )
    states = {name: superedge_state(live[name]) for name in sorted(live)}
    whole = findings.get("")
    conditions = _conditions(units, whole)
    return GridStatus(tuple(units), conditions, states, spec.unused_templates(), blocked=whole is not None)


def _unit_status(
    spec: GridSpec,
    name: str,
    unit: Unit | None,
    live: Mapping[str, Any] | None,
    finding: Finding | None,
    pods: Mapping[str, Sequence[PodView]],
    creation_failures: Mapping[str, str],
) -> UnitStatus:
    child = child_name(spec.name, spec.kind.child_kind, name)
    mine = pods.get(child, ())
    home = {node.name for node in unit.nodes} if unit else set()
    away = sorted(pod.name for pod in mine if unit and pod.node and pod.node not in home and not pod.terminating)
    around = _Around(spec.kind.child_kind, mine, tuple(away), creation_failures.get(child, ""))
    state, reason, sentence = _judge(unit, live, finding, around)
    status = (live or {}).get("status") or {}
    wanted = (
        ((live or {}).get("spec") or {}).get("replicas", 1)
        if live
        else ((spec.template_of(name) or {}).get("replicas", 1) or 0)
    )
    return UnitStatus(
        name=name,
        state=state,
        reason=reason,
        sentence=sentence,
        template=spec.template_name(name),
        child=child if live else "",
        desired=wanted,
        ready=status.get("readyReplicas", 0),
        updated=status.get("updatedReplicas", 0),
        misplaced=around.misplaced,
    )


def _judge(
    unit: Unit | None, live: Mapping[str, Any] | None, finding: Finding | None, around: _Around
) -> tuple[str, str, Sentence]:
    """The state of a unit, most final case first."""
    if finding:
        return _FINDING_STATE.get(finding.reason, "Blocked"), finding.reason, finding.sentence
    if live is None:
        return "Progressing", "Creating", say("the workload is about to be created")
    if unit and unit.state == "Offline":
        return "Offline", "NodesUnreachable", say("no node of the unit answers; the counts are the last known")
    found = rollout(around.kind, live)
    if found.complete and around.misplaced:
        return "Degraded", "Misplaced", _misplaced(around.misplaced)
    if found.complete:
        return _STAGE_STATE.get(found.stage, "Ready"), _STAGE_REASON[found.stage], found.sentence
    if unit and not unit.ready_nodes:
        return "Degraded", "NoReadyNode", say("no node of the unit is ready")
    return _trouble(live, around) or _under_way(found)


def _trouble(live: Mapping[str, Any], around: _Around) -> tuple[str, str, Sentence] | None:
    """What keeps the new pods of a rollout from becoming ready; old pods may serve meanwhile."""
    failing = [pod for pod in around.pods if pod.reason and not pod.ready and not _is_over(pod)]
    worst = next((pod for pod in sorted(failing, key=lambda pod: pod.name) if pod.reason not in _ON_THE_WAY), None)
    if worst:
        text = say("pod %(pod)s: %(message)s", pod=worst.name, message=worst.message or worst.reason)
        return "Degraded", worst.reason, text
    conditions = (live.get("status") or {}).get("conditions") or ()
    # ReplicaFailure: a quota, a limit or an admission webhook keeps pods from being created (apps/v1).
    failure = next((each for each in conditions if (each["type"], each["status"]) == ("ReplicaFailure", "True")), None)
    message = (failure.get("message") or "") if failure else around.creation_failure
    if failure or message:
        reason = (failure or {}).get("reason") or "FailedCreate"
        return "Degraded", reason, say("pods cannot be created: %(message)s", message=message)
    return None


def _is_over(pod: PodView) -> bool:
    """Whether a pod is on its way out, or ended for good (evicted): its controller replaces it."""
    return pod.terminating or pod.phase in ("Failed", "Succeeded")


def _under_way(found: Rollout) -> tuple[str, str, Sentence]:
    if found.stage == "DeadlineExceeded":
        return "Degraded", "ProgressDeadlineExceeded", found.sentence
    if found.stage == "Paused":
        return "Paused", "Paused", found.sentence
    return "Progressing", "RollingOut", found.sentence


def _misplaced(pods: Sequence[str]) -> Sentence:
    return say(
        "%(count)s pods run on nodes of another unit, first %(pod)s; recreate the workload of this unit to move them",
        count=len(pods),
        pod=pods[0],
    )


_ON_THE_WAY = {"ContainerCreating", "PodInitializing", "Pending"}
_STAGE_STATE = {"Partitioned": "Partitioned", "OnDelete": "OnDelete"}
_STAGE_REASON = {"RolledOut": "AllReady", "Partitioned": "Partitioned", "OnDelete": "OnDelete"}


_QUIET = (
    Condition("Progressing", "False", "Settled", say("nothing is under way")),
    Condition("Degraded", "False", "NothingWrong", say("nothing is wrong")),
)


def _conditions(units: Sequence[UnitStatus], grid_finding: Finding | None) -> tuple[Condition, ...]:
    if grid_finding:
        reason, sentence = grid_finding.reason, grid_finding.sentence
        return (
            Condition("Ready", "False", reason, sentence),
            _QUIET[0],
            Condition("Degraded", "True", reason, sentence),
        )
    bad = [unit for unit in units if is_unhealthy(unit.state)]
    moving = [unit for unit in units if unit.state == "Progressing"]
    paused = [unit for unit in units if unit.state == "Paused"]
    progressing = _QUIET[0]
    if moving:
        progressing = Condition("Progressing", "True", moving[0].reason, told_of(moving, units))
    elif paused:
        progressing = Condition("Progressing", "False", paused[0].reason, told_of(paused, units))
    degraded = Condition("Degraded", "True", bad[0].reason, told_of(bad, units)) if bad else _QUIET[1]
    return _ready_condition(units), progressing, degraded


def _ready_condition(units: Sequence[UnitStatus]) -> Condition:
    waiting = [unit for unit in units if not is_settled(unit.state)]
    if waiting:
        return Condition("Ready", "False", waiting[0].reason, told_of(waiting, units))
    if not units:
        return Condition("Ready", "True", "NoUnits", say("no node carries the key yet, so there is nothing to run"))
    held = [unit for unit in units if unit.state != "Ready"]
    if held:
        return Condition("Ready", "True", held[0].reason, told_of(held, units))
    return Condition("Ready", "True", "AllReady", say("all %(count)s units are ready", count=len(units)))


def told_of(some: Sequence[UnitStatus], units: Sequence[UnitStatus]) -> Sentence:
    """How many of all units are so, and what the first of them says."""
    first = some[0]
    if not first.name:
        return first.sentence
    return say(
        "%(count)s of %(total)s units, first %(unit)s: %(reason)s",
        count=len(some),
        total=len(units),
        unit=first.name,
        reason=first.sentence,
    )
