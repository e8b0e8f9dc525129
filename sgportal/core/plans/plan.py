"""The plan: which writes would make the cluster agree with a grid, in order, each with its reason.

It is a value. What is shown before a change, returned for a dry run, executed, recorded and tested is this.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..grids.grid import GridSpec
from ..names import UNIT, child_name
from ..ownership.identity import conflict, is_orphan_of, is_ours, marked_for
from ..ownership.share import share
from ..text import Sentence, say
from .alike import comparing
from .comparison import Compared, compared_child
from .departure import departure
from .desired import Child, Finding, desired, is_front
from .diff import Change
from .drift import Judgement, judged
from .fronts import front_leaves
from .per_unit.sequence import in_order
from .quarantine import waits_to_join
from .retirement import APPROVED, DELETION_HELD, STAYS
from .world import AS_IT_IS
from .world import Cause as Cause
from .world import World as World

Verb = Literal["create", "update", "adopt", "release", "delete"]


@dataclass(frozen=True, slots=True)
class Step:
    """One intended write: "Deployment `namespace/name` will be <verb>d, because <reason>".

    `body` is the configuration to apply (create, update, adopt); `seen` is the live object that was decided about, and
    has to be as it was. `cause` is set for the deletion of a child whose grid stays, `asked` where a person wanted it.
    `drift` says that the grid had been carried out before, so that somebody else made the difference; `again`, that all
    of it is contested and only tried once more.
    """

    verb: Verb
    kind: str
    namespace: str
    name: str
    unit: str
    reason: Sentence
    changes: tuple[Change, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    seen: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cause: Cause = ""
    asked: bool = False
    drift: bool = False
    again: bool = False

    @property
    def uid(self) -> str:
        """The uid of the live object, "" where there is none yet."""
        return str(self.seen["metadata"]["uid"]) if self.seen else ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered steps, what a person should know about units for which there is no step, and what else there is to
    know about children that are as they should be (`notes`). `wanted` are the children that it was made for."""

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    wanted: tuple[Child, ...] = field(default=(), repr=False, compare=False)


@dataclass(slots=True)
class _Draft:
    """A plan in the making."""

    steps: list[Step]
    findings: list[Finding]
    notes: list[Finding]
    compare: Callable[..., Compared]
    judgements: dict[int, tuple[Compared, Judgement]] = field(default_factory=dict)

    def judge(self, spec: GridSpec, world: World, child: Child, live: Mapping[str, Any], found: Compared) -> Judgement:
        """What to do about a child; worked out once for all that compare so, but for the unit that notes are of."""
        if attempts := world.attempts.get(child.unit):
            return judged(spec, child, live, found, attempts, world.now, world.carried_out)
        if id(found) not in self.judgements:
            self.judgements[id(found)] = found, judged(spec, child, live, found, {}, world.now, world.carried_out)
        once = self.judgements[id(found)][1]
        return replace(once, notes=tuple(replace(each, unit=child.unit) for each in once.notes)) if once.notes else once


def plan(spec: GridSpec, world: World) -> Plan:
    """The writes that make the cluster agree with the grid, and the findings. Agreement gives no steps."""
    if world.deleting:
        ours = [each for each in world.live if is_ours(each, world.owner)]
        steps = _releases(spec, ours) if world.orphaning else [_delete(spec, each, _DELETED) for each in ours]
        return Plan(tuple(steps))
    live = {each["metadata"]["name"]: each for each in world.live}
    children, findings = desired(spec, world.units, world.owner, world.can, live, world.known, world.pinned)
    draft = _Draft([], list(findings), [], comparing(compared_child, spec, world.live))
    for child in children:
        _settle(spec, world, child, live.get(child.name), draft)
    expected = {child.name for child in children} | {_name(spec, finding.unit) for finding in findings}
    for each in world.live:
        if each["metadata"]["name"] not in expected:
            _retire(spec, world, each, children, live, draft)
    draft.notes += [
        Finding(unit, *_STAYS[pinned.by](pinned.number))
        for unit, pinned in world.pinned.items()
        if unit in world.units and pinned.by in _STAYS
    ]
    return paused(spec, in_order(world, Plan(tuple(draft.steps), tuple(draft.findings), tuple(draft.notes), children)))


