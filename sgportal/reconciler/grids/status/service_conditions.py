"""The alarms of a ServiceGrid's closed loop, as events."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ....core.status.parts import Condition
from ..events.grid_events import NewEvent

_BAD = {
    "Closed": "False",
    "Refusing": "True",
    "ForeignSlices": "True",
    "OtherReaders": "True",
    "ExternalTraffic": "True",
}
_AS_IT_IS = ("AsAsked", "Headless", "ExternalName")


def alarms(before: Mapping[str, Any], conditions: Iterable[Condition]) -> Iterator[NewEvent]:
    """An event for each condition of the loop that is not what it was by the status `before`."""
    were = {each["type"]: (each["status"], each["reason"]) for each in before.get("conditions") or ()}
    for each in conditions:
        if each.type in _BAD and were.get(each.type) != (each.status, each.reason):
            bad = each.status == _BAD[each.type] and each.reason not in _AS_IT_IS
            was_bad = were.get(each.type, ("", ""))[0] == _BAD[each.type]
            if bad or was_bad:
                yield NewEvent("", each.reason, each.sentence, warning=bad)
