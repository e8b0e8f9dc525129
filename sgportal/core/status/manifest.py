"""The status of a grid as the custom resource and the REST API show it: never larger than the cluster should keep.

Up to `MOST_UNITS` units all are listed, where they find room. Beyond that those that are unhealthy are, the worst
first, and the others are counted.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..health import is_unhealthy
from .parts import Condition, UnitStatus
from .status import GridStatus

MOST_UNITS = 200
MOST_BYTES = 63_000  # of the whole status in JSON, however it is escaped
# What is left of the rest where not everything finds room, in bytes: 9 conditions and the lists need half of it then.
MESSAGE, SHORT_MESSAGE, NAME = 2000, 1000, 500
NOTES, NAMES = 5, 10

Body = dict[str, Any]


def manifest_status(status: GridStatus, generation: int, previous: Mapping[str, Any], now: str) -> Body:
    """The status as the custom resource shows it. What finds no room is left out; then `truncated` is true,
    `omittedUnits` says how many units are not listed, and `unitsByState` counts all.

    `previous` is the status stored before: a condition keeps its `lastTransitionTime` while its status stays;
    `now` is the time in RFC 3339.
    """
    whole = _head(status, generation, previous, now)
    if status.tally.total <= MOST_UNITS:
        whole |= units_json(status)
        if size(whole) <= MOST_BYTES:
            return whole
    return _truncated(status, whole)


def units_json(status: GridStatus) -> Body:
    """What is said of the units of a status, `states` and `units`, of each all there is to say."""
    return {"states": dict(status.states), "units": [_unit_json(unit) for unit in status.units if unit.name]}


def size(body: Any) -> int:
    """How many bytes it is in JSON at the most: with all that is not ASCII, and what HTML knows, written as escapes."""
    text = json.dumps(body, separators=(",", ":"))
    return len(text) + 5 * sum(map(text.count, "<>&"))


def _head(status: GridStatus, generation: int, previous: Mapping[str, Any], now: str) -> Body:
    """All but the units."""
    before = {each["type"]: each for each in previous.get("conditions") or ()}
    unused = status.whole.unused_templates
    return {
        "observedGeneration": generation,
        "conditions": [condition_json(each, before.get(each.type), now) for each in status.conditions],
        "states": {},
        "units": [],
        "readyUnits": status.tally.settled,
        "totalUnits": status.tally.total,
        **(_notes_json(status.tally.service) if status.tally.service else {}),
        **({"unusedTemplates": list(unused)} if unused else {}),
        **status.whole.shown,
    }


def _truncated(status: GridStatus, whole: Body) -> Body:
    """As much of a status as finds room: of up to MOST_UNITS units the worst, of more those that are unhealthy."""
    many = status.tally.total > MOST_UNITS
    body = {
        **whole,
        "conditions": [_shorter(each, MESSAGE) for each in whole["conditions"]],
        "states": {},
        "units": [],
        "truncated": True,
        "omittedUnits": status.tally.total,
        "unitsByState": {state: group.count for state, group in status.tally.by_state.items()},
    }
    if notes := whole.get("notes"):
        body["notes"] = [_shorter(each, SHORT_MESSAGE) for each in notes[:NOTES]]
    if unused := whole.get("unusedTemplates"):
        body["unusedTemplates"] = [cut(name, NAME) for name in unused[:NAMES]]
    _fill(body, (unit for unit in status.units if unit.name and (is_unhealthy(unit.state) or not many)))
    body["omittedUnits"] -= len(body["units"])
    return body


def _fill(body: Body, units: Iterable[UnitStatus]) -> None:
    """List units as long as there is room: of each its state, of its child the counts."""
    room = MOST_BYTES - size(body)
    for unit in units:
        entry = _shorter(_unit_json(replace(unit, notes=())), SHORT_MESSAGE)
        counts = {key: value for key, value in unit.child_status.items() if key != "conditions"}
        states = {unit.name: counts} if unit.child else {}
        room -= size(entry) + size(states) + 2
        if room < 0:
            return
        body["units"].append(entry)
        body["states"].update(states)


def _shorter(body: Mapping[str, str], most: int) -> dict[str, str]:
    """The same with a message of so many bytes at the most."""
    return {**body, "message": cut(body["message"], most)}


def cut(text: str, most: int) -> str:
    """As much of a text as needs so many bytes at the most, with a sign where something is missing."""
    left = text[:most]
    while (needed := size(left)) > most:
        left = left[: len(left) * most // needed]
    return text if left == text else left + "…"


def _unit_json(unit: UnitStatus) -> Body:
    return {
        "name": unit.name,
        "state": unit.state,
        "template": unit.template,
        "message": str(unit.sentence),
        "reason": unit.reason,
        **_notes_json(unit),
    }


def _notes_json(unit: UnitStatus) -> Body:
    notes = [{"reason": reason, "message": str(sentence)} for reason, sentence in unit.notes]
    return {"notes": notes} if notes else {}


def condition_json(condition: Condition, before: Mapping[str, Any] | None, now: str) -> dict[str, str]:
    """A condition as Kubernetes has it; `before` is what was said of the same type."""
    stays = before is not None and before.get("status") == condition.status
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": str(condition.sentence),
        "lastTransitionTime": before["lastTransitionTime"] if stays and before else now,
    }
