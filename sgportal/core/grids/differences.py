"""What a grid's overrides come to: whether each fits its templates, and whether they contradict one another."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..overrides.validation import clash_problems, effect_problems
from ..schema import check
from ..text import Problem
from ..units import Unit
from .kinds import DEFAULT, KINDS, GridKind
from .validation import template_problems

if TYPE_CHECKING:
    from .grid import GridSpec


def override_problems(spec: "GridSpec", known: Mapping[str, Unit] | None) -> Iterator[Problem]:
    """What is wrong with the overrides of a grid that is right in all else; `known` are the units there are now, None
    where nobody asks."""
    if not spec.overrides:
        return
    templates = spec.templates_by_name
    entries = [each.entry for each in spec.overrides]
    yield from _effects(json.dumps((spec.kind.kind, entries, templates, spec.templates, spec.default_template)))
    if known:
        names = (spec.template_name, spec.kind.template_type)
        yield from clash_problems(spec.overrides, templates, *names, known.values())


@lru_cache(maxsize=64)
def _effects(written: str) -> tuple[Problem, ...]:
    """The problems of what is written: a grid is parsed far more often than it changes."""
    kind_name, entries, templates, used, default = json.loads(written)
    kind = KINDS[kind_name]

    def used_by(unit: str) -> str:
        return str(used.get(unit, default) or DEFAULT)

    def wrong(template: Mapping[str, Any], where: str) -> Iterator[Problem]:
        return child_problems(kind, template, where)

    return tuple(effect_problems(entries, templates, used_by, kind.template_type, wrong))


def child_problems(kind: GridKind, child_spec: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """What is wrong with a child's spec that was made from a template, overrides and variables."""
    problems = list(check(child_spec, kind.template_type, where))
    yield from problems or template_problems(kind, child_spec, where)
