"""Why a child is not wanted any more although its grid stays, and what it still waits for."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..grids.grid import GridSpec
from ..names import GRID_UNIQ_KEY, as_label_value
from ..text import Sentence, say
from ..workloads.rollout import is_rolled_out
from .desired import Child, Finding
from .fronts import gone_for_good
from .world import Cause, World


def departure(
    spec: GridSpec,
    world: World,
    unit: str,
    live: Mapping[str, Any],
    children: Sequence[Child],
    all_live: Mapping[str, Any],
) -> tuple[Cause, Sentence, Finding | None]:
    """Why one of ours is not wanted any more, and what it still waits for."""
    if (live["metadata"].get("labels") or {}).get(GRID_UNIQ_KEY) != as_label_value(spec.key):
        reason = say("gridUniqKey changed and its successors are ready")
        # A new key that no node carries yet has no successors: that is no reason to delete what runs.
        if children and all(is_rolled_out(spec.kind.child_kind, all_live.get(child.name)) for child in children):
            return "key-changed", reason, None
        text = say("gridUniqKey changed; it stays until its successors are ready")
        return "key-changed", reason, Finding(unit, "WaitingForSuccessors", text)
    if unit in world.left_out:
        return _left_out(spec, world, unit)
    reason = gone_for_good(unit)
    if world.is_over(unit):
        return "unit-gone", reason, None
    if world.grace == math.inf:
        text = say("NodeUnit “%(unit)s” has no nodes; its workload is kept (spec.orphanPolicy: retain)", unit=unit)
        return "unit-gone", reason, Finding(unit, "OrphanRetained", text)
    text = say(
        "NodeUnit “%(unit)s” has no nodes; its workload is kept for a grace time of %(minutes)s minutes",
        unit=unit,
        minutes=round(world.grace / 60),
    )
    return "unit-gone", reason, Finding(unit, "UnitGone", text)


def _left_out(spec: GridSpec, world: World, unit: str) -> tuple[Cause, Sentence, Finding | None]:
    """A unit that the grid leaves out by its name is meant to lose its child at once. One that it leaves out by labels
    may have lost them by mistake, so there is a grace time."""
    reason = say("spec.placement leaves NodeUnit “%(unit)s” out", unit=unit)
    if spec.placement.leaves_out_by_name(unit) or world.is_over(unit):
        return "left-out", reason, None
    if world.grace == math.inf:
        text = say(
            "spec.placement leaves NodeUnit “%(unit)s” out; its workload is kept (spec.orphanPolicy: retain)", unit=unit
        )
        return "left-out", reason, Finding(unit, "OrphanRetained", text)
    text = say(
        "spec.placement leaves NodeUnit “%(unit)s” out; its workload is kept for a grace time of %(minutes)s minutes",
        unit=unit,
        minutes=round(world.grace / 60),
    )
    return "left-out", reason, Finding(unit, "UnitLeftOut", text)
