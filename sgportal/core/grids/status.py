"""What is observed, in words: the state of each unit and of each grid, and the sentence a person reads.

Status speaks of the present only, never of what we hope for. It is derived from live objects, pods and findings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..health import is_settled, of_all, severity
from ..names import child_name
from ..pods import PodView
from ..text import Sentence, say
from ..units import Unit
from .desired import Finding
from .grid import GridSpec
from .plan import is_ready, unit_of

_FINDING_STATE = {"UnitGone": "UnitGone", "WaitingForSuccessors": "UnitGone", "ChildTerminating": "Progressing"}


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """The state of one unit of a grid. `desired`, `ready`, `updated` count pods; `misplaced` names pods of this unit's
    child that sit on a node outside the unit; `state` is one of `health.STATES`."""

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

    @property
    def state(self) -> str:
        """The state of all its units as a whole; `Ready` where there are none."""
        return of_all(unit.state for unit in self.units)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a status is made from: the units of the key, the live children that are the grid's own, the findings of
    the last plan together with the errors of its writes, and the pods of the children."""

    units: Mapping[str, Unit]
    live: Sequence[Mapping[str, Any]]
    findings: Sequence[Finding] = ()
    pods: Iterable[PodView] = ()


def summarise(spec: GridSpec, observed: Observed) -> GridStatus:
    """The status of a grid from what was observed."""
    if spec.kind.child_kind == "Service":
        return _service_status(observed)
    live = {unit_of(spec, each): each for each in observed.live}
    findings = {finding.unit: finding for finding in observed.findings}
    pods: dict[str, list[PodView]] = {}
    for pod in observed.pods:
        pods.setdefault(pod.child, []).append(pod)
    names = sorted({*observed.units, *live, *(unit for unit in findings if unit)})
    units = sorted(
        (
            _unit_status(spec, name, observed.units.get(name), live.get(name), findings.get(name), pods)
            for name in names
        ),
        key=lambda unit: (severity(unit.state), unit.name),
    )
    states = {name: superedge_state(live[name]) for name in sorted(live)}
    return GridStatus(tuple(units), _conditions(units, findings.get("")), states, spec.unused_templates())


def _unit_status(
    spec: GridSpec,
    name: str,
    unit: Unit | None,
    live: Mapping[str, Any] | None,
    finding: Finding | None,
    pods: Mapping[str, Sequence[PodView]],
) -> UnitStatus:
    child = child_name(spec.name, spec.kind.child_kind, name)
    mine = pods.get(child, ())
    state, reason, sentence = _judge(unit, live, finding, mine)
    status = (live or {}).get("status") or {}
    wanted = (
        ((live or {}).get("spec") or {}).get("replicas", 1)
        if live
        else ((spec.template_of(name) or {}).get("replicas", 1) or 0)
    )
    home = {node.name for node in unit.nodes} if unit else set()
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
        misplaced=tuple(
            sorted(pod.name for pod in mine if unit and pod.node and pod.node not in home and not pod.terminating)
        ),
    )


def _judge(
    unit: Unit | None, live: Mapping[str, Any] | None, finding: Finding | None, pods: Sequence[PodView]
) -> tuple[str, str, Sentence]:
    """The state of a unit, most final case first."""
    if finding:
        return _FINDING_STATE.get(finding.reason, "Blocked"), finding.reason, finding.sentence
    if live is None:
        return "Progressing", "Creating", say("the workload is about to be created")
    if unit and unit.state == "Offline":
        return "Offline", "NodesUnreachable", say("no node of the unit answers; the counts are the last known")
    if is_ready(live):
        return "Ready", "AllReady", say("all pods are ready")
    if unit and not unit.ready_nodes:
        return "Degraded", "NoReadyNode", say("no node of the unit is ready")
    failing = next((pod for pod in sorted(pods, key=lambda pod: pod.name) if pod.reason and not pod.ready), None)
    if failing and failing.reason not in _ON_THE_WAY:
        return (
            "Degraded",
            failing.reason,
            say("pod %(pod)s: %(message)s", pod=failing.name, message=failing.message or failing.reason),
        )
    if failure := _condition(live, "ReplicaFailure", "True"):
        return (
            "Degraded",
            failure.get("reason") or "ReplicaFailure",
            say("pods cannot be made: %(message)s", message=failure.get("message") or ""),
        )
    if _condition(live, "Progressing", "False"):
        return "Degraded", "ProgressDeadlineExceeded", say("the rollout has made no progress within its deadline")
    status = live.get("status") or {}
    return (
        "Progressing",
        "RollingOut",
        say(
            "%(ready)s of %(wanted)s pods are ready",
            ready=status.get("readyReplicas", 0),
            wanted=(live.get("spec") or {}).get("replicas", 1),
        ),
    )


