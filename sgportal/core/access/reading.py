"""The bounds of a grant or a token as people write them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..grids.kinds import KINDS
from ..names import label_key_problem, label_value_problem, namespace_problem
from ..text import Problem, Sentence, one_of, say
from .scope import Bounds

MOST = 500  # names in one list
FIELDS = ("namespaces", "kinds", "nodeGroup", "nodeUnits")


def read_bounds(given: Mapping[str, Any]) -> tuple[Bounds, list[Problem]]:
    """The bounds that `namespaces`, `kinds`, `nodeGroup` and `nodeUnits` say, and all that is wrong with them; what is
    left out is not limited."""
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
    return Bounds(tuple(sorted({*namespaces})), tuple(sorted({*kinds})), key, tuple(sorted({*units}))), problems


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
    lists = (list(bounds.namespaces), list(bounds.kinds), bounds.key, list(bounds.units))
    return dict(zip(FIELDS, lists, strict=True))
