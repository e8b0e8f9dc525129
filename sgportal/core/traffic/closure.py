"""How a ServiceGrid keeps its traffic within NodeUnits: the modes of `spec.closure`, and which of them is chosen.

strict: own NodeUnit or a refusal. failover: an empty NodeUnit may borrow from listed ones. prefer: own NodeUnit while
it has endpoints, else all. wrapper: SuperEdge's filter on the nodes keeps it. open: nobody does.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..names import label_key_problem, label_value_problem
from ..schema import check_fields, twice
from ..text import Problem, Sentence, one_of, pointer, say

MODES = ("strict", "failover", "prefer", "wrapper", "open")
# The modes in which the EndpointSlices are ours: the Service has no selector.
SLICE_MODES = frozenset(("strict", "failover", "prefer"))
_FIELDS = {"mode": ("str", True), "failover": ("[str]", False)}


@dataclass(frozen=True, slots=True)
class Closure:
    """A mode, one of MODES, and for `failover` the NodeUnits to borrow from, in order."""

    mode: str
    failover: tuple[str, ...] = ()

    @property
    def manages_slices(self) -> bool:
        """Whether the EndpointSlices are ours to write."""
        return self.mode in SLICE_MODES


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the cluster can keep: whether its nodes obey hints for nodes (`strict`), and why not where they do not.
    `everywhere`: every one of them does, so that a Service that asks for nothing is strict.

    `unproven` says why nobody knows where traffic to a Service goes whose EndpointSlices are ours, `unfiltered` the
    same of one that SuperEdge's filter keeps. `held`: the Service is kept closed already, although nobody asks for it.
    """

    strict: bool
    reason: Sentence | None
    unproven: Sentence | None = None
    unfiltered: Sentence | None = None
    held: bool = False
    everywhere: bool = True

    def doubt(self, mode: str) -> Sentence | None:
        """Why nobody knows where the traffic to a Service of this mode goes, or None."""
        return self.unproven if mode in SLICE_MODES else self.unfiltered if mode == "wrapper" else None


UNKNOWN = Capabilities(False, say("whether the cluster's nodes obey hints for nodes is not known yet"))


def closure_problems(value: Any, template: Mapping[str, Any], where: str = "/spec/closure") -> Iterator[Problem]:
    """What is wrong with `spec.closure`, where `template` is the spec of the Service; null counts as absent."""
    if value is None:
        return
    shape = list(check_fields(value, _FIELDS, where))
    yield from shape
    if shape:
        return
    mode = value["mode"]
    if mode not in MODES:
        yield Problem(where + "/mode", _unknown_mode(mode))
        return
    yield from _failover_problems(mode, value.get("failover"), where + "/failover")
    if mode in SLICE_MODES and (reason := cannot_be_managed(template)):
        yield Problem(where + "/mode", reason)


def _unknown_mode(mode: str) -> Sentence:
    if near := get_close_matches(mode, MODES, n=1):
        return say("unknown mode “%(mode)s”; did you mean “%(near)s”?", mode=mode[:100], near=near[0])
    return one_of(MODES)


def _failover_problems(mode: str, units: list[str] | None, where: str) -> Iterator[Problem]:
    if mode != "failover":
        if units is not None:
            yield Problem(where, say("only mode “failover” has a list of NodeUnits to borrow from"))
        return
    if not units:
        yield Problem(where, say("is required: the NodeUnits to borrow from, in order"))
    first: dict[str, str] = {}
    for index, unit in enumerate(units or ()):
        place = where + pointer(index)
        if not unit or label_value_problem(unit):
            yield Problem(place, label_value_problem(unit) or say("must name a NodeUnit"))
        elif unit in first:
            yield Problem(place, twice(unit, first[unit]))
        first.setdefault(unit, place)


def cannot_be_managed(template: Mapping[str, Any]) -> Sentence | None:
    """Why no hints can steer the traffic of a Service with this spec, or None."""
    if template.get("type") == "ExternalName":
        return say("a Service of type ExternalName has no endpoints to steer; use mode “wrapper” or “open”")
    if template.get("clusterIP") == "None":
        return say(
            "a headless Service hands its clients the addresses of all pods, past every proxy; use mode “wrapper” or "
            "“open”"
        )
    return None


def closure_of(value: Mapping[str, Any] | None) -> Closure | None:
    """A valid `spec.closure`; None where it is absent."""
    return Closure(value["mode"], tuple(value.get("failover") or ())) if value else None


def chosen(asked: Closure | None, template: Mapping[str, Any], can: Capabilities) -> Closure:
    """What is kept: what was asked for, else strict where every node and the Service can, else wrapper."""
    if asked:
        return asked
    able = can.held or (can.strict and can.everywhere)
    return Closure("strict" if able and not cannot_be_managed(template) else "wrapper")


def refusal(asked: Closure | None, can: Capabilities) -> Sentence | None:
    """Why the cluster cannot keep what was asked for, or None. It is never kept half."""
    if asked is None or not asked.manages_slices or can.strict:
        return None
    return say(
        "mode “%(mode)s” cannot be kept here: %(reason)s; with mode “open” and “front: perUnit” each NodeUnit has a "
        "plain Service of its own, which works everywhere",
        mode=asked.mode,
        reason=can.reason,
    )


def write_closure(closure: Closure, key: str) -> str:
    """The annotation that makes a Service of ours self-describing: JSON with `mode`, `key` and `failover`."""
    value = {"mode": closure.mode, "key": key, "failover": list(closure.failover)}
    return json.dumps(value, separators=(",", ":"))


def read_closure(text: str) -> tuple[Closure, str] | None:
    """The mode and the key that `write_closure` wrote; None for anything else, for anybody can write annotations."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, Mapping) or label_key_problem(value.get("key")):
        return None
    asked = {"mode": value.get("mode"), "failover": value.get("failover") or None}
    if next(closure_problems(asked, {}), None):
        return None
    return Closure(asked["mode"], tuple(asked["failover"] or ())), value["key"]  # type: ignore[arg-type]