STAYS_AS_IT_IS = say("it stays as it is until the rollout reaches it")
_STAYS: Mapping[str, Callable[[int], tuple[str, Sentence]]] = {
    "person": lambda number: ("Pinned", say("it stays at revision %(number)s until it is unpinned", number=number)),
    "waiting": lambda number: (
        "WaitingForWave",
        say("it stays at revision %(number)s until the rollout reaches it", number=number)
        if number != AS_IT_IS
        else STAYS_AS_IT_IS,
    ),
}
PAUSED = "ReconciliationPaused"  # the reason of a unit that somebody has paused


def paused(spec: GridSpec, planned: Plan) -> Plan:
    """The plan without the steps of units that are paused, each of which says that something waits; of the others that
    are paused, a note. What is wrong there is said as it is."""
    if not (spec.requests.paused or spec.requests.paused_units):
        return planned
    waiting = dict.fromkeys(step.unit for step in planned.steps if spec.requests.pauses(step.unit))
    units = dict.fromkeys(child.unit for child in planned.wanted if spec.requests.pauses(child.unit))
    return replace(
        planned,
        steps=tuple(step for step in planned.steps if step.unit not in waiting),
        findings=(*planned.findings, *(Finding(unit, PAUSED, _WAITS) for unit in waiting)),
        notes=(*planned.notes, *(Finding(unit, PAUSED, _NOTHING_WAITS) for unit in units if unit not in waiting)),
    )


_WAITS = say("it is paused: what differs from the grid is changed once somebody resumes it")
_NOTHING_WAITS = say("it is paused: nothing is changed until somebody resumes it")


IMMUTABLE = "ImmutableField"  # the reason of a finding whose cure is to recreate the child
_DELETED = say("the grid is deleted")


def _releases(spec: GridSpec, ours: Iterable[Mapping[str, Any]]) -> Iterable[Step]:
    """Give up children that are to outlive their grid, so that another may adopt them. An owner reference is taken away
    by the cluster's garbage collector; the mark of a grid that the cluster never held is ours."""
    for live in ours:
        if marked_for(live):
            yield _on("release", spec, live, say("the grid is deleted without its workloads"))


def _name(spec: GridSpec, unit: str) -> str:
    return child_name(spec.name, spec.kind.child_kind, unit)


def _settle(spec: GridSpec, world: World, child: Child, live: Mapping[str, Any] | None, draft: _Draft) -> None:
    """Decide about one wanted child."""
    if live is None:
        waits = None if child.is_front else waits_to_join(spec, world, child.unit)
        if waits:
            draft.findings.append(waits)
        else:
            draft.steps.append(_creation(child))
        return
    if live["metadata"].get("deletionTimestamp"):
        text = say("“%(name)s” is still being deleted", name=child.name)
        draft.findings.append(Finding(child.unit, "ChildTerminating", text))
        return
    ours = is_ours(live, world.owner)
    if not ours and not is_orphan_of(live, spec.name):
        draft.findings.append(Finding(child.unit, "NameConflict", conflict(spec.kind.child_kind, live)))
    elif child.unit in world.recreate and ours and not child.is_front:
        draft.steps.append(_delete(spec, live, say("recreation was requested")))
    elif (compared := draft.compare(child.body, live, child.varying, child.make)).immutable and child.is_front and ours:
        reason = say("“%(field)s” of a live Service cannot be changed: it is made anew", field=compared.immutable)
        draft.steps.append(_delete(spec, live, reason))
    elif compared.immutable:
        draft.findings.append(Finding(child.unit, IMMUTABLE, _cannot_change(spec, compared.immutable)))
    else:
        _bring_into_line(spec, world, child, live, ours, draft.judge(spec, world, child, live, compared), draft)


