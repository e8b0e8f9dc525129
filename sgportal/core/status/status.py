"""What is observed, in words: the state of each unit and of each grid, and the sentence a person reads.

Status speaks of the present only, never of what we hope for. It is derived from live objects, pods and findings.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..grids.grid import GridSpec
from ..health import State, Truth, is_settled, is_unhealthy, of_all, severity
from ..names import child_name
from ..plans.contest import CONTESTED
from ..plans.desired import Finding
from ..plans.plan import unit_of
from ..plans.retirement import DELETION_HELD
from ..pods import PodView
from ..text import Sentence, say
from ..units import Unit
from ..workloads.rollout import rollout
from ..workloads.trouble import Evidence, trouble, under_way
from .superedge import superedge_state

_FINDING_STATE: Mapping[str, State] = {
    "UnitGone": "UnitGone",
    "WaitingForSuccessors": "UnitGone",
    "DeletionHeld": "UnitGone",
    "DeletionKept": "UnitGone",
    "ChildTerminating": "Progressing",
}


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """The state of one unit of a grid. `desired`, `ready`, `updated` count pods; `misplaced` names pods of this unit's
    child that sit on a node outside the unit; `state` is one of `health.STATES`. Of a ServiceGrid, `nodes` counts the
    unit's nodes, and `served` those that reach an endpoint as they may. `notes` are what else is to be read about its
    child, each with a CamelCase reason."""

    name: str
    state: State
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
    notes: tuple[tuple[str, Sentence], ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as Kubernetes has them: `status` is True, False or Unknown; `reason` is CamelCase."""

    type: str
    status: Truth
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
    def state(self) -> State:
        """`Blocked` where the grid as a whole is, else the state of all its units as a whole; `Ready` without units."""
        return "Blocked" if self.blocked else of_all(unit.state for unit in self.units)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a status is made from: the units of the key, the live children that are the grid's own, the findings of
    the last plan together with the errors of its writes, the pods of the children, the names of children of which a
    write is still to be made; and by name of child what others say of it: the ReplicaSet of a Deployment's present
    template, and why the controller of a StatefulSet could not create pods; and the time, in epoch seconds, None where
    it does not matter."""

    units: Mapping[str, Unit]
    live: Sequence[Mapping[str, Any]]
    findings: Sequence[Finding] = ()
    pods: Iterable[PodView] = ()
    pending: Collection[str] = ()
    replica_sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    creation_failures: Mapping[str, str] = field(default_factory=dict)
    now: float | None = None

    def evidence(self) -> Mapping[str, Evidence]:
        """What is known of each child besides itself, by its name."""
        pods: dict[str, list[PodView]] = {each["metadata"]["name"]: [] for each in self.live}
        for pod in self.pods:
            pods.setdefault(pod.child, []).append(pod)
        return {
            name: Evidence(mine, self.replica_sets.get(name), self.creation_failures.get(name, ""), self.now)
            for name, mine in pods.items()
        }


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the state of one unit is judged by."""

    kind: str
    unit: Unit | None
    live: Mapping[str, Any] | None
    finding: Finding | None
    pending: bool
    evidence: Evidence

    def misplaced(self) -> tuple[str, ...]:
        """The pods on nodes that are not the unit's (any more)."""
        home = {node.name for node in self.unit.nodes} if self.unit else set()
        away = (pod for pod in self.evidence.pods if self.unit and pod.node and pod.node not in home)
        return tuple(sorted(pod.name for pod in away if not pod.terminating))


def summarise(spec: GridSpec, observed: Observed) -> GridStatus:
    """The status of a grid of workloads from what was observed; of a ServiceGrid: `service_status`."""
    live = {unit_of(spec, each): each for each in observed.live}
    findings = {finding.unit: finding for finding in observed.findings}
    evidence = observed.evidence()
    kind = spec.kind.child_kind

    def seen(name: str) -> _Seen:
        child = child_name(spec.name, kind, name)
        known, pending = evidence.get(child, Evidence()), child in observed.pending
        return _Seen(kind, observed.units.get(name), live.get(name), findings.get(name), pending, known)

    names = {*observed.units, *live, *(unit for unit in findings if unit)}
    units = sorted(
        (_unit_status(spec, name, seen(name)) for name in names), key=lambda unit: (severity(unit.state), unit.name)
    )
    states = {name: superedge_state(live[name]) for name in sorted(live)}
    whole = findings.get("")
    conditions = _conditions(units, whole)
    return GridStatus(tuple(units), conditions, states, spec.unused_templates(), blocked=whole is not None)


