"""The status of a grid as the custom resource and the REST API show it."""

from collections.abc import Mapping
from typing import Any

from ..health import is_settled
from .status import Condition, GridStatus, UnitStatus


def manifest_status(status: GridStatus, generation: int, previous: Mapping[str, Any], now: str) -> dict[str, Any]:
    """The status as the custom resource and the REST API show it.

    `previous` is the status stored before: a condition keeps its `lastTransitionTime` while its status stays;
    `now` is the time in RFC 3339.
    """
    before = {each["type"]: each for each in previous.get("conditions") or ()}
    units = [unit for unit in status.units if unit.name]
    return {
        "observedGeneration": generation,
        "conditions": [_condition_json(each, before.get(each.type), now) for each in status.conditions],
        "states": dict(status.states),
        "units": [
            {
                "name": unit.name,
                "state": unit.state,
                "template": unit.template,
                "message": str(unit.sentence),
                "reason": unit.reason,
                **_notes_json(unit),
            }
            for unit in units
        ],
        "readyUnits": sum(is_settled(unit.state) for unit in units),
        "totalUnits": len(units),
        **_notes_json(next((unit for unit in status.units if not unit.name), None)),
        **({"unusedTemplates": list(status.unused_templates)} if status.unused_templates else {}),
    }


def _notes_json(unit: UnitStatus | None) -> dict[str, Any]:
    notes = [{"reason": reason, "message": str(sentence)} for reason, sentence in unit.notes] if unit else []
    return {"notes": notes} if notes else {}


def _condition_json(condition: Condition, before: Mapping[str, Any] | None, now: str) -> dict[str, str]:
    stays = before is not None and before.get("status") == condition.status
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": str(condition.sentence),
        "lastTransitionTime": before["lastTransitionTime"] if stays and before else now,
    }
