"""The plan: which writes would make the cluster agree with a grid, in order, each with its reason.

It is a value. What is shown before a change, returned for a dry run, executed, recorded and tested is this.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..names import GRID_SELECTOR, GRID_UNIQ_KEY, OWNER_UID, as_label_value, child_name
from ..text import Sentence, say
from ..traffic.closure import UNKNOWN, Capabilities
from .desired import Child, Finding, Owner, desired
from .diff import Change, differences
from .grid import GridSpec
from .retirement import APPROVED, DELETION_HELD, STAYS, Retirement
from .rollout import is_rolled_out

Verb = Literal["create", "update", "adopt", "release", "delete"]
# Why a child goes although the grid stays: its NodeUnit has no nodes, or the grid has another gridUniqKey.
Cause = Literal["", "unit-gone", "key-changed"]


@dataclass(frozen=True, slots=True)
class Step:
    """One intended write: "Deployment `namespace/name` will be <verb>d, because <reason>".

    `body` is the configuration to apply (create, update, adopt); `uid` is the precondition on the live object. `cause`
    is set for the deletion of a child whose grid stays, `asked` where a person wanted it.
    """

    verb: Verb
    kind: str
    namespace: str
    name: str
    unit: str
    reason: Sentence
    changes: tuple[Change, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    uid: str = ""
    cause: Cause = ""
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered steps and what a person should know about units for which there is no step."""

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What the plan is made from, besides the grid.

    `units`: the NodeUnits of the grid's key now. `live`: every object in its namespace, of its children's kind, that
    may matter: those with its label, those it owns, those with a wanted name. `gone_since`: when a unit was first
    missed, epoch seconds. `recreate`: units whose child an operator asked to replace. `deleting`: the grid is to go.
    `retirement`: what was decided about the children of units that the grid does not have any more. `can`: what the
    cluster can keep of a closed loop.
    """

    units: Collection[str]
    live: Sequence[Mapping[str, Any]]
    owner: Owner
    now: float
    gone_since: Mapping[str, float] = field(default_factory=dict)
    grace: float = 3600.0
    recreate: Collection[str] = ()
    deleting: bool = False
    retirement: Mapping[str, Retirement] = field(default_factory=dict)
    can: Capabilities = UNKNOWN


def plan(spec: GridSpec, world: World) -> Plan:
    """The writes that make the cluster agree with the grid, and the findings. Agreement gives no steps."""
    if world.deleting:
        return Plan(tuple(_delete(spec, each, _GRID_DELETED) for each in world.live if is_ours(each, world.owner)))
    children, findings = desired(spec, world.units, world.owner, world.can)
    live = {each["metadata"]["name"]: each for each in world.live}
    steps: list[Step] = []
    notes = list(findings)
    for child in children:
        _settle(spec, world, child, live.get(child.name), steps, notes)
    expected = {child.name for child in children} | {_name(spec, finding.unit) for finding in findings}
    for each in world.live:
        if each["metadata"]["name"] not in expected:
            _retire(spec, world, each, children, live, steps, notes)
    return Plan(tuple(steps), tuple(notes))


IMMUTABLE = "ImmutableField"  # the reason of a finding whose cure is to recreate the child
_GRID_DELETED = say("the grid is deleted")


def _name(spec: GridSpec, unit: str) -> str:
    return child_name(spec.name, spec.kind.child_kind, unit)


def is_ours(live: Mapping[str, Any], owner: Owner) -> bool:
    """Whether a live object belongs to this very grid (by uid, never by name or label alone)."""
    metadata = live["metadata"]
    controller = _controller(metadata)
    if controller:
        return bool(controller.get("uid") == owner.uid)
    return (metadata.get("annotations") or {}).get(OWNER_UID) in {owner.uid, owner.row_uid} - {""}


def _controller(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((ref for ref in metadata.get("ownerReferences") or () if ref.get("controller")), None)


def _is_orphan_of(live: Mapping[str, Any], spec: GridSpec) -> bool:
    """An ownerless object that carries this grid's label: left by a deletion with orphan propagation."""
    metadata = live["metadata"]
    return not _controller(metadata) and (metadata.get("labels") or {}).get(GRID_SELECTOR) == spec.name


def _settle(
    spec: GridSpec, world: World, child: Child, live: Mapping[str, Any] | None, steps: list[Step], notes: list[Finding]
) -> None:
    """Decide about one wanted child."""
    if live is None:
        reason = (
            say("NodeUnit “%(unit)s” has none yet", unit=child.unit) if child.unit else say("the grid has none yet")
        )
        steps.append(_step("create", child, reason, (Change("", None, child.body),)))
        return
    if live["metadata"].get("deletionTimestamp"):
        notes.append(Finding(child.unit, "ChildTerminating", say("“%(name)s” is still being deleted", name=child.name)))
        return
    ours = is_ours(live, world.owner)
    if not ours and not _is_orphan_of(live, spec):
        notes.append(Finding(child.unit, "NameConflict", _conflict(child, live)))
        return
    if child.unit in world.recreate and ours:
        steps.append(_delete(spec, live, say("an operator asked to create it anew")))
        return
    immutable = _immutable(child, live)
    if immutable:
        notes.append(
            Finding(
                child.unit,
                IMMUTABLE,
                say(
                    "“%(field)s” cannot be changed on a live %(kind)s; recreate it to apply the change",
                    field=immutable,
                    kind=spec.kind.child_kind,
                ),
            )
        )
        return
    changes = differences(child.body, live)
    if not ours:
        steps.append(_step("adopt", child, say("it carries this grid's label and has no owner"), changes, live))
    elif changes:
        fields = ", ".join(dict.fromkeys(_shown(change.path) for change in changes))
        steps.append(_step("update", child, say("it differs in %(fields)s", fields=fields), changes, live))


