"""The bounds of a grant or a token as people write them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..grids.kinds import KINDS
from ..names import label_key_problem, label_value_problem, namespace_problem
from ..selector import Requirement, parse_selector, selector_text
from ..text import Invalid, Problem, Sentence, one_of, say
from .scope import Bounds

MOST = 500  # names in one list
FIELDS = ("namespaces", "kinds", "nodeGroup", "nodeUnits", "unitSelector")


def read_bounds(given: Mapping[str, Any]) -> tuple[Bounds, list[Problem]]:
    """The bounds that FIELDS say, and all that is wrong with them; what is left out is not limited."""
    namespaces, kinds, units = (tuple(given.get(each) or ()) for each in ("namespaces", "kinds", "nodeUnits"))
    key = given.get("nodeGroup") or ""
    problems = [
        *_each("namespaces", namespaces, namespace_problem),
        *_each("kinds", kinds, lambda kind: None if kind in KINDS else one_of(KINDS)),
        *_each("nodeUnits", units, _unit_problem),
    ]
    if key and (problem := label_key_problem(key)):
        problems.append(Problem("/nodeGroup", problem))
    if units and not key:
        problems.append(Problem("/nodeGroup", say("is required with “nodeUnits”: the label key of the NodeGroup")))
    selector: tuple[Requirement, ...] = ()
    try:
        selector = parse_selector(given.get("unitSelector") or "", "/unitSelector")
    except Invalid as invalid:
        problems += invalid.problems
    if selector and units:
        problems.append(Problem("/unitSelector", say("cannot stand beside “nodeUnits”; give one of the two")))
    elif selector and not key:
        problems.append(Problem("/nodeGroup", say("is required with “unitSelector”: the label key of the NodeGroup")))
    names = [tuple(sorted({*each})) for each in (namespaces, kinds, units)]
    return Bounds(names[0], names[1], key, names[2], selector=selector), problems


def _unit_problem(unit: object) -> Sentence | None:
    return label_value_problem(unit) if unit else say("must be the name of a NodeUnit")


def _each(field: str, names: Sequence[Any], check: Callable[[Any], Sentence | None]) -> Iterator[Problem]:
    if len(names) > MOST:
        yield Problem(f"/{field}", say("may have at most %(most)s names", most=MOST))
        return
    for index, name in enumerate(names):
        if problem := check(name):
            yield Problem(f"/{field}/{index}", problem)


def written(bounds: Bounds) -> dict[str, Any]:
    """Bounds as people write them."""
    values = (
        list(bounds.namespaces),
        list(bounds.kinds),
        bounds.key,
        list(bounds.units),
        selector_text(bounds.selector),
    )
    return dict(zip(FIELDS, values, strict=True))
