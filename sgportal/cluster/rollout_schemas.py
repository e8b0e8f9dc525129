"""`spec.rollout` in the schema of a grid: in which waves a change reaches the NodeUnits."""

from ..core.names import MAX_LABEL
from ..core.rollouts.strategy import DAYS, ON_FAILURE, STARTS
from ..core.rollouts.validation import MOST_GATES, MOST_RESTARTS, MOST_SECONDS, MOST_TRACKS, MOST_WAVES, MOST_WINDOWS
from .unit_schemas import CHOICE, COUNT, TEXT, Schema, rule

_CLOCK: Schema = {**TEXT, "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_SECONDS: Schema = {"type": "integer", "format": "int32", "minimum": 0, "maximum": MOST_SECONDS}
_WAVE: Schema = {
    "type": "object",
    "properties": {
        "name": {**TEXT, "minLength": 1, "maxLength": MAX_LABEL},
        **CHOICE,
        "percent": {
            "description": "So many of all NodeUnits, at random.",
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
        },
        "count": {"description": "So many NodeUnits, at random.", "type": "integer", "minimum": 1},
        "soakSeconds": {"description": "How long it is watched before the next wave.", **_SECONDS},
        "approval": {"description": "Whether a person has to approve before the next wave.", "type": "boolean"},
    },
    "x-kubernetes-validations": [
        rule(
            "[has(self.units), has(self.unitSelector), has(self.percent), has(self.count)].filter(x, x).size() == 1",
            "must have exactly one of units, unitSelector, percent and count",
        )
    ],
}
_WAVES: Schema = {
    "description": "The NodeUnits that come first, wave by wave; all others are the last wave.",
    "type": "array",
    "maxItems": MOST_WAVES,
    "items": _WAVE,
}
_WINDOWS: Schema = {
    "description": "When a NodeUnit may be changed, by its own clock; left out, at any time.",
    "type": "array",
    "maxItems": MOST_WINDOWS,
    "items": {
        "type": "object",
        "required": ["from", "to"],
        "properties": {
            "days": {"type": "array", "minItems": 1, "maxItems": 7, "items": {"enum": list(DAYS), **TEXT}},
            "from": _CLOCK,
            "to": _CLOCK,
        },
    },
}
_GATES: Schema = {
    "description": "Checks that have to pass before the next wave.",
    "type": "array",
    "maxItems": MOST_GATES,
    "items": {
        "type": "object",
        "required": ["url"],
        "properties": {
            "name": TEXT,
            "url": {"description": "What answers with the status, or a Prometheus.", **TEXT},
            "query": {"description": "In PromQL: has samples, none of them 0, where all is well.", **TEXT},
            "status": {"description": "Left out, 200.", "type": "integer", "minimum": 100, "maximum": 599},
        },
    },
}
_TRACK: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {**TEXT, "minLength": 1, "maxLength": MAX_LABEL, "pattern": "^[A-Za-z]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"},
        **CHOICE,
        "waves": {**_WAVES, "description": "Its NodeUnits, wave by wave; all others that it chooses are its last."},
        "windows": {**_WINDOWS, "description": "When its NodeUnits may be changed; left out, as for all."},
        "gates": {**_GATES, "description": "Checks that have to pass before its next wave; left out, those of all."},
    },
    "x-kubernetes-validations": [
        rule("self.name != 'rest'", "must not be named rest"),
        rule(
            "has(self.units) || has(self.unitSelector) || (has(self.waves) && self.waves.size() > 0)",
            "must have units, a unitSelector or waves",
        ),
    ],
}
ROLLOUT: Schema = {
    "description": "In which waves a change reaches the NodeUnits; left out, all at once.",
    "type": "object",
    "properties": {
        "waves": _WAVES,
        "tracks": {
            "description": "Waves that go on beside one another; all NodeUnits that no track takes come last.",
            "type": "array",
            "maxItems": MOST_TRACKS,
            "items": _TRACK,
        },
        "maxUnavailable": {
            "description": "How many NodeUnits are changed at the same time, or how many percent; left out, 1.",
            "x-kubernetes-int-or-string": True,
        },
        "progressDeadlineSeconds": {
            "description": "When a NodeUnit that is not ready counts as failed; left out, 600.",
            **_SECONDS,
            "minimum": 1,
        },
        "maxFailures": {"description": "How many NodeUnits may fail; left out, none.", **COUNT},
        "maxRestarts": {
            "description": "How often a new pod may restart before its NodeUnit has failed; left out, however often.",
            **COUNT,
            "maximum": MOST_RESTARTS,
        },
        "onFailure": {"description": "What more failures lead to; left out, halt.", "enum": list(ON_FAILURE), **TEXT},
        "start": {"description": "Whether a change begins to be rolled out by itself.", "enum": list(STARTS), **TEXT},
        "windows": _WINDOWS,
        "gates": _GATES,
        "timeZone": {"description": "That of NodeUnits which do not say; left out, UTC.", **TEXT},
    },
    "x-kubernetes-validations": [
        rule("!has(self.tracks) || !has(self.waves)", "must have the waves in the tracks where there are tracks")
    ],
}
ROLLOUT_OF_GROUP: Schema = {
    **ROLLOUT,
    "description": "In which waves a change of any member reaches the NodeUnits.",
    "x-kubernetes-validations": [
        *ROLLOUT["x-kubernetes-validations"],
        rule(
            "!has(self.tracks) || self.tracks.all(track, has(track.units) || has(track.unitSelector) ||"
            " !has(track.waves) || track.waves.all(wave, has(wave.units) || has(wave.unitSelector)))",
            "must have tracks that choose NodeUnits by units or unitSelector, themselves or in each of their waves",
        ),
    ],
}
