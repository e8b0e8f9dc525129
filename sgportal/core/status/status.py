"""What is observed, in words: the state of each unit and of each grid, and the sentence a person reads.

Status speaks of the present only, never of what we hope for. It is derived from live objects, pods and findings.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..grids.grid import GridSpec
from ..health import State, of_all, severity
from ..names import child_name
from ..plans.contest import CONTESTED
from ..plans.desired import Finding
from ..plans.per_unit.sequence import WAITING
from ..plans.plan import PAUSED, unit_of
from ..plans.quarantine import NOT_APPROVED, NOT_READY
from ..pods import PodView
from ..text import Sentence, say
from ..units import Unit
from ..workloads.rollout import rollout
from ..workloads.trouble import DEADLINE_EXCEEDED, Evidence, trouble, under_way
from .conditions import conditions
from .parts import Condition, Tally, UnitStatus, Whole, tally
from .superedge import superedge_state

_FINDING_STATE: Mapping[str, State] = {
    "UnitGone": "UnitGone",
    "FrontKept": "UnitGone",
    "UnitLeftOut": "UnitGone",
    "OrphanRetained": "UnitGone",
    "WaitingForSuccessors": "UnitGone",
    "DeletionHeld": "UnitGone",
    "DeletionKept": "UnitGone",
    "ChildTerminating": "Progressing",
    PAUSED: "Paused",
    NOT_APPROVED: "Paused",
    NOT_READY: "Paused",
    CONTESTED: "Degraded",
    WAITING: "Progressing",
}


_NOTHING_BESIDES = Whole()


@dataclass(frozen=True, slots=True)
class GridStatus:
    """A grid's status: its units, worst first, how many are in which state, and what is so of it as a whole. Of a large
    grid that was not read whole, `units` are the first of the unhealthy ones only; `tally` counts all."""

    units: tuple[UnitStatus, ...]
    whole: Whole
    tally: Tally

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Ready, Progressing, Degraded and others."""
        return conditions(self.whole, self.tally)

    @property
    def states(self) -> dict[str, Mapping[str, Any]]:
        """The statuses of the children of its units, in SuperEdge's shape, in order of name of unit."""
        named = sorted((unit for unit in self.units if unit.name and unit.child), key=lambda unit: unit.name)
        return {unit.name: unit.child_status for unit in named}

    @property
    def state(self) -> State:
        """`Blocked` where the grid as a whole is, else the state of all its units as a whole; `Ready` without units."""
        return "Blocked" if self.whole.finding else of_all(self.tally.states)


def status_of(units: Iterable[UnitStatus], whole: Whole = _NOTHING_BESIDES) -> GridStatus:
    """The status of a grid with these units, which are all there are."""
    found = tuple(sorted(units, key=lambda unit: (severity(unit.state), unit.name)))
    return GridStatus(found, whole, tally(found))


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


def finding_state(finding: Finding) -> State:
    """The state of a unit of which nothing else is known than this finding."""
    return _FINDING_STATE.get(finding.reason, "Blocked")


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
    whole = Whole(findings.get(""), unused_templates=spec.unused_templates())
    return status_of((_unit_status(spec, name, seen(name)) for name in names), whole)


def complete(status: GridStatus, findings: Iterable[Finding], notes: Iterable[Finding]) -> GridStatus:
    """The status with the notes of a plan besides its own, and the contested fields among the findings, each at its
    unit."""
    told: dict[str, tuple[tuple[str, Sentence], ...]] = {}
    for each in notes:
        told[each.unit] = (*told.get(each.unit, ()), (each.reason, each.sentence))
    contested: dict[str, Sentence] = {}
    for each in findings:
        if each.reason == CONTESTED:
            contested.setdefault(each.unit, each.sentence)
    return status_of(
        (
            replace(unit, notes=(*unit.notes, *told.get(unit.name, ())), contested=contested.get(unit.name))
            for unit in status.units
        ),
        status.whole,
    )


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
        notes=_beside(seen, state, reason),
        child_status=superedge_state(live) if live else {},
    )


def _beside(seen: _Seen, state: State, reason: str) -> tuple[tuple[str, Sentence], ...]:
    """That the rollout's deadline has passed, where something else is the reason."""
    found = rollout(seen.kind, seen.live) if seen.live and state == "Degraded" else None
    late = found is not None and found.stage == "DeadlineExceeded" and reason != DEADLINE_EXCEEDED
    return ((DEADLINE_EXCEEDED, found.sentence),) if found and late else ()


def _judge(seen: _Seen) -> tuple[State, str, Sentence]:
    """The state of a unit, most final case first."""
    if seen.finding and seen.finding.reason != CONTESTED:
        return finding_state(seen.finding), seen.finding.reason, seen.finding.sentence
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
