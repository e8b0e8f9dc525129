"""NodeUnits that are new to a grid, and what they wait for before they get a workload."""

from ..grids.grid import GridSpec
from ..text import say
from .desired import Finding
from .world import World

NOT_READY, NOT_APPROVED = "WaitingForReadyNode", "WaitingForApproval"


def waits_to_join(spec: GridSpec, world: World, unit: str) -> Finding | None:
    """What a unit without a workload waits for; None where it may have one. A unit that had one of this grid's before
    is not new: a node that is not Ready, or a workload that somebody deleted, does not put it back."""
    if spec.join == "immediate" or not unit or unit in world.joined:
        return None
    if spec.join == "approved" and unit not in spec.requests.approved_units:
        text = say("NodeUnit “%(unit)s” is new and waits to be approved; nothing is created there before", unit=unit)
        return Finding(unit, NOT_APPROVED, text)
    if unit in world.known and not world.known[unit].ready_nodes:
        text = say("NodeUnit “%(unit)s” is new and none of its nodes is ready; its workload is created then", unit=unit)
        return Finding(unit, NOT_READY, text)
    return None
