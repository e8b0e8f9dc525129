"""What a ServiceGrid's status says of its closed loop, by the EndpointSlices last seen, and its alarms as events."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...core.grids.conditions import closure_conditions, node_counts
from ...core.grids.status import GridStatus
from ...models import Grid
from ...queries.endpoints import endpoints_of
from .events import Happening

_BAD = {"Closed": "False", "Refusing": "True"}


def with_closure(grid: Grid, status: GridStatus) -> tuple[GridStatus, dict[str, Any]]:
    """The status with the conditions of the loop, and what else of it is shown: how many nodes are in which state."""
    reach = endpoints_of(grid)
    conditions = closure_conditions(reach.nodes, reach.observed)
    return replace(status, conditions=(*status.conditions, *conditions)), {"nodes": node_counts(reach.nodes)}


def alarms(grid: Grid, status: GridStatus) -> Iterator[Happening]:
    """An event for each condition of the loop that is not what it was."""
    before = {each["type"]: (each["status"], each["reason"]) for each in grid.status.get("conditions") or ()}
    for each in status.conditions:
        if each.type in _BAD and before.get(each.type) != (each.status, each.reason):
            bad = each.status == _BAD[each.type] and each.reason != "AsAsked"
            was_bad = before.get(each.type, ("", ""))[0] == _BAD[each.type]
            if bad or was_bad:
                yield Happening("", each.reason, each.sentence, warning=bad)
