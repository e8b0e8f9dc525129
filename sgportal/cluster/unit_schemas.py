"""What tells the children of one template apart, in the schema of a grid: overrides, placement, variables, division;
and the pieces that all of the schema is made of."""

from typing import Any

from ..core.names import MAX_LABEL
from ..core.overrides.joining import POLICIES as JOIN_POLICIES
from ..core.overrides.orphans import POLICIES
from ..core.overrides.validation import MOST

Schema = dict[str, Any]

VALUE = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
TEXT: Schema = {"type": "string"}
ANY: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def open_object(*required: str, **properties: Schema) -> Schema:
    """An object that keeps what is not said of it here."""
    return {**ANY, "required": list(required), "properties": properties}


def rule(rule: str, message: str, field: str = "") -> dict[str, str]:
    """A rule in CEL and what is said where it does not hold."""
    return {"rule": rule, "message": message, **({"fieldPath": field} if field else {})}


_NAMES: Schema = {
    "description": "NodeUnits by name.",
    "type": "array",
    "minItems": 1,
    "items": {**TEXT, "minLength": 1, "maxLength": MAX_LABEL, "pattern": f"^{VALUE}$"},
}
_SELECTOR: Schema = {
    "description": "NodeUnits by the labels that all of their nodes have with one value.",
    "type": "object",
    "properties": {
        "matchLabels": {"type": "object", "additionalProperties": TEXT},
        "matchExpressions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["key", "operator"],
                "properties": {
                    "key": TEXT,
                    "operator": {"type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
                    "values": {"type": "array", "items": TEXT},
                },
            },
        },
    },
}
CHOICE: Schema = {"units": _NAMES, "unitSelector": _SELECTOR}
_ONE_CHOICE = rule("has(self.units) != has(self.unitSelector)", "must have either units or unitSelector")
COUNT: Schema = {"type": "integer", "format": "int32", "minimum": 0}
_VARS: Schema = {"type": "object", "additionalProperties": TEXT}
_OVERRIDES: Schema = {
    "description": "What is different in some NodeUnits.",
    "type": "array",
    "maxItems": MOST,
    "items": {
        "type": "object",
        "properties": {
            **CHOICE,
            "container": {"description": "Whose image, env, args and resources; left out, the only one's.", **TEXT},
            "replicas": COUNT,
            "image": {**TEXT, "minLength": 1},
            "env": {
                "description": "Variables of the environment, added or in place of those of the same name.",
                "type": "array",
                "items": open_object("name", name={**TEXT, "minLength": 1}),
            },
            "args": {"description": "In place of all arguments.", "type": "array", "items": TEXT},
            "resources": {"description": "Laid over the container's resources.", **ANY},
            "patch": {
                "description": "Laid over the child's spec: null, or {$patch: delete}, removes a field.",
                **ANY,
            },
        },
        "x-kubernetes-validations": [_ONE_CHOICE],
    },
}
_SIDE: Schema = {"type": "object", "properties": CHOICE, "x-kubernetes-validations": [_ONE_CHOICE]}
BY_UNIT: Schema = {
    "overrides": _OVERRIDES,
    "placement": {
        "description": "Which of the NodeUnits of the key the grid is for; left out, all.",
        "type": "object",
        "properties": {"include": _SIDE, "exclude": _SIDE},
    },
    "vars": {"description": "Values for {{unit.vars.<name>}} in every NodeUnit.", **_VARS},
    "unitVars": {
        "description": "Values for {{unit.vars.<name>}} by name of NodeUnit.",
        "type": "object",
        "additionalProperties": _VARS,
    },
    "orphanPolicy": {
        "description": "What becomes of the workload of a NodeUnit that has no nodes any more; left out, deleteAfter.",
        "type": "string",
        "enum": list(POLICIES),
    },
    "deleteAfterSeconds": {"description": "With deleteAfter: how long it is kept.", **COUNT},
    "joinPolicy": {
        "description": "When a NodeUnit that is new to the grid gets its workload; left out, immediate.",
        "type": "string",
        "enum": list(JOIN_POLICIES),
    },
    "totalReplicas": {"description": "Replicas of all NodeUnits together.", **COUNT},
    "division": {
        "description": "How totalReplicas is divided.",
        "type": "object",
        "properties": {
            "by": {"type": "string", "enum": ["even", "weight", "nodes"]},
            "weights": {"type": "object", "additionalProperties": COUNT},
            "atLeast": {"description": "What each NodeUnit has at least.", **COUNT},
        },
    },
}