def complete(status: GridStatus, findings: Sequence[Finding], notes: Iterable[Finding]) -> GridStatus:
    """The status with the notes of a plan, each at its unit, and a condition for what the findings of some units say
    whatever else is wrong there: a deletion that waits for a person, a field that is contested."""
    told: dict[str, tuple[tuple[str, Sentence], ...]] = {}
    for each in notes:
        told[each.unit] = (*told.get(each.unit, ()), (each.reason, each.sentence))
    units = tuple(replace(unit, notes=told.get(unit.name, ())) for unit in status.units)
    more = []
    if held := [each for each in findings if each.reason == DELETION_HELD]:
        more.append(_deletions_held(held))
    if contested := [each for each in findings if each.reason == CONTESTED]:
        more.append(Condition(CONTESTED, "True", CONTESTED, _first_of(contested, units)))
    return replace(status, units=units, conditions=(*status.conditions, *more))


def _first_of(findings: Sequence[Finding], units: Sequence[UnitStatus]) -> Sentence:
    first = findings[0]
    if not first.unit:
        return first.sentence
    return _of_units(len({each.unit for each in findings}), len(units), first.unit, first.sentence)


def _unit_status(spec: GridSpec, name: str, seen: _Seen) -> UnitStatus:
    state, reason, sentence = _judge(seen)
    live = seen.live or {}
    body, status = live.get("spec") or spec.template_of(name) or {}, live.get("status") or {}
    return UnitStatus(
        name=name,
        state=state,
        reason=reason,
        sentence=sentence,
        template=spec.template_name(name),
        child=str(live["metadata"]["name"]) if live else "",
        desired=body.get("replicas", 1) or 0,
        ready=status.get("readyReplicas", 0),
        updated=status.get("updatedReplicas", 0),
        misplaced=seen.misplaced(),
    )


def _judge(seen: _Seen) -> tuple[State, str, Sentence]:
    """The state of a unit, most final case first."""
    if seen.finding and seen.finding.reason != CONTESTED:
        return _FINDING_STATE.get(seen.finding.reason, "Blocked"), seen.finding.reason, seen.finding.sentence
    if seen.live is None:
        return "Progressing", "Creating", say("the workload is not created yet")
    if seen.unit and seen.unit.state == "Offline":
        return "Offline", "NodesUnreachable", say("no node of the unit responds; the counts are the last known")
    found = rollout(seen.kind, seen.live)
    if found.complete and (misplaced := seen.misplaced()):
        return "Degraded", "Misplaced", _misplaced(misplaced)
    if found.complete and seen.pending:
        return "Progressing", "Updating", say("a change to the workload is pending")
    if found.complete and seen.finding:
        return "Degraded", seen.finding.reason, seen.finding.sentence
    if found.complete:
        return _STAGE_STATE.get(found.stage, "Ready"), _STAGE_REASON[found.stage], found.sentence
    if seen.unit and not seen.unit.ready_nodes:
        return "Degraded", "NoReadyNode", say("no node of the unit is ready")
    if wrong := trouble(seen.kind, seen.live, found, seen.evidence):
        return "Degraded", *wrong
    if found.stage == "Paused":
        return "Paused", "Paused", found.sentence
    return "Progressing", "RollingOut", under_way(seen.kind, seen.live, found, seen.evidence)


def _misplaced(pods: Sequence[str]) -> Sentence:
    return say(
        "%(count)s pods run on nodes of another unit, first %(pod)s; recreate the workload of this unit to move them",
        count=len(pods),
        pod=pods[0],
    )


_STAGE_STATE: Mapping[str, State] = {"Partitioned": "Partitioned", "OnDelete": "OnDelete"}
_STAGE_REASON = {"RolledOut": "AllReady", "Partitioned": "Partitioned", "OnDelete": "OnDelete"}


def _deletions_held(findings: Sequence[Finding]) -> Condition:
    """That the deletion of these units' children waits for a person; there is at least one."""
    text = say(
        "the deletion of %(count)s workloads waits for approval, first in %(unit)s",
        count=len(findings),
        unit=findings[0].unit,
    )
    return Condition("DeletionsHeld", "True", "WaitingForDecision", text)


_QUIET = (
    Condition("Progressing", "False", "Settled", say("nothing is in progress")),
    Condition("Degraded", "False", "NothingWrong", say("there are no problems")),
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
        return Condition("Ready", "True", "NoUnits", say("no node carries the label key yet"))
    held = [unit for unit in units if unit.state != "Ready"]
    if held:
        return Condition("Ready", "True", held[0].reason, told_of(held, units))
    return Condition("Ready", "True", "AllReady", say("all %(count)s units are ready", count=len(units)))


def told_of(some: Sequence[UnitStatus], units: Sequence[UnitStatus]) -> Sentence:
    """How many of all units are so, and what the first of them says."""
    first = some[0]
    if not first.name:
        return first.sentence
    return _of_units(len(some), len(units), first.name, first.sentence)


def _of_units(count: int, total: int, unit: str, sentence: Sentence) -> Sentence:
    return say(
        "%(count)s of %(total)s units, first %(unit)s: %(reason)s", count=count, total=total, unit=unit, reason=sentence
    )
