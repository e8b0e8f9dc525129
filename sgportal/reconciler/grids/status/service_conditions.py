"""What a ServiceGrid's status says of its closed loop, by the EndpointSlices last seen, and its alarms as events."""

from collections.abc import Iterator
from typing import Any

from ....core.status.status import GridStatus
from ....core.traffic.proof.loop import Loop
from ....models import Grid
from ..events.grid_events import NewEvent

_BAD = {"Closed": "False", "Refusing": "True", "ForeignSlices": "True"}
_AS_IT_IS = ("AsAsked", "Headless", "ExternalName")


def shown(loop: Loop) -> dict[str, Any]:
    """What a ServiceGrid's status shows of its loop besides conditions: how many nodes are in which state, how many
    EndpointSlices are others'."""
    return {"nodes": dict(loop.nodes), "foreignSlices": len(loop.strangers)}


def alarms(grid: Grid, status: GridStatus) -> Iterator[NewEvent]:
    """An event for each condition of the loop that is not what it was."""
    before = {each["type"]: (each["status"], each["reason"]) for each in grid.status.get("conditions") or ()}
    for each in status.conditions:
        if each.type in _BAD and before.get(each.type) != (each.status, each.reason):
            bad = each.status == _BAD[each.type] and each.reason not in _AS_IT_IS
            was_bad = before.get(each.type, ("", ""))[0] == _BAD[each.type]
            if bad or was_bad:
                yield NewEvent("", each.reason, each.sentence, warning=bad)