def _creation(child: Child) -> Step:
    """The first write of a child: it sets everything, also what is left to others afterwards."""
    reason = say("not created in NodeUnit “%(unit)s” yet", unit=child.unit) if child.unit else say("not created yet")
    metadata = child.body["metadata"]
    about = (child.body["kind"], metadata["namespace"], child.name, child.unit)
    return Step("create", *about, reason, (Change("", None, child.first),), child.first)


def _bring_into_line(
    spec: GridSpec,
    world: World,
    child: Child,
    live: Mapping[str, Any],
    ours: bool,
    found: Judgement,
    draft: _Draft,
) -> None:
    draft.findings += found.findings
    draft.notes += found.notes
    if ours and not found.changes:
        return
    reason = found.reason if ours else say("it carries this grid's label and has no owner")
    verb: Verb = "update" if ours else "adopt"
    drift, again = world.carried_out and ours, found.again and ours
    body = share(child.body, live, spec.ignored, found.yielded).body
    draft.steps.append(_on(verb, spec, live, reason, found.changes, body, drift, again))


def _on(
    verb: Verb,
    spec: GridSpec,
    live: Mapping[str, Any],
    reason: Sentence,
    changes: tuple[Change, ...] = (),
    body: Mapping[str, Any] | None = None,
    drift: bool = False,
    again: bool = False,
) -> Step:
    """A write of a child that is there."""
    name = live["metadata"]["name"]
    about = (verb, spec.kind.child_kind, spec.namespace, name, unit_of(spec, live), reason)
    return Step(*about, changes, body or {}, live, drift=drift, again=again)


def _delete(spec: GridSpec, live: Mapping[str, Any], reason: Sentence) -> Step:
    return _on("delete", spec, live, reason)


def _cannot_change(spec: GridSpec, field_name: str) -> Sentence:
    return say(
        "“%(field)s” cannot be changed on a live %(kind)s; recreate it to apply the change",
        field=field_name,
        kind=spec.kind.child_kind,
    )


def unit_of(spec: GridSpec, live: Mapping[str, Any]) -> str:
    """The NodeUnit a live child was made for ("" for a Service that all units share)."""
    if spec.kind.child_kind == "Service":
        return str(live["metadata"]["labels"].get(UNIT) or "") if is_front(live) else ""
    name = str(live["metadata"]["name"])
    return name[len(spec.name) + 1 :] if name.startswith(f"{spec.name}-") else name


def _retire(
    spec: GridSpec,
    world: World,
    live: Mapping[str, Any],
    children: Sequence[Child],
    all_live: Mapping[str, Any],
    draft: _Draft,
) -> None:
    """Decide about an object that is not among the wanted ones: ours goes in good time, all others stay."""
    if not is_ours(live, world.owner) or live["metadata"].get("deletionTimestamp"):
        return
    unit = unit_of(spec, live)
    if is_front(live):
        leaves = front_leaves(spec, live, unit, world.is_over(unit), world.grace)
        if isinstance(leaves, Finding):
            draft.findings.append(leaves)
        else:
            draft.steps.append(_delete(spec, live, leaves))
        return
    cause, reason, waits = departure(spec, world, unit, live, children, all_live)
    mark = world.retirement.get(unit)
    if mark in STAYS and unit not in world.recreate:
        draft.findings.append(Finding(unit, *STAYS[mark]))
    elif waits:
        draft.findings.append(waits)
    else:
        asked = unit in world.recreate or mark == APPROVED
        draft.steps.append(replace(_delete(spec, live, reason), cause=cause, asked=asked))


def unwanted(planned: Plan) -> set[str]:
    """The units whose child goes, now or when it need not wait any more, without a person's having asked for it."""
    waiting = {each.unit for each in planned.findings if each.reason in _UNWANTED}
    return waiting | {step.unit for step in planned.steps if step.cause and not step.asked}


_UNWANTED = {"UnitGone", "UnitLeftOut", "WaitingForSuccessors", DELETION_HELD}
