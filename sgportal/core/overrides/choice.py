"""Which NodeUnits something is meant for: by name, or by the labels that all of a unit's nodes have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..names import label_key_problem, label_value_problem
from ..schema import check_fields
from ..selector import Requirement, matches, requirements
from ..text import Problem, one_of, pointer, say
from ..units import Unit

SHAPE = {"units": ("[str]", False), "unitSelector": ("LabelSelector", False)}
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@dataclass(frozen=True, slots=True)
class Choice:
    """NodeUnits by name or, where `wanted` is not None, by labels."""

    names: frozenset[str] = frozenset()
    wanted: tuple[Requirement, ...] | None = None

    def takes(self, unit: Unit) -> bool:
        """Whether a unit is meant."""
        if self.wanted is None:
            return unit.name in self.names
        return matches(self.wanted, unit.labels)


def choice_of(entry: Mapping[str, Any]) -> Choice:
    """The choice that a valid object with `units` or `unitSelector` makes."""
    if entry.get("unitSelector") is not None:
        return Choice(wanted=requirements(entry["unitSelector"]))
    return Choice(frozenset(entry.get("units") or ()))


def choice_problems(entry: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """What is wrong with the choice in an object whose types are right."""
    names, selector = entry.get("units"), entry.get("unitSelector")
    if names is not None and selector is not None:
        yield Problem(where + "/unitSelector", say("cannot stand beside units; make two entries"))
    elif not names and selector is None:
        yield Problem(where + "/units", say("is required: NodeUnits by name, or a unitSelector"))
    for index, name in enumerate(names or ()):
        if problem := label_value_problem(name) or (None if name else say("must name a NodeUnit")):
            yield Problem(where + pointer("units", index), problem)
    if selector is not None:
        yield from _selector_problems(selector, where + "/unitSelector")


def _selector_problems(selector: Mapping[str, Any], where: str) -> Iterator[Problem]:
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield Problem(where, say("must have matchLabels or matchExpressions"))
    for key, value in (selector.get("matchLabels") or {}).items():
        if problem := label_key_problem(key) or label_value_problem(value):
            yield Problem(where + pointer("matchLabels", key), problem)
    for index, each in enumerate(selector.get("matchExpressions") or ()):
        yield from _expression_problems(each, where + pointer("matchExpressions", index))


def _expression_problems(each: Mapping[str, Any], where: str) -> Iterator[Problem]:
    values: Sequence[Any] = each.get("values") or ()
    if problem := label_key_problem(each["key"]):
        yield Problem(where + "/key", problem)
    if each["operator"] not in _OPERATORS:
        yield Problem(where + "/operator", one_of(_OPERATORS))
    elif (each["operator"] in ("In", "NotIn")) != bool(values):
        needed = say("is required with In and NotIn")
        yield Problem(where + "/values", say("must be empty with Exists and DoesNotExist") if values else needed)
    for index, value in enumerate(values):
        if problem := label_value_problem(value):
            yield Problem(where + pointer("values", index), problem)


@dataclass(frozen=True, slots=True)
class Placement:
    """Which of the NodeUnits of its key a grid is for: those that are included (None: all), but for those that are
    excluded."""

    include: Choice | None = None
    exclude: Choice | None = None

    def takes(self, unit: Unit) -> bool:
        """Whether the grid is for a unit."""
        included = self.include is None or self.include.takes(unit)
        return included and not (self.exclude is not None and self.exclude.takes(unit))

    def leaves_out_by_name(self, unit: str) -> bool:
        """Whether the name of a unit alone says that the grid is not for it."""
        listed = self.include is not None and self.include.wanted is None and unit not in self.include.names
        return listed or (self.exclude is not None and unit in self.exclude.names)

    @property
    def reads_labels(self) -> bool:
        """Whether it depends on labels of nodes."""
        return any(each is not None and each.wanted is not None for each in (self.include, self.exclude))


def placement_of(value: Mapping[str, Any] | None) -> Placement:
    """The placement that a valid `spec.placement` describes."""
    found = {name: choice_of(each) for name, each in (value or {}).items() if each is not None}
    return Placement(**found)


def placement_problems(value: Any) -> Iterator[Problem]:
    """What is wrong with `spec.placement`."""
    where = "/spec/placement"
    shape = list(check_fields(value, {"include": ("any", False), "exclude": ("any", False)}, where))
    yield from shape
    for name in ("include", "exclude"):
        entry = None if shape else value.get(name)
        if entry is not None:
            wrong = list(check_fields(entry, SHAPE, where + pointer(name)))
            yield from wrong or choice_problems(entry, where + pointer(name))
