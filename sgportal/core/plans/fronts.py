"""When a plain Service beside a ServiceGrid's own goes."""

from collections.abc import Mapping
from typing import Any

from ..grids.grid import GridSpec
from ..names import FRONT
from ..text import Sentence, say
from .desired import Finding


def front_leaves(spec: GridSpec, live: Mapping[str, Any], unit: str, over: bool, grace: float) -> Sentence | Finding:
    """Why a front of ours that is not wanted goes now, or what it still waits for. `over`: its NodeUnit has been
    without nodes for longer than the grace time (seconds).

    It holds no data and is made anew as it was, so that it waits for its NodeUnit, and for no person."""
    if live["metadata"]["labels"][FRONT] != spec.front:
        return say("spec.front does not ask for it any more")
    if over:
        return gone_for_good(unit)
    text = say(
        "NodeUnit “%(unit)s” has no nodes; its Service is kept for a grace time of %(minutes)s minutes",
        unit=unit,
        minutes=round(grace / 60),
    )
    return Finding(unit, "FrontKept", text)


def gone_for_good(unit: str) -> Sentence:
    """Why the child of a NodeUnit without nodes goes."""
    return say("NodeUnit “%(unit)s” has no nodes and its grace time is over", unit=unit)
