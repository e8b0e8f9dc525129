"""Grids that wait for others: in each NodeUnit a change is carried out once those are ready there."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ...text import Sentence, say
from ..desired import Finding
from ..world import World

if TYPE_CHECKING:
    from ..plan import Plan

WAITING = "WaitingForMember"


def in_order(world: World, planned: "Plan") -> "Plan":
    """The plan without what would be created or changed in units where the grid waits for another; each says for whom.
    What is there already goes on to be deleted, and kept as it is where nothing new is to be carried out."""
    if not world.unready:
        return planned
    held = {step.unit for step in planned.steps if step.verb in ("create", "update") and step.unit in world.unready}
    findings = (Finding(unit, WAITING, _text(world.unready[unit])) for unit in sorted(held))
    steps = tuple(step for step in planned.steps if step.unit not in held or step.verb not in ("create", "update"))
    return replace(planned, steps=steps, findings=(*planned.findings, *findings))


def _text(place: str) -> Sentence:
    return say("it waits until “%(name)s” is ready in this NodeUnit", name=place)