_ON_THE_WAY = {"ContainerCreating", "PodInitializing", "Pending"}


def _condition(live: Mapping[str, Any], type_: str, status: str) -> Mapping[str, Any] | None:
    """The condition of a workload that has this type and status. `ReplicaFailure` (a quota, a limit, an admission
    webhook) and `Progressing` False (its deadline exceeded): apps/v1, DeploymentConditionType."""
    conditions = (live.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if (each.get("type"), each.get("status")) == (type_, status)), None)


def superedge_state(live: Mapping[str, Any]) -> dict[str, Any]:
    """A child's status as SuperEdge's `status.states` shows it: the counts and, of the conditions, Available."""
    status = live.get("status") or {}
    counts = {
        key: status[key]
        for key in ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")
        if status.get(key)
    }
    available = [each for each in status.get("conditions") or () if each.get("type") == "Available"]
    return {**counts, "conditions": available} if available else counts


def _service_status(observed: Observed) -> GridStatus:
    """A ServiceGrid has one child for all units; it stands under the unit ""."""
    finding = next(iter(observed.findings), None)
    if finding:
        unit = UnitStatus("", "Blocked", finding.reason, finding.sentence)
    elif observed.live:
        unit = UnitStatus("", "Ready", "ServiceExists", say("the Service exists"))
    else:
        unit = UnitStatus("", "Progressing", "Creating", say("the Service is about to be created"))
    return GridStatus((unit,), _conditions([unit], None), {})


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
    bad = [unit for unit in units if unit.state not in ("Ready", "Progressing")]
    moving = [unit for unit in units if unit.state == "Progressing"]
    ready = _ready_condition(units, bad or moving)
    progressing = Condition("Progressing", "True", moving[0].reason, _count(moving)) if moving else _QUIET[0]
    degraded = Condition("Degraded", "True", bad[0].reason, _count(bad)) if bad else _QUIET[1]
    return ready, progressing, degraded


def _ready_condition(units: Sequence[UnitStatus], waiting: Sequence[UnitStatus]) -> Condition:
    if waiting:
        return Condition("Ready", "False", waiting[0].reason, _count(waiting))
    if units and not units[0].name:
        return Condition("Ready", "True", units[0].reason, units[0].sentence)
    if not units:
        return Condition("Ready", "True", "NoUnits", say("no node carries the key yet, so there is nothing to run"))
    return Condition("Ready", "True", "AllReady", say("all %(count)s units are ready", count=len(units)))


def _count(units: Sequence[UnitStatus]) -> Sentence:
    first = units[0]
    if not first.name:
        return first.sentence
    if len(units) == 1:
        return say("unit %(unit)s: %(reason)s", unit=first.name, reason=first.reason)
    return say("%(count)s units, first %(unit)s: %(reason)s", count=len(units), unit=first.name, reason=first.reason)


def manifest_status(status: GridStatus, generation: int, previous: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The status as the custom resource and the REST API show it.

    `previous` is the status stored before: a condition keeps its `lastTransitionTime` while its status stays;
    `now` is the time in RFC 3339.
    """
    before = {each["type"]: each for each in previous.get("conditions") or ()}
    units = [unit for unit in status.units if unit.name]
    return {
        "observedGeneration": generation,
        "conditions": [_condition_json(each, before.get(each.type), now) for each in status.conditions],
        "states": dict(status.states),
        "units": [
            {
                "name": unit.name,
                "state": unit.state,
                "template": unit.template,
                "message": str(unit.sentence),
                "reason": unit.reason,
            }
            for unit in units
        ],
        "readyUnits": sum(is_settled(unit.state) for unit in units),
        "totalUnits": len(units),
        **({"unusedTemplates": list(status.unused_templates)} if status.unused_templates else {}),
    }


def _condition_json(condition: Condition, before: Mapping[str, Any] | None, now: str) -> dict[str, str]:
    stays = before is not None and before.get("status") == condition.status
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": str(condition.sentence),
        "lastTransitionTime": before["lastTransitionTime"] if stays and before else now,
    }
