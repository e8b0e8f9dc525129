"""Kubernetes' label selectors: the text grammar and the object form, as one list of requirements.

Grammar: kubernetes.io/docs "Labels and Selectors", set-based and equality-based requirements joined by commas.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .names import label_key_problem, label_value_problem
from .text import Invalid, Problem, say


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on a label. `operator` is In, NotIn, Exists or DoesNotExist; `values` are for the first two."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels meets the requirement (NotIn holds where the key is absent)."""
        if self.operator == "Exists":
            return self.key in labels
        if self.operator == "DoesNotExist":
            return self.key not in labels
        return (labels.get(self.key) in self.values) == (self.operator == "In")


MAX_TEXT = 4096  # characters of a selector
MAX_REQUIREMENTS = 32  # each is a condition of one statement to the database
_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = re.compile(r"([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)")
_PLAIN = re.compile(r"(!?)\s*([^=!\s()]+)")


def parse_selector(text: str, where: str = "/labelSelector") -> tuple[Requirement, ...]:
    """The requirements of a selector in text form, such as `zone in (a,b),!spare`; empty text selects everything.

    Raises Invalid, naming `where`, for anything outside the grammar and for more than MAX_TEXT or MAX_REQUIREMENTS.
    """
    if len(text) > MAX_TEXT:
        sentence = say("a selector may have %(limit)s characters, not %(count)s", limit=MAX_TEXT, count=len(text))
        raise Invalid(Problem(where, sentence))
    parts = _parts(text) if text.strip() else []
    if len(parts) > MAX_REQUIREMENTS:
        sentence = say(
            "a selector may have %(limit)s requirements, not %(count)s; join values of one label: zone in (a,b)",
            limit=MAX_REQUIREMENTS,
            count=len(parts),
        )
        raise Invalid(Problem(where, sentence))
    return tuple(_requirement(part.strip(), where) for part in parts)


def _parts(text: str) -> list[str]:
    """What stands between the commas that are in no parentheses; in one pass."""
    parts, begin, is_inside = [], 0, False
    for found in re.finditer("[(),]", text):
        if found[0] != ",":
            is_inside = found[0] == "("
        elif not is_inside:
            parts.append(text[begin : found.start()])
            begin = found.end()
    return [*parts, text[begin:]]


def _requirement(part: str, where: str) -> Requirement:
    if found := _SET.fullmatch(part):
        values = tuple(value.strip() for value in found[3].split(","))
        requirement = Requirement(found[1], "In" if found[2] == "in" else "NotIn", values)
    elif found := _EQUAL.fullmatch(part):
        requirement = Requirement(found[1], "NotIn" if found[2] == "!=" else "In", (found[3],))
    elif found := _PLAIN.fullmatch(part):
        requirement = Requirement(found[2], "DoesNotExist" if found[1] else "Exists")
    else:
        sentence = say(
            "“%(part)s” is not a label selector: write for example zone=a, zone in (a,b), zone or !zone",
            part=part[:100],
        )
        raise Invalid(Problem(where, sentence))
    problem = label_key_problem(requirement.key) or next(
        filter(None, map(label_value_problem, requirement.values)), None
    )
    if problem:
        raise Invalid(Problem(where, problem))
    return requirement


def requirements(selector: Mapping[str, Any] | None) -> tuple[Requirement, ...]:
    """The requirements of a selector object `{matchLabels, matchExpressions}`, already known to be well-formed."""
    selector = selector or {}
    equal = (Requirement(key, "In", (value,)) for key, value in (selector.get("matchLabels") or {}).items())
    sets = (
        Requirement(item["key"], item["operator"], tuple(item.get("values") or ()))
        for item in selector.get("matchExpressions") or ()
    )
    return (*equal, *sets)


def matches(wanted: Iterable[Requirement], labels: Mapping[str, str]) -> bool:
    """Whether an object with these labels meets every requirement."""
    return all(requirement.matches(labels) for requirement in wanted)


def selector_text(wanted: Iterable[Requirement]) -> str:
    """The text form of these requirements; `parse_selector` reads it back."""
    return ",".join(map(_written, wanted))


def _written(wanted: Requirement) -> str:
    if not wanted.values:
        return wanted.key if wanted.operator == "Exists" else f"!{wanted.key}"
    is_in = wanted.operator == "In"
    if len(wanted.values) == 1:
        return f"{wanted.key}{'=' if is_in else '!='}{wanted.values[0]}"
    return f"{wanted.key} {'in' if is_in else 'notin'} ({','.join(wanted.values)})"


def equality_text(labels: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """The text form of "each of these labels has exactly this value"."""
    return ",".join(f"{key}={value}" for key, value in dict(labels).items())
