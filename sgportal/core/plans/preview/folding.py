"""A plan as it is read: what is done alike to many objects is told once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...text import Sentence
from ..plan import Step


@dataclass(frozen=True, slots=True)
class Fold:
    """Steps of the same verb, kind and cause that change the same fields from and to the same values."""

    steps: tuple[Step, ...]

    @property
    def first(self) -> Step:
        """What is told of all of them."""
        return self.steps[0]

    @property
    def reason(self) -> Sentence | None:
        """Why, where that is the same for all of them to the letter."""
        return self.first.reason if all(each.reason == self.first.reason for each in self.steps) else None


def folded(steps: Iterable[Step]) -> Sequence[Fold]:
    """The steps, alike ones together, in the order of the first of each. Steps that create are alike whatever their
    bodies (a change of the path ""): each is made for its own NodeUnit."""
    found: dict[Any, list[Step]] = {}
    for step in steps:
        changes = tuple((each.path, repr(each.old), repr(each.new), each.by) for each in step.changes if each.path)
        found.setdefault((step.verb, step.kind, step.namespace, step.cause, changes), []).append(step)
    return [Fold(tuple(each)) for each in found.values()]
