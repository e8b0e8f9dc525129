"""The schema of a ServiceGroup: a package of grids, each as its own kind has it."""

from ..core.grids.kinds import KINDS
from ..core.names import MAX_LABEL
from .rollout_schemas import ROLLOUT_OF_GROUP
from .schemas import CONDITION, KEY
from .unit_schemas import ANY, LABEL, TEXT, Schema, open_object

MOST_MEMBERS = 200
_ORDER = r"^[A-Za-z]+/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_MEMBER: Schema = {
    "type": "object",
    "required": ["kind", "metadata", "spec"],
    "properties": {
        "apiVersion": TEXT,
        "kind": {**TEXT, "enum": list(KINDS)},
        "metadata": open_object("name", name={**TEXT, "minLength": 1, "maxLength": MAX_LABEL}),
        "spec": ANY,
    },
}
_COUNT: Schema = {"type": "integer"}
GROUP: Schema = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "apiVersion": TEXT,
        "kind": TEXT,
        "metadata": {
            "type": "object",
            "properties": {"name": {**TEXT, "maxLength": MAX_LABEL, "pattern": f"^{LABEL}$"}},
        },
        "spec": {
            "type": "object",
            "required": ["gridUniqKey", "grids"],
            "properties": {
                "gridUniqKey": KEY,
                "grids": {
                    "description": "The members: grids, which may leave out apiVersion, namespace and gridUniqKey.",
                    "type": "array",
                    "maxItems": MOST_MEMBERS,
                    "items": _MEMBER,
                },
                "paused": {"description": "Nothing is written for any member.", "type": "boolean"},
                "rollout": ROLLOUT_OF_GROUP,
                "dependsOn": {
                    "description": "By member, such as deploymentgrid/web, those that it waits for in each NodeUnit.",
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {**TEXT, "pattern": _ORDER}},
                },
            },
        },
        "status": {
            "type": "object",
            "properties": {
                "observedGeneration": {"type": "integer", "format": "int64"},
                "conditions": {"type": "array", "items": CONDITION},
                "state": TEXT,
                **dict.fromkeys(("totalMembers", "readyMembers", "omittedMembers"), _COUNT),
                "members": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            **dict.fromkeys(("kind", "name", "state", "reason", "message"), TEXT),
                            **dict.fromkeys(("units", "readyUnits"), _COUNT),
                            "rollout": TEXT,
                        },
                    },
                },
            },
        },
    },
}
