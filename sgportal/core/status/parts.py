"""What the status of a grid is made of: the state of each unit, how many there are of each, and what is so of the grid
as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..health import SETTLED, State, Truth
from ..plans.desired import Finding
from ..plans.retirement import DELETION_HELD
from ..text import Sentence


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """The state of one unit of a grid. `desired`, `ready`, `updated` count pods; `misplaced` names pods of this unit's
    child that sit on a node outside the unit; `state` is one of `health.STATES`. Of a ServiceGrid, `nodes` counts the
    unit's nodes, and `served` those that reach an endpoint as they may; the Service itself, which all units share, has
    the name "". `notes` are what else is to be read about its child, each with a CamelCase reason; `contested` says
    which of its fields somebody else keeps setting, where that is so; `child_status` is the child's own status in
    SuperEdge's shape."""

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
    contested: Sentence | None = None
    child_status: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as Kubernetes has them: `status` is True, False or Unknown; `reason` is CamelCase."""

    type: str
    status: Truth
    reason: str
    sentence: Sentence

    def to_json(self) -> dict[str, Any]:
        """The condition as a JSON object, for a database row; `from_json` reads it back."""
        return {"type": self.type, "status": self.status, "reason": self.reason, "message": self.sentence.to_json()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Condition":
        """The condition that `to_json` wrote."""
        return Condition(value["type"], value["status"], value["reason"], Sentence.from_json(value["message"]))


@dataclass(frozen=True, slots=True)
class Whole:
    """What is so of a grid as a whole, whatever its units are like: `finding` blocks all of it; `loop` are the claims
    that are made of a ServiceGrid's closed loop, `claims` further conditions; `shown` is what else its status shows."""

    finding: Finding | None = None
    loop: tuple[Condition, ...] = ()
    claims: tuple[Condition, ...] = ()
    unused_templates: tuple[str, ...] = ()
    shown: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object, for a database row; `from_json` reads it back."""
        finding = self.finding
        return {
            "finding": {"reason": finding.reason, "message": finding.sentence.to_json()} if finding else None,
            "loop": [each.to_json() for each in self.loop],
            "claims": [each.to_json() for each in self.claims],
            "unusedTemplates": list(self.unused_templates),
            "shown": dict(self.shown),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Whole":
        """What `to_json` wrote."""
        finding = value["finding"]
        return Whole(
            Finding("", finding["reason"], Sentence.from_json(finding["message"])) if finding else None,
            tuple(Condition.from_json(each) for each in value["loop"]),
            tuple(Condition.from_json(each) for each in value["claims"]),
            tuple(value["unusedTemplates"]),
            value["shown"],
        )


@dataclass(frozen=True, slots=True)
class Group:
    """How many units something is so of, at least one, and the first of them by name."""

    count: int
    first: UnitStatus


@dataclass(frozen=True, slots=True)
class Tally:
    """How many units of a grid are in each state that any is in; of how many the child's deletion waits for a person
    (`held`), or a field of the child is `contested`. `service` is the Service itself, which is no unit."""

    by_state: Mapping[State, Group]
    held: Group | None = None
    contested: Group | None = None
    service: UnitStatus | None = None

    @property
    def total(self) -> int:
        """How many units there are."""
        return sum(each.count for each in self.by_state.values())

    @property
    def settled(self) -> int:
        """How many units are as wanted, so that nothing more will happen by itself."""
        return sum(each.count for state, each in self.by_state.items() if state in SETTLED)

    @property
    def states(self) -> set[State]:
        """The states that any unit, or the Service, is in."""
        return {*self.by_state, *([self.service.state] if self.service else [])}


def tally(units: Iterable[UnitStatus]) -> Tally:
    """The units of a grid, counted; the one named "" is its Service."""
    found = sorted(units, key=lambda unit: unit.name)
    by_state: dict[State, list[UnitStatus]] = {}
    for unit in found:
        if unit.name:
            by_state.setdefault(unit.state, []).append(unit)
    return Tally(
        {state: Group(len(several), several[0]) for state, several in by_state.items()},
        _group([unit for unit in found if unit.reason == DELETION_HELD]),
        _group([unit for unit in found if unit.contested]),
        next((unit for unit in found if not unit.name), None),
    )


def _group(units: Sequence[UnitStatus]) -> Group | None:
    return Group(len(units), units[0]) if units else None
