"""Variables in the texts of templates and overrides: `{{unit.name}}`, `{{unit.labels.<key>}}`,
`{{unit.vars.<name>}}`.

A unit's labels are those that all of its nodes have with one value. `vars` are the grid's own: `spec.vars` for every
unit, `spec.unitVars.<unit>` for one. Other text in double braces is left as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..schema import VARIABLE
from ..text import Problem, Sentence, pointer, say
from ..units import Unit
from .tracing import Traced, leaves

_NAME = re.compile(r"[A-Za-z_]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9_])?")
LONGEST = 4096  # characters of a value
MOST = 100  # of one unit


@dataclass(frozen=True, slots=True)
class Variables:
    """`common` are those of every unit, `own` those of single ones, which win."""

    common: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def names(self) -> set[str]:
        """All that have a value in at least one unit."""
        return {*self.common, *(name for each in self.own.values() for name in each)}

    def of(self, unit: str) -> Mapping[str, str]:
        """Those of one unit."""
        return {**self.common, **(self.own.get(unit) or {})}

    def value(self, unit: str, name: str) -> str | None:
        """One of them, None where the unit has none of this name."""
        return (self.own.get(unit) or {}).get(name, self.common.get(name))


def variables_of(spec: Mapping[str, Any]) -> Variables:
    """The variables of a valid spec."""
    return Variables(
        _given(spec.get("vars")), {unit: _given(each) for unit, each in _given(spec.get("unitVars")).items()}
    )


def _given(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Without nulls, which count as absent."""
    return {name: value for name, value in (values or {}).items() if value is not None}


def variable_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with `spec.vars` and `spec.unitVars`, whose types are right."""
    yield from _names_problems(spec.get("vars") or {}, "/spec/vars")
    for unit, values in (spec.get("unitVars") or {}).items():
        yield from _names_problems(values or {}, "/spec/unitVars" + pointer(unit))


def _names_problems(values: Mapping[str, str], where: str) -> Iterator[Problem]:
    if len(values) > MOST:
        yield Problem(where, say("must have at most %(limit)s entries", limit=MOST))
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            yield Problem(
                where + pointer(name),
                say("“%(name)s” is not a name: letters, digits, “-”, “_” and “.”, first a letter", name=name[:100]),
            )
        if len(value or "") > LONGEST:
            yield Problem(where + pointer(name), say("must have at most %(limit)s characters", limit=LONGEST))


def strings(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Each text that has a variable, with its JSON pointer."""
    for place, leaf in leaves(value, where):
        text = leaf.value if isinstance(leaf, Traced) else leaf
        if isinstance(text, str) and "{{" in text and VARIABLE.search(text):
            yield place, text


def usage_problems(value: Any, known: Variables, where: str) -> Iterator[Problem]:
    """Variables in the texts of a value that no unit can ever have."""
    names = known.names()
    for place, text in strings(value, where):
        for name in VARIABLE.findall(text):
            kind, _, rest = name.partition(".")
            if kind == "vars" and rest and rest not in names:
                yield Problem(place, say("“%(name)s” is neither in spec.vars nor in spec.unitVars", name=rest[:100]))
            elif name != "name" and (kind not in ("labels", "vars") or not rest):
                yield Problem(
                    place,
                    say(
                        "“%(name)s” is not a variable: there are unit.name, unit.labels.<key> and unit.vars.<name>",
                        name=f"unit.{name}"[:100],
                    ),
                )


def reads_labels(value: Any) -> bool:
    """Whether a text in it has a variable that is a label of the unit."""
    return any(name.startswith("labels.") for _, text in strings(value) for name in VARIABLE.findall(text))


def depends_on_labels(spec: Any) -> bool:
    """Whether a spec as it is stored, valid or not, chooses NodeUnits by labels or has labels of them as variables."""
    choosing = [spec.get(name) for name in ("overrides", "placement")] if isinstance(spec, Mapping) else []
    return _names_a_selector(choosing) or reads_labels(spec)


def labels_read(spec: Any) -> set[str]:
    """The label keys that a spec as it is stored, valid or not, chooses NodeUnits by or has as variables."""
    choosing = [spec.get(name) for name in ("overrides", "placement")] if isinstance(spec, Mapping) else []
    named = {name for _, text in strings(spec) for name in VARIABLE.findall(text) if name.startswith("labels.")}
    return {name.removeprefix("labels.") for name in named} | set(_selected(choosing))


def _selected(value: Any) -> Iterator[str]:
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _selected(each)
    selector = value.get("unitSelector") if isinstance(value, Mapping) else None
    if isinstance(selector, Mapping):
        equal, sets = selector.get("matchLabels"), selector.get("matchExpressions")
        yield from equal if isinstance(equal, Mapping) else ()
        keys = (each.get("key") for each in sets if isinstance(each, Mapping)) if isinstance(sets, list) else ()
        yield from (key for key in keys if isinstance(key, str))


def _names_a_selector(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "unitSelector" in value or any(map(_names_a_selector, value.values()))
    return isinstance(value, list) and any(map(_names_a_selector, value))


class Missing(Exception):
    """A variable that a unit does not have; `sentence` says which."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def substituted(value: Any, unit: Unit, known: Variables) -> Any:
    """The value with the variables of a unit in its texts. What has none is the same object. Raises Missing."""
    if isinstance(value, Traced):
        text = substituted(value.value, unit, known)
        return value if text is value.value else replace(value, value=text, written=value.value)
    if isinstance(value, str):
        return filled(value, unit, known) if "{{" in value else value
    if isinstance(value, Mapping):
        return {key: substituted(each, unit, known) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [substituted(each, unit, known) for each in value]
    return value


def filled(text: str, unit: Unit, known: Variables) -> str:
    """A text with the variables of a unit. Raises Missing."""
    return VARIABLE.sub(lambda found: value_of(found[1], unit, known), text)


def parted(text: str) -> list[str]:
    """What a text consists of: what is written, the name of a variable, what is written, and so on in turn."""
    return VARIABLE.split(text)


def joined(parts: Sequence[str], values: Mapping[str, str]) -> str:
    """A text from its parts, with these values of its variables."""
    found = list(parts)
    found[1::2] = [values[name] for name in parts[1::2]]
    return "".join(found)


def value_of(name: str, unit: Unit, known: Variables) -> str:
    """The value of a variable in a unit. Raises Missing."""
    kind, _, rest = name.partition(".")
    if name == "name":
        return unit.name
    found = unit.labels.get(rest) if kind == "labels" else known.value(unit.name, rest)
    if found is None and kind == "labels":
        raise Missing(
            say("{{unit.%(name)s}} has no value: not all nodes of “%(unit)s” have one", name=name, unit=unit.name)
        )
    if found is None:
        raise Missing(
            say(
                "{{unit.%(name)s}} has no value: set it in spec.unitVars for “%(unit)s”, or in spec.vars",
                name=name,
                unit=unit.name,
            )
        )
    return found
