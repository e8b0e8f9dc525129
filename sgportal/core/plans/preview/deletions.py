"""Whether so much is deleted that a person types the name of what it is about."""

from collections.abc import Iterable

from ..plan import Plan

MANY = 10  # children


def is_large(plans: Iterable[Plan]) -> bool:
    """Whether these plans together delete MANY objects of the cluster or more."""
    return sum(step.verb == "delete" for plan in plans for step in plan.steps) >= MANY
