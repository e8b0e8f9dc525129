"""What people ask of a grid by annotations, with kubectl or through the portal: to pause it, to restart its pods."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..names import (
    APPROVED_UNITS,
    DEPENDS_ON,
    PAUSED,
    PAUSED_UNITS,
    RESTARTED,
    RESTARTED_UNITS,
    ROLLOUT,
    label_value_problem,
)
from ..text import Problem, one_of, pointer, say
from .operation import operation_problems

_WHERE = "/metadata/annotations"
_PLACE = re.compile(r"(deployment|statefulset|service)grids/[a-z0-9][-a-z0-9.]{0,62}")
# What the annotation of a rollout begins with (`core.rollouts.verbs`).
VERBS = ("start", "pause", "resume", "approve", "skip", "abort", "rollback")


@dataclass(frozen=True, slots=True)
class Requests:
    """`paused`: nothing is written for the grid; `paused_units`: nor for these. Pods made before `restarted` are made
    anew, those of single units before `restarted_units`; each a text that grows, such as a time in RFC 3339. New units
    among `approved_units` may have a workload. `depends_on`: grids of its namespace, as `<plural>/<name>`, that have to
    be ready in a unit before a change is carried out there."""

    paused: bool = False
    paused_units: frozenset[str] = frozenset()
    restarted: str = ""
    restarted_units: Mapping[str, str] = field(default_factory=dict)
    approved_units: frozenset[str] = frozenset()
    depends_on: tuple[str, ...] = ()

    def pauses(self, unit: str) -> bool:
        """Whether nothing is written for a unit ("": for what is no unit's)."""
        return self.paused or unit in self.paused_units

    def restart_of(self, unit: str) -> tuple[str, str]:
        """When the pods of a unit were last to be restarted, "" for never, and the annotation that says so."""
        return max((self.restarted, RESTARTED), (self.restarted_units.get(unit, ""), RESTARTED_UNITS))


def requests_of(annotations: Mapping[str, str] | None) -> Requests:
    """What valid annotations of a grid ask."""
    found = annotations or {}
    return Requests(
        found.get(PAUSED) == "true",
        frozenset(units_in(found, PAUSED_UNITS)),
        found.get(RESTARTED) or "",
        restarted_units(found),
        frozenset(units_in(found, APPROVED_UNITS)),
        tuple(units_in(found, DEPENDS_ON)),
    )


def units_in(annotations: Mapping[str, str], annotation: str) -> list[str]:
    """The units that an annotation names, in its order."""
    return [name for each in (annotations.get(annotation) or "").split(",") if (name := each.strip())]


def restarted_units(annotations: Mapping[str, str]) -> dict[str, str]:
    """By unit, when its pods were to be restarted; nothing where the annotation says something else."""
    try:
        found = json.loads(annotations.get(RESTARTED_UNITS) or "{}")
    except (TypeError, ValueError, RecursionError):
        return {}
    return {unit: at for unit, at in found.items() if isinstance(at, str)} if isinstance(found, dict) else {}


def rollout_text(annotations: Mapping[str, Any] | None) -> str:
    """What the annotation asks of a rollout, "" for nothing."""
    return str((annotations or {}).get(ROLLOUT) or "")


def rollout_words(text: str) -> list[str]:
    """The same as a verb and names of NodeUnits, separated by blanks or commas."""
    return text.replace(",", " ").split()


def request_problems(annotations: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with these annotations, which are texts."""
    if annotations.get(PAUSED) not in (None, "true", "false"):
        yield Problem(_WHERE + pointer(PAUSED), say("must be “true” or “false”"))
    words = rollout_words(rollout_text(annotations))
    if words and words[0] not in VERBS:
        yield Problem(_WHERE + pointer(ROLLOUT), one_of(VERBS))
    yield from operation_problems(annotations)
    for place in units_in(annotations, DEPENDS_ON):
        if not _PLACE.fullmatch(place):
            text = say(
                "“%(name)s” is not the plural of a kind and a name, such as deploymentgrids/web", name=place[:100]
            )
            yield Problem(_WHERE + pointer(DEPENDS_ON), text)
    for annotation in (PAUSED_UNITS, APPROVED_UNITS):
        for name in units_in(annotations, annotation):
            if problem := label_value_problem(name):
                yield Problem(_WHERE + pointer(annotation), problem)
    if RESTARTED_UNITS in annotations and not _is_of_texts(annotations[RESTARTED_UNITS]):
        example = '{"hamburg": "2026-11-27T20:00:00Z"}'
        yield Problem(
            _WHERE + pointer(RESTARTED_UNITS), say("must be a JSON object such as %(example)s", example=example)
        )


def _is_of_texts(text: Any) -> bool:
    try:
        found = json.loads(text) if text else {}
    except (TypeError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and all(isinstance(each, str) for each in found.values())
