"""`spec.totalReplicas`: one number of replicas, divided among the NodeUnits of a grid."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..schema import check_fields
from ..text import Problem, one_of, pointer, say
from ..units import Unit

By = Literal["even", "weight", "nodes"]
_BY: tuple[By, ...] = ("even", "weight", "nodes")
_SHAPE = {"by": ("str", False), "weights": ("{int}", False), "atLeast": ("int", False)}
MOST = 2**31 - 1
MOST_WEIGHT = 1_000_000


@dataclass(frozen=True, slots=True)
class Division:
    """`total` replicas, divided by weight, by the number of nodes of each unit, ready or not, or evenly; each unit has
    `at_least` so many, also where that makes more than `total`. A unit without a weight has 1."""

    total: int
    by: By = "even"
    weights: Mapping[str, int] = field(default_factory=dict)
    at_least: int = 0

    def shares(self, units: Mapping[str, Unit]) -> dict[str, int]:
        """The replicas of each unit: by largest remainder, the first by name where these are equal. It depends on which
        nodes a unit has, not on whether they are Ready."""
        weights = {name: self._weight(unit) for name, unit in units.items()}
        if not any(weights.values()):
            weights = dict.fromkeys(units, 1)
        rest, sum_of_weights = max(0, self.total - self.at_least * len(units)), sum(weights.values())
        found = {name: rest * weight // sum_of_weights for name, weight in weights.items()}
        left = rest - sum(found.values())
        first = sorted(weights, key=lambda name: (-(rest * weights[name] % sum_of_weights), name))
        for name in first[:left]:
            found[name] += 1
        return {name: count + self.at_least for name, count in found.items()}

    def _weight(self, unit: Unit) -> int:
        if self.by == "nodes":
            return len(unit.nodes)
        return self.weights.get(unit.name, 1) if self.by == "weight" else 1


def division_of(spec: Mapping[str, Any]) -> Division | None:
    """The division that a valid spec asks for, if any."""
    total, how = spec.get("totalReplicas"), spec.get("division") or {}
    if total is None:
        return None
    weights = {unit: weight for unit, weight in (how.get("weights") or {}).items() if weight is not None}
    return Division(total, how.get("by") or "even", weights, how.get("atLeast") or 0)


def division_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with `spec.totalReplicas` and `spec.division`."""
    total, how = spec.get("totalReplicas"), spec.get("division")
    if total is not None and not 0 <= total <= MOST:
        yield Problem("/spec/totalReplicas", say("must be between 0 and %(most)s", most=MOST))
    if total is not None:
        yield from _replicas_beside(spec)
    if how is None:
        return
    where = "/spec/division"
    shape = list(check_fields(how, _SHAPE, where))
    yield from shape
    if shape:
        return
    if total is None:
        yield Problem(where, say("has no meaning without spec.totalReplicas"))
    if how.get("by") not in (None, *_BY):
        yield Problem(where + "/by", one_of(_BY))
    elif how.get("weights") and how.get("by") != "weight":
        yield Problem(where + "/weights", say("has no meaning unless “by” is “weight”"))
    if not 0 <= (how.get("atLeast") or 0) <= MOST:
        yield Problem(where + "/atLeast", say("must be between 0 and %(most)s", most=MOST))
    for unit, weight in (how.get("weights") or {}).items():
        if not 0 <= (weight or 0) <= MOST_WEIGHT:
            yield Problem(where + pointer("weights", unit), say("must be between 0 and %(most)s", most=MOST_WEIGHT))


def _replicas_beside(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """A template's own replicas, which would say something else."""
    templates = {"/spec/template": spec.get("template")}
    templates |= {"/spec/templatePool" + pointer(name): each for name, each in (spec.get("templatePool") or {}).items()}
    for where, template in templates.items():
        if (template or {}).get("replicas") is not None:
            yield Problem(where + "/replicas", say("must not stand beside spec.totalReplicas, which divides replicas"))