def _step(
    verb: Verb, child: Child, reason: Sentence, changes: tuple[Change, ...], live: Mapping[str, Any] | None = None
) -> Step:
    metadata = child.body["metadata"]
    uid = live["metadata"]["uid"] if live else ""
    return Step(
        verb, child.body["kind"], metadata["namespace"], child.name, child.unit, reason, changes, child.body, uid
    )


def _delete(spec: GridSpec, live: Mapping[str, Any], reason: Sentence) -> Step:
    metadata = live["metadata"]
    return Step(
        "delete",
        spec.kind.child_kind,
        spec.namespace,
        metadata["name"],
        unit_of(spec, live),
        reason,
        uid=metadata["uid"],
    )


def _conflict(child: Child, live: Mapping[str, Any]) -> Sentence:
    controller = _controller(live["metadata"])
    if controller:
        return say(
            "a %(kind)s “%(name)s” already exists and belongs to %(owner)s",
            kind=child.body["kind"],
            name=child.name,
            owner=f"{controller.get('kind')} {controller.get('name')}",
        )
    return say("a %(kind)s “%(name)s” already exists and is not this grid's", kind=child.body["kind"], name=child.name)


def _immutable(child: Child, live: Mapping[str, Any]) -> str:
    """The first field that the API server would refuse to change, or ""."""
    want, have = child.body["spec"], live.get("spec") or {}
    if child.body["kind"] == "Service":
        cluster_ip = want.get("clusterIP")
        changed = have.get("clusterIP") and cluster_ip is not None and cluster_ip != have["clusterIP"]
        to_normal = cluster_ip is None and have.get("clusterIP") == "None" and want.get("type") != "ExternalName"
        return "spec.clusterIP" if changed or to_normal else ""
    frozen = (
        ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")
        if child.body["kind"] == "StatefulSet"
        else ("selector",)
    )
    for name in frozen:
        selector_grew = name == "selector" and _selector(want) != _selector(have)
        if selector_grew or (
            name in want and differences({"metadata": {}, "spec": {name: want[name]}}, {"metadata": {}, "spec": have})
        ):
            return f"spec.{name}"
    return ""


def _selector(spec: Mapping[str, Any]) -> tuple[Any, Any]:
    selector = spec.get("selector") or {}
    return selector.get("matchLabels") or {}, selector.get("matchExpressions") or []


def _shown(path: str) -> str:
    return ".".join(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])


def unit_of(spec: GridSpec, live: Mapping[str, Any]) -> str:
    """The NodeUnit a live child was made for ("" for a Service)."""
    if spec.kind.child_kind == "Service":
        return ""
    name = str(live["metadata"]["name"])
    return name[len(spec.name) + 1 :] if name.startswith(f"{spec.name}-") else name


def _retire(
    spec: GridSpec,
    world: World,
    live: Mapping[str, Any],
    children: Sequence[Child],
    all_live: Mapping[str, Any],
    steps: list[Step],
    notes: list[Finding],
) -> None:
    """Decide about an object that is not among the wanted ones: ours goes in good time, all others stay."""
    if not is_ours(live, world.owner) or live["metadata"].get("deletionTimestamp"):
        return
    unit = unit_of(spec, live)
    cause, reason, waits = _departure(spec, world, unit, live, children, all_live)
    mark = world.retirement.get(unit)
    if mark in STAYS and unit not in world.recreate:
        notes.append(Finding(unit, *STAYS[mark]))
    elif waits:
        notes.append(waits)
    else:
        steps.append(
            replace(_delete(spec, live, reason), cause=cause, asked=unit in world.recreate or mark == APPROVED)
        )


def _departure(
    spec: GridSpec,
    world: World,
    unit: str,
    live: Mapping[str, Any],
    children: Sequence[Child],
    all_live: Mapping[str, Any],
) -> tuple[Cause, Sentence, Finding | None]:
    """Why one of ours is not wanted any more, and what it still waits for."""
    if (live["metadata"].get("labels") or {}).get(GRID_UNIQ_KEY) != as_label_value(spec.key):
        reason = say("gridUniqKey changed and its successors are ready")
        # A new key that no node carries yet has no successors: that is no reason to delete what runs.
        if children and all(is_rolled_out(spec.kind.child_kind, all_live.get(child.name)) for child in children):
            return "key-changed", reason, None
        text = say("gridUniqKey changed; it stays until its successors are ready")
        return "key-changed", reason, Finding(unit, "WaitingForSuccessors", text)
    reason = say("NodeUnit “%(unit)s” has no nodes and its grace time is over", unit=unit)
    if unit in world.recreate or world.now - world.gone_since.get(unit, world.now) >= world.grace:
        return "unit-gone", reason, None
    text = say(
        "NodeUnit “%(unit)s” has no nodes; its workload is kept for a grace time of %(minutes)s minutes",
        unit=unit,
        minutes=round(world.grace / 60),
    )
    return "unit-gone", reason, Finding(unit, "UnitGone", text)


def unwanted(planned: Plan) -> set[str]:
    """The units whose child goes, now or when it need not wait any more, without a person's having asked for it."""
    waiting = {each.unit for each in planned.findings if each.reason in _UNWANTED}
    return waiting | {step.unit for step in planned.steps if step.cause and not step.asked}


_UNWANTED = {"UnitGone", "WaitingForSuccessors", DELETION_HELD}
