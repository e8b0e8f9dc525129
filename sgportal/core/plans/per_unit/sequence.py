"""Grids that wait for others: in each NodeUnit a change is carried out once those are ready there."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...names import DEPENDS_ON
from ...text import Sentence, say
from ..desired import Finding
from ..world import Unready, World

if TYPE_CHECKING:
    from ..plan import Plan

WAITING = "WaitingForMember"
RING = "WaitingInARing"
WAITS = (WAITING, RING)  # why a unit waits for another grid


def in_order(world: World, planned: "Plan") -> "Plan":
    """The plan without what would be created or changed in units where the grid waits for another; each says for whom.
    What is there already goes on to be deleted, and kept as it is where nothing new is to be carried out."""
    if not world.unready:
        return planned
    held = {step.unit for step in planned.steps if step.verb in ("create", "update") and step.unit in world.unready}
    findings = (_finding(unit, world.unready[unit]) for unit in sorted(held))
    steps = tuple(step for step in planned.steps if step.unit not in held or step.verb not in ("create", "update"))
    return replace(planned, steps=steps, findings=(*planned.findings, *findings))


def ring_text(ring: Sequence[str]) -> Sentence:
    """That these grids, from the first back to it, wait for one another, and what to do about it."""
    names, annotation = " → ".join(ring), DEPENDS_ON
    return say(
        "these wait for one another: %(names)s; take one of them out of the annotation %(annotation)s of another",
        names=names,
        annotation=annotation,
    )


def _finding(unit: str, waits: Unready) -> Finding:
    if waits.ring:
        return Finding(unit, RING, ring_text(waits.ring))
    return Finding(unit, WAITING, say("it waits until “%(name)s” is ready in this NodeUnit", name=waits.place))
